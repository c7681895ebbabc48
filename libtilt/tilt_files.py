"""What belongs to a stack: the files beside it, its geometry, what its header says of pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from libtilt._checks import Float64Array
from libtilt.alignment import Alignment, open_alignment
from libtilt.alignment.sizes import MissingSizeError
from libtilt.geometry import TiltGeometry
from libtilt.mrc import MrcContent

UNKNOWN_PIXEL_SIZE = "it does not know the pixel size, 1 A is taken: set pixel_size (--pixel-size)"


def beside(path: str | Path, suffix: str) -> Path:
    """Return the path of a stack with its suffix, and that of its compression, replaced."""
    stack = Path(path)
    if stack.suffix.lower() in (".gz", ".bz2"):
        stack = stack.with_suffix("")
    return stack.with_suffix(suffix)


def read_tilt_angles(path: str | Path) -> Float64Array:
    r"""Read a text file with one tilt angle in degrees per line (``.tlt``, ``.rawtlt``).

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValueError
        If a line is not a number; the message names the file and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.tilt_files import read_tilt_angles
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.tlt"
    ...     _ = path.write_text(" -60.00\n -57.00\n")
    ...     read_tilt_angles(path).tolist()
    [-60.0, -57.0]
    """
    angles = []
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            angles.append(float(line))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: expected one angle, got {line!r}") from error
    if not angles or not np.isfinite(angles).all():
        raise ValueError(f"{path} must hold one finite tilt angle per line")
    return np.array(angles)


def header_pixel_size(path: str | Path, voxel_size: Float64Array) -> float | None:
    """Return the size of square pixels, None where the header does not know it."""
    x, y = (float(size) for size in voxel_size[:2])
    if x <= 0 or y <= 0:
        return None
    if abs(x - y) > 1e-3 * x:
        raise ValueError(
            f"{path} has pixels of {x:.4g} x {y:.4g} angstroms, a tilt series needs square ones: "
            "pass pixel_size=..."
        )
    return x


def find_beside(path: str | Path) -> Path | None:
    """Return the file of the same name that holds the geometry of a stack, or None."""
    candidates = (beside(path, suffix) for suffix in (".json", ".tlt", ".rawtlt"))
    return next((file for file in candidates if file.exists()), None)


def tilts_beside(path: str | Path, content: MrcContent, tlt: Path | None = None) -> Path | None:
    """Return the file with the geometry of a tilt series, None where the stack is a volume.

    Much software marks stacks as volumes: one that has as many images as there are angles in the
    file beside it, or in `tlt`, is a series whatever its header says.
    """
    file = tlt or find_beside(path)
    if file is None or content.is_image_stack:
        return file
    if tlt is not None:
        return tlt if len(read_tilt_angles(tlt)) == len(content.data) else None
    try:
        suffix = file.suffix.lower()
        angles = TiltGeometry.from_json(file) if suffix == ".json" else read_tilt_angles(file)
    except ValueError:
        return None
    return file if len(angles) == len(content.data) else None


def geometry_of(
    path: str | Path,
    geometry: TiltGeometry | str | Path | None,
    tilt_angles: ArrayLike | str | Path | None,
    kind: type[TiltGeometry],
) -> tuple[TiltGeometry, str]:
    """Return the geometry that is given, or lies beside a stack, and what it came from."""
    if isinstance(geometry, TiltGeometry):
        return geometry, "geometry"
    if geometry is None and tilt_angles is None:
        file = find_beside(path)
        is_json = file is not None and file.suffix == ".json"
        geometry, tilt_angles = (file, None) if is_json else (None, file)
    if geometry is not None:
        return kind.from_json(Path(geometry)), str(geometry)
    if tilt_angles is None:
        raise ValueError(
            f"no geometry beside {path} (.json, .tlt or .rawtlt): "
            "give the angles (geometry=..., tilt_angles=..., --tlt)"
        )
    source = "tilt_angles"
    if isinstance(tilt_angles, str | Path):
        source, tilt_angles = str(tilt_angles), read_tilt_angles(tilt_angles)
    return kind.from_tilt_angles(tilt_angles), source


def alignment_of(
    path: str | Path,
    stack_shape: tuple[int, ...],
    alignment: Alignment | str | Path,
    pixel_size: float | None,
) -> Alignment:
    """Return an alignment, opened where it is a file; raise where it is not of this stack."""
    if not isinstance(alignment, Alignment):
        try:
            return open_alignment(alignment, stack_shape=stack_shape, pixel_size=pixel_size)
        except MissingSizeError as error:
            raise MissingSizeError(
                f"{error}, for example by alignment=open_alignment({str(alignment)!r}, ...)"
            ) from error
    if alignment.stack_shape != stack_shape:
        raise ValueError(
            f"alignment is of a stack of {alignment.stack_shape}, {path} has {stack_shape}"
        )
    if pixel_size is not None and not np.isclose(alignment.pixel_size, pixel_size, rtol=1e-4):
        raise ValueError(
            f"alignment has pixels of {alignment.pixel_size:.6g} A, {path} of {pixel_size:.6g} A"
        )
    return alignment


def of_kind(geometry: TiltGeometry, kind: type[TiltGeometry]) -> TiltGeometry:
    """Return a geometry of the class that a series has; a subclass must need no more fields."""
    if isinstance(geometry, kind):
        return geometry
    return kind(
        geometry.rotation_matrices,
        shifts=geometry.shifts,
        magnifications=geometry.magnifications,
    )
