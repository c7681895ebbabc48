"""``libtilt gif``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from libtilt.cli.running import input_file, one_line_errors, output_option, overwrite_option
from libtilt.mrc import read_mrc
from libtilt.tilt_files import find_beside
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


@click.command()
@click.argument("file", type=input_file)
@click.option(
    "--kind",
    type=click.Choice(["auto", "slices", "spin", "tilts"]),
    default="auto",
    show_default=True,
    help="Slices of a volume, a volume turning, or the images of a tilt series. "
    "auto: tilts for an image stack with angles beside it, else slices.",
)
@click.option("--axis", type=click.Choice(["z", "y", "x"]), help="Of the slices or the spin.")
@click.option("--count", type=click.IntRange(min=1), help="Frames of a spin.")
@click.option("--tlt", type=input_file, help="Tilt angles, one per line, for tilts.")
@click.option("--fps", type=float, default=15.0, show_default=True, help="Frames per second.")
@click.option("--width", type=click.IntRange(min=1), help="Pixels of the picture.")
@click.option("--max-bytes", type=click.IntRange(min=1), help="The largest file.")
@click.option(
    "--percentiles",
    nargs=2,
    type=float,
    default=(0.5, 99.8),
    show_default=True,
    help="Of all values, drawn black and white.",
)
@click.option("--annotate", is_flag=True, help="Scale bar; on tilts, also the angle and a dial.")
@output_option
@overwrite_option
@one_line_errors
def gif(file: Path, kind: str, output: Path, annotate: bool, **options: Any) -> None:
    """Animate a volume or a tilt series.

    \b
    Examples:
      libtilt gif tomogram.mrc -o tomogram.gif
      libtilt gif map.mrc --kind spin --count 60 -o map.gif --max-bytes 2000000
      libtilt gif tilts.mrc --tlt tilts.tlt --annotate -o tilts.gif
    """
    given = {name: value for name, value in options.items() if value is not None}
    tlt = given.pop("tlt", None)
    if kind == "auto":
        with_angles = tlt is not None or find_beside(file) is not None
        stack = with_angles and read_mrc(file, memmap=False).is_image_stack
        kind = "tilts" if stack else "slices"
    _refuse_misplaced(kind, given)
    if annotate and kind == "spin":
        raise click.UsageError("--annotate is of slices and tilts: a spin shrinks its volume first")
    if kind == "tilts":
        pixel_size = None if annotate else 1.0
        series = TiltSeries.open(file, tilt_angles=tlt, pixel_size=pixel_size)
        path = series.to_gif(output, annotate=annotate, **given)
    else:
        volume = Volume.open(file)
        if annotate:
            # Columns of slices across x run along y, those of all others along x.
            given["pixel_size"] = float(volume.voxel_size[int(given.get("axis") == "x")])
        path = volume.to_gif(output, kind=kind, **given)
    click.echo(f"{path}: {path.stat().st_size} bytes")


def _refuse_misplaced(kind: str, given: dict[str, Any]) -> None:
    """Refuse options that the kind of animation has no use for."""
    takes = {"slices": {"axis"}, "spin": {"axis", "count"}, "tilts": set()}[kind]
    for name in sorted({"axis", "count"} & set(given) - takes):
        raise click.UsageError(f"--{name} is not an option of {kind}; choose another --kind")
