"""``libtilt project``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from libtilt.alignment.beside_stack import find_tilt_geometry
from libtilt.cli.messages import say
from libtilt.cli.progress import forward_with_progress
from libtilt.cli.running import (
    backend_option,
    geometry_from_options,
    input_file,
    one_line_errors,
    output_option,
    overwrite_option,
    require_backend,
    spacing_option,
    tilt_angles,
    tilt_options,
    with_options,
)
from libtilt.geometry import TiltGeometry
from libtilt.geometry.image_data import format_shape
from libtilt.io.atomic import require_writable
from libtilt.io.image_files import read_image_header
from libtilt.io.mrc_writing import compression
from libtilt.projector import Projector
from libtilt.volume import Volume


@click.command()
@click.argument("volume", type=input_file)
@with_options(*tilt_options)
@click.option(
    "--driven",
    type=click.Choice(["ray", "voxel"]),
    default="ray",
    show_default=True,
    help="Sample along rays, or splat voxels.",
)
@with_options(spacing_option, backend_option, output_option, overwrite_option)
@one_line_errors
def project(
    volume: Path,
    tilt_range: tuple[float, float, float] | None,
    tlt: Path | None,
    tilt_axis_angle: float | None,
    **options: Any,
) -> None:
    """Project a volume into a tilt series, by default every 3 degrees over +-60.

    Writes the stack, and beside it its geometry as .json and its angles as .rawtlt.

    \b
    Examples:
      libtilt project map.mrc -o tilts.mrc
      libtilt project map.mrc --tlt series.tlt --tilt-axis-angle 85 -o tilts.mrc
    """
    backend = require_backend(options["backend"])
    output, overwrite = options["output"], options["overwrite"]
    compression(output)
    require_writable(output, overwrite=overwrite)
    geometry = geometry_from_options(tilt_range, tlt, tilt_axis_angle)
    if geometry is None:
        geometry = TiltGeometry.from_tilt_angles(
            tilt_angles(-60, 60, 3), tilt_axis_angle=tilt_axis_angle or 0.0
        )
    if find_tilt_geometry(volume, read_image_header(volume)) is not None:
        raise click.UsageError(f"{volume} is a tilt series already: give a volume")
    source = Volume.open(volume, voxel_size=options["voxel_size"])
    projector = Projector(geometry, driven=options["driven"], backend=backend)
    tilt_series = forward_with_progress(projector, source)
    tilt_series.save(output, overwrite=overwrite)
    say(f"{output}: {len(tilt_series)} images of {format_shape(tilt_series.shape[1:])}")
