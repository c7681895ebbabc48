"""Opening an alignment of any format, which its name or its contents say."""

from __future__ import annotations

import warnings
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
# AreTomo writes angles, order and exposures under this name.
ARETOMO_ANGLES = "_tlt.txt"
FORMATS: dict[str, type[AlignmentFile]] = {kind.format: kind for kind in SUFFIXES.values()}
FORMATS[PortalAlignment.format] = PortalAlignment
# A saved series leaves its .json, and nominal angles lie beside most alignments: each of them
# counts where there is nothing before it.
_REFINED = (".aln", ".star", ".xml")
_FALLBACKS = (".json", ".mdoc", ".tlt", ".rawtlt")


def detect_format(path: str | Path) -> str:
    """Return which format a file or folder is of.

    Parameters
    ----------
    path : path
        A file, by its suffix; or a folder, by the files in it.

    Returns
    -------
    str
        ``imod``, ``aretomo``, ``relion``, ``warp``, ``mdoc``, ``angles``, ``json`` or ``portal``.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or the folder holds no alignment.
    ValueError
        If the suffix is not known, or a folder holds alignments of several formats.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.alignment import detect_format
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (pathlib.Path(folder) / "TS_1.aln").write_text("# AreTomo Alignment")
    ...     detect_format(folder)
    'aretomo'
    """
    return _locate(Path(path))[0].format


def _locate(path: Path) -> tuple[type[AlignmentFile], Path]:
    """Return the format of a path and the file that holds it."""
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
        raise ValueError(f"{path} holds several alignments: {names}; name the one that is meant")
    return found[0]


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [
        file
        for suffix in suffixes
        for file in sorted(folder.iterdir())
        if file.suffix.lower() == suffix and file.is_file()
    ]


def format_from_suffix(path: Path) -> type[AlignmentFile]:
    """Return the format of a file by its name."""
    kind = SUFFIXES.get(path.suffix.lower())
    if path.name.lower().endswith(ARETOMO_ANGLES):
        kind = AnglesFile
    if kind is None:
        raise ValueError(
            f"{path}: the format is not known by its suffix; expected one of "
            f"{' '.join(SUFFIXES)}, or give the format: {', '.join(FORMATS)}"
        )
    return kind


def _format_from_content(path: Path) -> type[AlignmentFile]:
    """Return the format of a file, for JSON by what it holds."""
    kind = format_from_suffix(path)
    if kind is not GeometryFile:
        return kind
    content = read_json(path)
    if SECTIONS in content:
        return PortalAlignment
    if "format" not in content and "rotation_matrices" not in content:
        raise ValueError(
            f'{path} is no alignment: expected the JSON of a libtilt geometry ("format": "libtilt '
            f'geometry") or of the CryoET Data Portal ("{SECTIONS}")'
        )
    return kind


def read_alignment_file(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    **options: Any,
) -> AlignmentFile:
    r"""Read a file or folder of any format, in that format's own terms.

    Parameters
    ----------
    path : path
        The file or folder.
    format : str, optional
        In place of what the suffix says.
    **options
        Of the format's ``read``: ``aligned=True`` (IMOD), ``name="TS_1"`` (RELION),
        ``first_section=0`` (AreTomo).

    Returns
    -------
    AlignmentFile

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If the format does not have an option.
    ValueError
        If the file is not sound; the message names the file and the line.

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
    if format is None:
        kind, file = _locate(Path(path))
    else:
        kind, file = FORMATS[one_of(format, "format", tuple(FORMATS))], Path(path)
    return kind.read(file, **options)


def open_alignment(
    source: TiltGeometry | Alignment | ArrayLike | str | Path,
    *,
    stack_shape: tuple[int, ...] | None = None,
    pixel_size: float | None = None,
    volume_shape: tuple[int, ...] | None = None,
    voxel_size: float | None = None,
    tilt_axis_angle: float | None = None,
    format: str | None = None,  # noqa: A002
    **options: Any,
) -> Alignment:
    r"""Open what a program says of a stack and its tomogram.

    Parameters
    ----------
    source : path, TiltGeometry, Alignment or array_like
        A file, or the folder of one alignment; else a geometry or tilt angles, one tilt for each
        image of the stack. An alignment is returned as it is.
    stack_shape : tuple of int, optional
        ``(n, h, w)`` of the raw stack, where the file does not say it (all but AreTomo's).
    pixel_size : float, optional
        Of the raw stack in angstroms, where the file does not say it.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of the tomogram, where the file does not say it.
    voxel_size : float, optional
        Of the tomogram in angstroms, where the file does not say its binning.
    tilt_axis_angle : float, optional
        Degrees from the images' y axis, in place of what the file says; shifts on the images stay.
    format : str, optional
        ``imod``, ``aretomo``, ``relion``, ``warp``, ``mdoc``, ``angles``, ``json`` or ``portal``;
        by default what the path looks like.
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
        If a file is not sound, or says too little; the message names what to give.

    Warns
    -----
    UserWarning
        If something was taken for granted that should be checked (`Alignment.warnings`).

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
        tilt_axis_angle=tilt_axis_angle,
    )
    if not isinstance(source, str | Path) and (format is not None or options):
        raise TypeError("format and the options of a reader are for files")
    if isinstance(source, Alignment):
        if sizes != Sizes():
            raise ArgumentError("sizes are given beside an alignment, which has its own")
        return source
    if isinstance(source, str | Path):
        file = read_alignment_file(source, format=format, **options)
        alignment = note_truncated_number(file.alignment(sizes), source)
    else:
        given: AlignmentFile = (
            GeometryFile(source) if isinstance(source, TiltGeometry) else AnglesFile(source)
        )
        alignment = given.alignment(sizes)
    for text in alignment.warnings:
        warnings.warn(text, stacklevel=2)
    return alignment


def note_truncated_number(alignment: Alignment, path: str | Path) -> Alignment:
    """Return an alignment with a note where a number at the end of its file may be cut off."""
    file = Path(path)
    if not file.is_file() or file.suffix.lower() in (".xml", ".json"):
        return alignment
    if not ends_in_digit(file):
        return alignment
    note = f"{path} ends without a line break: check that its last number is whole"
    return attrs.evolve(alignment, notes=(*alignment.notes, note))
