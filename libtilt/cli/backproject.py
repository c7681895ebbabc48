"""``libtilt backproject``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from libtilt.cli.messages import say
from libtilt.cli.progress import adjoint_with_progress
from libtilt.cli.running import (
    alignment_options,
    backend_option,
    input_file,
    one_line_errors,
    open_tilts,
    output_option,
    overwrite_option,
    require_backend,
    tilt_options,
    tomogram_options,
    with_options,
)
from libtilt.geometry.image_data import format_shape
from libtilt.io.atomic import require_writable
from libtilt.io.mrc_writing import compression
from libtilt.projector import Projector


@click.command()
@click.argument("tilts", type=input_file)
@with_options(*tilt_options, *alignment_options, *tomogram_options)
@click.option(
    "--driven",
    type=click.Choice(["ray", "voxel"]),
    default="voxel",
    show_default=True,
    help="Spread along rays, or give each voxel the images' values at its projected points.",
)
@click.option("--pixel-size", type=float, help="Angstroms, in place of what the header says.")
@with_options(backend_option, output_option, overwrite_option)
@one_line_errors
def backproject(
    tilts: Path,
    tilt_range: tuple[float, float, float] | None,
    tlt: Path | None,
    tilt_axis_angle: float | None,
    **options: Any,
) -> None:
    """Backproject a tilt series into a tomogram, without any filter.

    Its geometry is the .json, .tlt, .rawtlt or .mdoc file of the same name, unless options give
    one.

    \b
    Examples:
      libtilt backproject tilts.mrc --thickness 128 -o tomogram.mrc
      libtilt backproject tilts.st --tlt tilts.tlt --tilt-axis-angle 85 -o tomogram.mrc
    """
    backend = require_backend(options["backend"])
    output, overwrite = options["output"], options["overwrite"]
    compression(output)
    require_writable(output, overwrite=overwrite)
    tilt_series, tomogram = open_tilts(tilts, (tilt_range, tlt, tilt_axis_angle), options)
    projector = Projector(
        tilt_series.geometry, driven=options["driven"], backend=backend, **tomogram
    )
    volume = adjoint_with_progress(projector, tilt_series)
    volume.save(output, overwrite=overwrite)
    say(f"{output}: {format_shape(volume.shape)} voxels")
