"""Files beside a stack that may hold its geometry."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np

from libtilt.alignment import MdocFile
from libtilt.alignment.angles import read_angle_list
from libtilt.alignment.imod.files import TILT_COMMANDS
from libtilt.errors import LibtiltWarning
from libtilt.errors.checks import Float64Array
from libtilt.geometry import TiltGeometry
from libtilt.geometry.json_file import FORMAT
from libtilt.io.image_content import ImageContent
from libtilt.io.inputs import read_input

_ALIGNED = (".ali", "_ali.mrc", "_aligned.mrc")
_ALIGNMENTS = (".xf", ".aln", ".xml", ".star", ".mdoc")


def sibling_path(path: str | Path, suffix: str) -> Path:
    """Return the path of a stack with another suffix; ``.gz``, ``.bz2`` and ``.ome`` go too."""
    stack = Path(path)
    if stack.suffix.lower() in (".gz", ".bz2"):
        stack = stack.with_suffix("")
    if stack.name.lower().endswith((".ome.tif", ".ome.tiff")):
        stack = stack.with_suffix("")
    return stack.with_suffix(suffix)


def read_tilt_angles(path: str | Path) -> Float64Array:
    r"""Read the tilt angles of a file with one line per image (``.tlt``, ``.rawtlt``).

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    ndarray, shape (n,)
        Tilt angles in degrees.

    Raises
    ------
    ValueError
        If a line is not a number; the message names the file and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.alignment.beside_stack import read_tilt_angles
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.tlt"
    ...     _ = path.write_text(" -60.00\n -57.00\n")
    ...     read_tilt_angles(path).tolist()
    [-60.0, -57.0]
    """
    return read_angle_list(path).angles


def find_geometry_file(path: str | Path) -> Path | None:
    """Return the file beside a stack that holds its geometry, or None.

    For ``TS.mrc`` the order is ``TS.json`` of libtilt, ``TS.tlt``, AreTomo's ``TS_TLT.txt``,
    ``TS.rawtlt``, ``TS.mrc.mdoc``, ``TS.mdoc``. Angle lists come before an ``.mdoc``, since the
    stack may have been sorted by angle after the ``.mdoc`` was written.
    """
    aretomo = sibling_path(path, "").with_name(f"{sibling_path(path, '').name}_TLT.txt")
    candidates = [
        sibling_path(path, ".json"),
        sibling_path(path, ".tlt"),
        aretomo,
        sibling_path(path, ".rawtlt"),
    ]
    candidates += [
        Path(f"{sibling_path(path, Path(path).suffix)}.mdoc"),
        sibling_path(path, ".mdoc"),
    ]
    plain = Path(f"{path}.mdoc")
    files = [file for file in [*candidates, plain] if file.is_file()]
    return next((file for file in files if file.suffix != ".json" or _is_libtilt_json(file)), None)


def _is_libtilt_json(file: Path) -> bool:
    """Whether a .json is a libtilt geometry, perhaps damaged, and not of another program."""
    try:
        content = read_input(file)
        if FORMAT.encode() in content[:4096]:
            return True
        json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return True
    return False


def find_tilt_geometry(
    path: str | Path, content: ImageContent, *, tlt: Path | None = None
) -> Path | None:
    """Return the file with the geometry of a tilt series, None if the stack is a volume.

    Many programs mark stacks as volumes: one with as many images as the file beside it (or `tlt`)
    has angles is a series, whatever its header says.

    Warns
    -----
    UserWarning
        If the file beside the stack cannot be read, and the stack is assumed to be a volume.
    """
    file = tlt or find_geometry_file(path)
    if file is None and content.sections.tilt_angles is not None:
        tilts = content.sections.tilt_angles
        return Path(path) if len(tilts) > 1 and np.ptp(tilts) > 0 else None
    if file is None or content.is_image_stack:
        return file
    try:
        counts = _image_counts(file)
    except ValueError as error:
        if tlt is not None:
            raise
        warnings.warn(
            f"reading {path} as a volume, since its tilt angles cannot be read: {error}",
            LibtiltWarning,
            stacklevel=2,
        )
        return None
    return file if len(content.data) in counts else None


def _image_counts(file: Path) -> set[int]:
    """Return the numbers of images that a stack may have, by the file beside it."""
    if file.suffix.lower() == ".json":
        return {len(TiltGeometry.from_json(file))}
    if file.suffix.lower() == ".mdoc":
        mdoc = MdocFile.read(file)
        return {len(mdoc.views), max(mdoc.views) + 1}
    return {len(read_tilt_angles(file))}


def unused_alignments(path: str | Path, used: Path) -> str | None:
    """Return a warning about alignments beside a stack that are not used, or None."""
    stack = sibling_path(path, "")
    aligned = is_aligned(path)
    root = stack.name.removesuffix("_ali").removesuffix("_aligned")
    files = [file for file in sorted(stack.parent.iterdir()) if file.is_file() and file != used]
    found = [
        file.name for file in files if file.name in TILT_COMMANDS and _mentions_stack(file, root)
    ]
    if not aligned:
        found += [
            file.name
            for file in files
            if file.suffix.lower() in _ALIGNMENTS and file.name.split(".")[0] == root
        ]
    if not found:
        return None
    hint = f"geometry={str(stack.with_name(found[0]))!r}" + (", aligned=True" if aligned else "")
    return (
        f"geometry of {path} is from {used.name}; {', '.join(found)} beside it "
        f"{'is' if len(found) == 1 else 'are'} not used. To use {found[0]}, pass {hint}"
    )


def _mentions_stack(command: Path, root: str) -> bool:
    """Whether a command file names the stack, its angles or its transforms."""
    text = read_input(command).decode("utf-8", errors="replace")
    return any(f"{root}{ending}" in text for ending in (".", "_ali", "_fid", "_full"))


def is_aligned(path: str | Path) -> bool:
    """Whether the name of a stack marks it as aligned, with the tilt axis along y."""
    return str(path).lower().endswith(_ALIGNED)
