"""``libtilt info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from libtilt.alignment import Acquisition, MdocFile
from libtilt.alignment.beside_stack import find_tilt_geometry, sibling_path
from libtilt.alignment.stack_geometry import StackFile, StackGeometry
from libtilt.backends.auto import AutoBackend
from libtilt.cli.errors import one_line_errors
from libtilt.cli.info_alignment import alignment_rows, is_alignment
from libtilt.cli.messages import echo
from libtilt.cli.options import existing_path, with_options
from libtilt.cli.reader_options import given_reader_options, reader_options
from libtilt.cli.wording import arguments_to_options, options_of
from libtilt.geometry import TiltGeometry, VolumeGrid
from libtilt.geometry.describing import describe_tilt_axis, describe_tilts
from libtilt.geometry.image_data import format_shape
from libtilt.io.image_content import ImageContent
from libtilt.io.image_files import read_image
from libtilt.io.mrc import PLACEHOLDER
from libtilt.projector import Projector
from libtilt.tilt_series import TiltSeries


@click.command()
@click.argument("file", type=existing_path)
@with_options(*reader_options)
@one_line_errors
def info(file: Path, **options: Any) -> None:
    """Print size, values and geometry of an image file, or the tilts of an alignment.

    FILE is an MRC, TIFF or HDF5 file, an alignment of any format, or the folder of one. Notes list
    what is unusual about it.

    \b
    Examples:
      libtilt info tomogram.rec
      libtilt info TS_01.xf
    """
    given = given_reader_options(options)
    if is_alignment(file):
        for name, value in alignment_rows(file, given):
            echo(f"{name:<15} {_name_commands(value) if name == 'note' else value}")
        return
    if given:
        raise click.UsageError(f"--{next(iter(given)).replace('_', '-')} requires an alignment")
    for name, value in _rows(file, read_image(file)):
        echo(f"{name:<12} {_name_commands(value) if name == 'note' else value}")


def _rows(file: Path, content: ImageContent) -> list[tuple[str, str]]:
    data = content.data
    kind = f"{'image stack' if content.is_image_stack else 'volume'}, according to its header"
    series: list[tuple[str, str]] = []
    notes = [*content.notes, *_spacing_notes(content)]
    if (tilts := find_tilt_geometry(file, content)) is not None:
        kind = f"tilt series, geometry from {tilts}"
        series, series_notes, backend = _inspect_series(file, content)
        notes += series_notes
    finite = data[np.isfinite(data)] if data.dtype.kind == "f" else data
    rows = [
        ("file", str(file)),
        *series,
        ("kind", kind),
        *_size_rows(content, is_series=bool(series)),
        ("type", str(data.dtype)),
    ]
    if finite.size:
        mean, deviation = finite.mean(dtype=np.float64), finite.std(dtype=np.float64)
        rows += [
            ("range", f"{finite.min():g} to {finite.max():g}"),
            ("mean", f"{mean:g}, standard deviation {deviation:g}"),
        ]
    if finite.size < data.size:
        rows.append(("not finite", f"{data.size - finite.size} values"))
    if content.made:
        rows.append(("made", content.made))
    if series:
        rows.append(("backend", f"auto selects {backend}"))
    return rows + [("note", note) for note in notes]


def _size_rows(content: ImageContent, *, is_series: bool) -> list[tuple[str, str]]:
    """Return shape and spacing of voxels or pixels, and where they lie if that is not 0."""
    shape, sizes = content.data.shape, content.voxel_size
    spacing = "unknown"
    if sizes.any():
        shown = sizes[:2] if is_series else sizes
        equal = np.allclose(shown, shown[0], rtol=1e-6, atol=0.0)
        axes = ", ".join("xyz"[: len(shown)])
        spacing = f"{shown[0]:.5g} Å" if equal else f"{_numbers(shown)} Å  ({axes})"
    if is_series:
        size = f"{shape[0]} of {format_shape(shape[1:])} pixels  (y, x)"
        rows = [("images", size), ("pixel size", spacing)]
    else:
        rows = [("shape", f"{format_shape(shape)}  (z, y, x)"), ("voxel size", spacing)]
    if content.origin.any():
        rows.append(("origin", f"{_numbers(content.origin)} Å  (x, y, z)"))
    if content.center.any():
        rows.append(("center", f"{_numbers(content.center)} Å  (x, y, z) from the rotation center"))
    return rows


def _name_commands(note: str) -> str:
    """Name the options that other commands have for the arguments in a note."""
    if "=" not in note and "(exclude_views(" not in note:
        return note
    from libtilt.cli.project import project
    from libtilt.cli.reconstruct import reconstruct

    for command in (reconstruct, project):
        owner = f" of libtilt {command.name}"
        note = arguments_to_options(note, options_of(command), owner=owner)
    return note


def _spacing_notes(content: ImageContent) -> list[str]:
    sizes = content.voxel_size
    if content.has_placeholder_size and not content.is_from_libtilt:
        return [PLACEHOLDER]
    if sizes[:2].all() and not sizes[2]:
        return ["no voxel size along z in the header"]
    return []


def _inspect_series(
    file: Path, content: ImageContent
) -> tuple[list[tuple[str, str]], list[str], str]:
    """Return rows on the tilts, the warnings (or the error) of opening it, and its backend."""
    try:
        found = StackFile(file, content).geometry(None)
    except ValueError as error:
        return [], [str(error)], ""
    rows = _tilt_rows(file, found)
    _, height, width = content.data.shape
    size = float(content.voxel_size[0]) or 1.0
    domain = VolumeGrid((width, height, width), size)
    projector = Projector(found.geometry, volume_grid=domain)
    reason = AutoBackend().explain(projector.spec())
    used = len(found.geometry) if found.views is None else len(found.views)
    if found.views is None and used != len(content.data):
        count = len(content.data)
        return rows, [f"{found.source} has {used} tilts, but the stack has {count} images"], reason
    unread = found.unread_warning(TiltSeries, ())
    notes = [*found.warnings, *([] if unread is None else [unread])]
    return rows, [str(text) for text in notes], reason


def _tilt_rows(file: Path, found: StackGeometry) -> list[tuple[str, str]]:
    """Return tilts, tilt axis, order of acquisition and exposure."""
    geometry, acquisition, source = found.geometry, found.acquisition, ""
    if acquisition.times is None and acquisition.exposures is None:
        acquisition, source = _acquisition_beside(file, geometry)
    order = acquisition.describe_scheme(geometry.tilt_angles)
    exposure = acquisition.describe_exposure()
    by = f", from {source}" if source else ""
    if order == exposure == "unknown":
        acquired = [("acquisition", f"order and exposure unknown: {_mdoc_fault(file)}")]
    else:
        acquired = [("order", order + by), ("exposure", exposure + by)]
    return [
        ("tilts", describe_tilts(geometry.tilt_angles)),
        ("tilt axis", f"at {describe_tilt_axis(geometry.tilt_axis_angles)} from y"),
        *acquired,
    ]


def _mdoc_paths(file: Path) -> tuple[Path, Path]:
    return Path(f"{file}.mdoc"), sibling_path(file, ".mdoc")


def _mdoc_fault(file: Path) -> str:
    """Return why no ``.mdoc`` tells how a stack was acquired."""
    found = [path.name for path in _mdoc_paths(file) if path.is_file()]
    if not found:
        return "no .mdoc beside the stack"
    return f"{found[0]} does not tell them for these tilts"


def _acquisition_beside(file: Path, geometry: TiltGeometry) -> tuple[Acquisition, str]:
    """Return order and exposures from an ``.mdoc`` beside the stack that has the same tilts."""
    for path in _mdoc_paths(file):
        try:
            mdoc = MdocFile.read(path)
        except (OSError, ValueError):
            continue
        angles = mdoc.tilt_angles
        # A stack that was sorted after its .mdoc was written has them in another order.
        if len(angles) == len(geometry) and np.allclose(angles, geometry.tilt_angles, atol=1.0):
            return mdoc.acquisition, path.name
    return Acquisition(), ""


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.5g}" for value in values)
