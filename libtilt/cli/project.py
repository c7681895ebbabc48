"""``libtilt project``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from libtilt.alignment.beside_stack import find_tilt_geometry, read_tilt_angles
from libtilt.cli.errors import one_line_errors
from libtilt.cli.messages import echo, shows_progress
from libtilt.cli.options import (
    backend_option,
    input_file,
    output_option,
    overwrite_option,
    tilt_options,
    voxel_size_option,
    with_options,
)
from libtilt.cli.series import angles_from_options, tilt_angle_range
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
    type=click.Choice(["ray", "voxel"], case_sensitive=False),
    default="ray",
    show_default=True,
    help="ray: sample the volume along the ray of each pixel. voxel: add each voxel to the pixels "
    "around its projection.",
)
@with_options(voxel_size_option, backend_option, output_option, overwrite_option)
@one_line_errors
def project(volume: Path, **options: Any) -> None:
    """Project a volume to a tilt series, by default from -60 to 60 degrees in steps of 3.

    The geometry (.json) and the tilt angles (.rawtlt) are written beside the stack.

    \b
    Examples:
      libtilt project map.mrc -o tilts.mrc
      libtilt project map.mrc --tlt series.tlt --tilt-axis-angle 85 -o tilts.mrc
    """
    output, overwrite = options["output"], options["overwrite"]
    compression(output)
    require_writable(output, overwrite=overwrite)
    angles = angles_from_options(options)
    if angles is None:
        angles = tilt_angle_range(-60, 60, 3)
    elif isinstance(angles, Path):
        angles = read_tilt_angles(angles)
    geometry = TiltGeometry.from_tilt_angles(
        angles, tilt_axis_angle=options["tilt_axis_angle"] or 0.0
    )
    if find_tilt_geometry(volume, read_image_header(volume)) is not None:
        raise click.UsageError(f"{volume} is a tilt series; expected a volume")
    source = Volume.open(volume, voxel_size=options["voxel_size"])
    choices = {name: options[name] for name in ("driven", "backend")}
    tilt_series = Projector(geometry, **choices).forward(source, progress=shows_progress())
    tilt_series.save(output, overwrite=overwrite)
    echo(f"{output}: {len(tilt_series)} images of {format_shape(tilt_series.shape[1:])}")
