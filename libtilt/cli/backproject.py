"""``libtilt backproject``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from libtilt.cli.errors import one_line_errors
from libtilt.cli.messages import echo, shows_progress
from libtilt.cli.options import (
    alignment_options,
    backend_option,
    input_file,
    output_option,
    overwrite_option,
    pixel_size_option,
    tilt_options,
    tomogram_options,
    with_options,
)
from libtilt.cli.series import open_tilt_series
from libtilt.geometry.image_data import format_shape
from libtilt.io.atomic import require_writable
from libtilt.io.mrc_writing import compression
from libtilt.projector import Projector


@click.command()
@click.argument("tilts", type=input_file)
@with_options(*tilt_options, *alignment_options, *tomogram_options)
@click.option(
    "--driven",
    type=click.Choice(["ray", "voxel"], case_sensitive=False),
    default="voxel",
    show_default=True,
    help="voxel: interpolate the images at the projection of each voxel. ray: spread each pixel "
    "along its ray.",
)
@with_options(pixel_size_option, backend_option, output_option, overwrite_option)
@one_line_errors
def backproject(tilts: Path, **options: Any) -> None:
    """Backproject a tilt series to a tomogram, without a filter.

    By default the geometry is read from the .json, .tlt, .rawtlt or .mdoc file with the name of
    the stack.

    \b
    Examples:
      libtilt backproject tilts.mrc --thickness 128 -o tomogram.mrc
      libtilt backproject tilts.st --tlt tilts.tlt --tilt-axis-angle 85 -o tomogram.mrc
    """
    output, overwrite = options["output"], options["overwrite"]
    compression(output)
    require_writable(output, overwrite=overwrite)
    tilt_series, tomogram = open_tilt_series(tilts, options)
    choices = {name: options[name] for name in ("driven", "backend")}
    projector = Projector(tilt_series.geometry, **choices, **tomogram)
    volume = projector.adjoint(tilt_series, progress=shows_progress())
    volume.save(output, overwrite=overwrite)
    echo(f"{output}: {format_shape(volume.shape)} voxels")
