"""Opening alignments of any format, detected by name or content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from numpy.typing import ArrayLike

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.angles import AnglesFile
from libtilt.alignment.aretomo.alignment import AreTomoAlignment
from libtilt.alignment.base import AlignmentFile
from libtilt.alignment.geometry_file import GeometryFile
from libtilt.alignment.imod.alignment import ImodAlignment
from libtilt.alignment.imod.files import holds_imod
from libtilt.alignment.json_text import read_json
from libtilt.alignment.mdoc.file import MdocFile
from libtilt.alignment.portal.alignment import PortalAlignment
from libtilt.alignment.portal.rows import SECTIONS
from libtilt.alignment.relion.alignment import RelionAlignment
from libtilt.alignment.relion.tables import GLOBAL_TABLES
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.text import ends_in_digit
from libtilt.alignment.warp.alignment import WarpAlignment
from libtilt.errors import ArgumentError
from libtilt.errors.checks import one_of
from libtilt.errors.log import logger
from libtilt.errors.warning import warn
from libtilt.geometry import TiltGeometry

SUFFIXES: dict[str, type[AlignmentFile]] = {
    ".com": ImodAlignment,
    ".xf": ImodAlignment,
    ".aln": AreTomoAlignment,
    ".star": RelionAlignment,
    ".xml": WarpAlignment,
    ".mdoc": MdocFile,
    ".tlt": AnglesFile,
    ".rawtlt": AnglesFile,
    ".json": GeometryFile,
}
# Suffix of AreTomo's files with angles, order and exposures.
ARETOMO_ANGLES = "_tlt.txt"
FORMATS: dict[str, type[AlignmentFile]] = {kind.format: kind for kind in SUFFIXES.values()}
FORMATS[PortalAlignment.format] = PortalAlignment
# A saved series has its .json, and nominal angles accompany most alignments: each is used only if
# the folder holds nothing that comes before it.
_REFINED = (".aln", ".star", ".xml")
_FALLBACKS = (".json", ".mdoc", ".tlt", ".rawtlt")


def detect_format(path: str | Path) -> str:
    """Return the format of a file or folder.

    Parameters
    ----------
    path : path
        A file, detected by its suffix; or a folder, by the files in it.

    Returns
    -------
    str
        ``imod``, ``aretomo``, ``relion``, ``warp``, ``mdoc``, ``angles``, ``json`` or ``portal``.

    Raises
    ------
    FileNotFoundError
        If the file does not exist, or the folder holds no alignment.
    ValueError
        If the suffix is unknown, or a folder holds several alignments.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.alignment import detect_format
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (pathlib.Path(folder) / "TS_1.aln").write_text("# AreTomo Alignment")
    ...     detect_format(folder)
    'aretomo'
    """
    return find_alignment(Path(path), None)[0].format


def find_alignment(path: Path, format: str | None) -> tuple[type[AlignmentFile], Path]:  # noqa: A002
    """Return the format of a path, detected if None, and the file to read."""
    if format is not None:
        return FORMATS[one_of(format, "format", tuple(FORMATS))], path
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: {path}")
    if not path.is_dir():
        return _format_from_content(path), path
    found: list[tuple[type[AlignmentFile], Path]] = []
    if holds_imod(path):
        found.append((ImodAlignment, path))
    found += [(SUFFIXES[file.suffix.lower()], file) for file in _files(path, _REFINED)]
    tables = [path / name for name in GLOBAL_TABLES if (path / name).is_file()][:1]
    if tables:
        found = [entry for entry in found if entry[1].suffix != ".star" or entry[1] in tables]
    for suffix in _FALLBACKS:
        found = found or [(_format_from_content(file), file) for file in _files(path, (suffix,))]
    if not found:
        raise FileNotFoundError(
            f"{path} holds no alignment: expected tilt.com, or .xf with .tlt, or a file ending "
            f"with {' '.join(_REFINED + _FALLBACKS)}"
        )
    if len(found) > 1:
        names = ", ".join(f"{file.name} ({kind.format})" for kind, file in found)
        raise ValueError(f"{path} holds several alignments: {names}; pass the path of one of them")
    return found[0]


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [
        file
        for suffix in suffixes
        for file in sorted(folder.iterdir())
        if file.suffix.lower() == suffix and file.is_file()
    ]


def format_from_suffix(path: Path) -> type[AlignmentFile]:
    """Return the format of a file by its suffix."""
    kind = SUFFIXES.get(path.suffix.lower())
    if path.name.lower().endswith(ARETOMO_ANGLES):
        kind = AnglesFile
    if kind is None:
        raise ValueError(
            f"{path}: the suffix does not determine the format: expected one of "
            f"{' '.join(SUFFIXES)}, or pass format=..., one of {', '.join(FORMATS)}"
        )
    return kind


def _format_from_content(path: Path) -> type[AlignmentFile]:
    """Return the format of a file, for JSON by its content."""
    kind = format_from_suffix(path)
    if kind is not GeometryFile:
        return kind
    content = read_json(path)
    if SECTIONS in content:
        return PortalAlignment
    if "format" not in content and "rotation_matrices" not in content:
        raise ValueError(
            f"{path} is not an alignment: expected a libtilt geometry (the key format is "
            f"'libtilt geometry') or a file of the CryoET Data Portal (the key {SECTIONS} "
            "exists)"
        )
    return kind


def read_alignment_file(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    **options: Any,
) -> AlignmentFile:
    r"""Read a file or folder of any format, in that format's own conventions.

    Parameters
    ----------
    path : path
        The file or folder.
    format : str, optional
        Overrides the suffix.
    **options
        Options of the format's reader: ``aligned=True`` (IMOD), ``name="TS_1"`` (RELION),
        ``first_section=0`` (AreTomo), ``ignore=("KEY",)`` and ``offset_unit="angstrom"`` (data
        portal).

    Returns
    -------
    AlignmentFile

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    UnknownOptionError
        If the format does not have an option.
    ValueError
        If the file is not valid; the message names the file and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.alignment import read_alignment_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "TS_1.tlt"
    ...     _ = path.write_text("-3.0\n3.0\n")
    ...     read_alignment_file(path).tilt_angles.tolist()
    [-3.0, 3.0]
    """
    kind, file = find_alignment(Path(path), format)
    return kind.read(file, **options)


def open_alignment(
    source: TiltGeometry | Alignment | ArrayLike | str | Path,
    *,
    stack_shape: tuple[int, ...] | None = None,
    pixel_size: float | None = None,
    volume_shape: tuple[int, ...] | None = None,
    voxel_size: float | None = None,
    thickness: int | None = None,
    tilt_axis_angle: float | None = None,
    format: str | None = None,  # noqa: A002
    **options: Any,
) -> Alignment:
    r"""Open an alignment of a stack and its tomogram.

    Parameters
    ----------
    source : path, TiltGeometry, Alignment or array_like
        A file, or the folder of one alignment; or a geometry or tilt angles, one tilt per image
        of the stack. An `Alignment` is returned unchanged.
    stack_shape : tuple of int, optional
        ``(n, h, w)`` of the raw stack, if the file does not hold it (only AreTomo's does).
    pixel_size : float, optional
        Pixel size of the raw stack in angstroms, if the file does not hold it.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of the tomogram, if the file does not hold it.
    voxel_size : float, optional
        Voxel size of the tomogram in angstroms, if the file does not hold its binning.
    thickness : int, optional
        Depth of the tomogram in voxels, overriding the file; its center is kept.
    tilt_axis_angle : float, optional
        Degrees from the images' y axis, overriding the file; shifts are kept.
    format : str, optional
        ``imod``, ``aretomo``, ``relion``, ``warp``, ``mdoc``, ``angles``, ``json`` or ``portal``;
        by default detected from the path.
    **options
        As in `read_alignment_file`.

    Returns
    -------
    Alignment

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is not valid, or lacks a size; the message names the argument to pass.

    Warns
    -----
    UserWarning
        If an assumption should be checked (`Alignment.warnings`).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.alignment import open_alignment
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "TS_1.tlt"
    ...     _ = path.write_text("-3.0\n3.0\n")
    ...     alignment = open_alignment(
    ...         path, stack_shape=(2, 64, 64), pixel_size=2.0, tilt_axis_angle=85
    ...     )
    >>> alignment.geometry.tilt_angles.round(6).tolist()
    [-3.0, 3.0]
    """
    sizes = Sizes(
        stack_shape=stack_shape,
        pixel_size=pixel_size,
        volume_shape=volume_shape,
        voxel_size=voxel_size,
        thickness=thickness,
        tilt_axis_angle=tilt_axis_angle,
    )
    if not isinstance(source, str | Path) and (format is not None or options):
        raise TypeError("format and reader options require a path as source")
    if isinstance(source, Alignment):
        if sizes != Sizes():
            raise ArgumentError("sizes must not be passed with an Alignment, which has its own")
        return source
    if isinstance(source, str | Path):
        file = read_alignment_file(source, format=format, **options)
        alignment = note_truncated_number(file.alignment(sizes), source)
    else:
        # As `TiltGeometry.from_tilt_angles` does: plain angles are about y unless an axis is given.
        if not isinstance(source, TiltGeometry) and tilt_axis_angle is None:
            logger.info("tilt axis: along y, since tilt angles were given without one")
            sizes = attrs.evolve(sizes, tilt_axis_angle=0.0)
        given: AlignmentFile = (
            GeometryFile(source) if isinstance(source, TiltGeometry) else AnglesFile(source)
        )
        alignment = given.alignment(sizes)
    for text in alignment.warnings:
        warn(text)
    return alignment


def note_truncated_number(alignment: Alignment, path: str | Path) -> Alignment:
    """Add a note if the last number of the file may be cut off."""
    file = Path(path)
    if not file.is_file() or file.suffix.lower() in (".xml", ".json"):
        return alignment
    if not ends_in_digit(file):
        return alignment
    note = f"{path} ends without a line break: check that its last number is complete"
    return attrs.evolve(alignment, notes=(*alignment.notes, note))
