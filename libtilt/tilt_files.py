"""The text files beside a stack, and what its header says of its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from libtilt._checks import Float64Array
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
    try:
        suffix = file.suffix.lower()
        angles = TiltGeometry.from_json(file) if suffix == ".json" else read_tilt_angles(file)
    except ValueError:
        return None
    return file if len(angles) == len(content.data) else None
