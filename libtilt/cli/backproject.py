"""``libtilt backproject``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from libtilt.cli.running import (
    adjoint_with_progress,
    backend_option,
    geometry_from_options,
    input_file,
    one_line_errors,
    output_option,
    overwrite_option,
    require_backend,
    tilt_options,
    with_options,
)
from libtilt.files import require_writable
from libtilt.mrc import compression
from libtilt.projector import Projector
from libtilt.tilt_files import find_beside
from libtilt.tilt_series import TiltSeries


@click.command()
@click.argument("tilts", type=input_file)
@with_options(*tilt_options)
@click.option(
    "--thickness",
    type=click.IntRange(min=1),
    help="Voxels along z; by default as many as the images are wide.",
)
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

    Its geometry is the .json, .tlt or .rawtlt file of the same name, unless options give one.

    \b
    Examples:
      libtilt backproject tilts.mrc --thickness 128 -o tomogram.mrc
      libtilt backproject tilts.st --tlt tilts.tlt --tilt-axis-angle 85 -o tomogram.mrc
    """
    backend = require_backend(options["backend"])
    output, overwrite = options["output"], options["overwrite"]
    compression(output)
    require_writable(output, overwrite=overwrite)
    geometry = geometry_from_options(tilt_range, tlt, tilt_axis_angle, find_beside(tilts))
    tilt_series = TiltSeries.open(tilts, geometry=geometry, pixel_size=options["pixel_size"])
    _, height, width = tilt_series.shape
    projector = Projector(
        tilt_series.geometry,
        volume_shape=(options["thickness"] or width, height, width),
        driven=options["driven"],
        backend=backend,
    )
    volume = adjoint_with_progress(projector, tilt_series)
    volume.save(output, overwrite=overwrite)
    click.echo(f"{output}: {' x '.join(map(str, volume.shape))} voxels")
