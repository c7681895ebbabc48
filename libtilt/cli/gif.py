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
@output_option
@overwrite_option
@one_line_errors
def gif(file: Path, kind: str, output: Path, **options: Any) -> None:
    """Animate a volume or a tilt series.

    \b
    Examples:
      libtilt gif tomogram.mrc -o tomogram.gif
      libtilt gif map.mrc --kind spin --count 60 -o map.gif --max-bytes 2000000
      libtilt gif tilts.mrc --tlt tilts.tlt -o tilts.gif
    """
    given = {name: value for name, value in options.items() if value is not None}
    tlt = given.pop("tlt", None)
    if kind == "auto":
        with_angles = tlt is not None or find_beside(file) is not None
        stack = with_angles and read_mrc(file, memmap=False).is_image_stack
        kind = "tilts" if stack else "slices"
    _refuse_misplaced(kind, given)
    if kind == "tilts":
        path = TiltSeries.open(file, tilt_angles=tlt, pixel_size=1.0).to_gif(output, **given)
    else:
        path = Volume.open(file).to_gif(output, kind=kind, **given)
    click.echo(f"{path}: {path.stat().st_size} bytes")


def _refuse_misplaced(kind: str, given: dict[str, Any]) -> None:
    """Refuse options that the kind of animation has no use for."""
    takes = {"slices": {"axis"}, "spin": {"axis", "count"}, "tilts": set()}[kind]
    for name in sorted({"axis", "count"} & set(given) - takes):
        raise click.UsageError(f"--{name} is not an option of {kind}; choose another --kind")
