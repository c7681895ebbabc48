"""Tilt series and tilt angles from options of the command line."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import click
import numpy as np

from libtilt.alignment import Alignment, open_alignment
from libtilt.alignment.plausible import MAX_IMAGES
from libtilt.alignment.stack_geometry import pixel_size_from_header
from libtilt.cli.messages import echo
from libtilt.cli.options import refuse_both
from libtilt.cli.reader_options import given_reader_options
from libtilt.errors import MissingArgumentError
from libtilt.errors.checks import LARGEST_TILT
from libtilt.io.image_files import read_image_header
from libtilt.tilt_series import TiltSeries

_MOST_BYTES = 2**40


def angles_from_options(options: dict[str, Any]) -> Any:
    """Return tilt angles `(n,)`, the path of a file with them, or None if no option gives them."""
    refuse_both(options, "tilt_range", "tlt")
    tilt_range = options["tilt_range"]
    return options["tlt"] if tilt_range is None else tilt_angle_range(*tilt_range)


def tilt_angle_range(first: float, last: float, step: float) -> Any:
    """Return the angles from `first` to `last`, both included if `step` divides the range."""
    if not 0 < step < math.inf or not last >= first or not math.isfinite(last - first):
        raise click.UsageError(
            f"--tilt-range must increase by a positive step, got {first:g} {last:g} {step:g}"
        )
    if max(-first, last) > LARGEST_TILT:
        raise click.UsageError(
            f"--tilt-range must lie within {LARGEST_TILT:g} degrees of 0, got {first:g} {last:g}"
        )
    count = math.floor(min((last - first) / step, MAX_IMAGES) + 1e-9) + 1
    if count > MAX_IMAGES:
        raise click.UsageError(
            f"--tilt-range must give at most {MAX_IMAGES} angles, got {first:g} {last:g} {step:g}"
        )
    return first + step * np.arange(count)


def angles_file_options(tlt: Path | None, **options: Any) -> dict[str, Any]:
    """Return options of `TiltSeries.open` for a list of tilt angles, whatever its suffix.

    `options` are further options, such as a tilt axis angle where none is needed.
    """
    return {} if tlt is None else {"geometry": tlt, "format": "angles", **options}


def open_tilt_series(tilts: Path, options: dict[str, Any]) -> tuple[TiltSeries, dict[str, Any]]:
    """Open a stack by the options of a command; also return the grid options of its tomogram."""
    thickness, volume_shape = options["thickness"], options["volume_shape"]
    refuse_both(options, "thickness", "volume_shape")
    for name in ("thickness", "volume_shape"):
        if options[name] is not None and 4.0 * np.prod(options[name], dtype=float) > _MOST_BYTES:
            flag = name.replace("_", "-")
            raise click.UsageError(f"--{flag} {options[name]} needs more than 1 TiB of memory")
    reading = given_reader_options(options)
    if options["alignment"] is not None:
        if options["tilt_range"] is not None or options["tlt"] is not None:
            raise click.UsageError(
                "--alignment includes the tilt angles; omit --tilt-range and --tlt"
            )
        series, alignment = _open_with_alignment(tilts, options, reading)
        shape = alignment.volume_shape
        return series, {"volume_shape": shape, "voxel_size": alignment.voxel_size}
    if reading:
        raise click.UsageError(f"--{next(iter(reading)).replace('_', '-')} requires --alignment")
    angles = angles_from_options(options)
    geometry = angles_file_options(angles) if angles is options["tlt"] else {"geometry": angles}
    sizes = {name: options[name] for name in ("pixel_size", "tilt_axis_angle")}
    series = TiltSeries.open(tilts, **geometry, **sizes)
    _, height, width = series.shape
    return series, {"volume_shape": volume_shape or (thickness or width, height, width)}


def _open_with_alignment(
    tilts: Path, options: dict[str, Any], reading: dict[str, Any]
) -> tuple[TiltSeries, Alignment]:
    """Open a stack with the alignment of another program, which defines the tomogram."""
    thickness, pixel_size = options["thickness"], options["pixel_size"]
    header = read_image_header(tilts)
    shape = header.data.shape
    open_sized = functools.partial(
        open_alignment,
        options["alignment"],
        stack_shape=shape,
        pixel_size=pixel_size_from_header(tilts, header) if pixel_size is None else pixel_size,
        tilt_axis_angle=options["tilt_axis_angle"],
        **reading,
    )
    try:
        opened = open_sized(volume_shape=options["volume_shape"], thickness=thickness)
    except MissingArgumentError:
        if thickness is None:
            raise
        opened = open_sized(volume_shape=(thickness, *shape[1:]))
    for note in opened.notes:
        echo(f"note: {note}", err=True)
    for item in opened.unsupported:
        echo(f"{options['alignment']}: not supported, ignored: {item}", err=True)
    return TiltSeries.open(tilts, geometry=opened, pixel_size=pixel_size), opened
