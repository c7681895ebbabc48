"""``libtilt show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from libtilt.alignment.beside_stack import find_tilt_geometry
from libtilt.cli.messages import say
from libtilt.cli.running import (
    input_file,
    listed,
    one_line_errors,
    output_file,
    overwrite_option,
    spacing_option,
    with_options,
)
from libtilt.io.atomic import atomic_write, require_writable
from libtilt.io.image_files import read_image_header
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".pdf", ".svg")


@click.command()
@click.argument("file", type=input_file)
@click.option(
    "--kind",
    type=click.Choice(["auto", "slices", "sheet", "sinogram", "spectrum", "scheme"]),
    default="auto",
    show_default=True,
    help="Of a volume: slices, spectrum. Of a tilt series: sheet of all images, sinogram, scheme.",
)
@click.option("--tlt", type=input_file, help="Tilt angles of a stack, one in degrees per line.")
@with_options(spacing_option)
@click.option("--position", nargs=3, type=int, metavar="X Y Z", help="Of slices: through where.")
@click.option("--cmap", help="A color map of matplotlib.  [default: gray]")
@click.option("--dpi", type=click.IntRange(min=20, max=1200), default=150, show_default=True)
@click.option("-o", "--output", type=output_file, required=True, help="A .png, .pdf or .svg file.")
@with_options(overwrite_option)
@one_line_errors
def show(
    file: Path,
    kind: str,
    tlt: Path | None,
    voxel_size: float | None,
    position: tuple[int, int, int] | None,
    cmap: str | None,
    dpi: int,
    output: Path,
    overwrite: bool,
) -> None:
    """Draw a volume or a tilt series as a figure with a scale bar.

    \b
    Examples:
      libtilt show tomogram.mrc -o slices.png
      libtilt show tomogram.mrc --kind spectrum -o wedge.png
      libtilt show tilts.st --tlt tilts.tlt -o sheet.png
    """
    if output.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{output} must end with {', '.join(SUFFIXES)}")
    require_writable(output, overwrite=overwrite)
    _use_no_screen()
    kind = _kind(file, kind, tlt)
    for name, value, kinds in (
        ("position", position, ("slices",)),
        ("tlt", tlt, ("sheet", "sinogram", "scheme")),
        ("cmap", cmap, ("slices", "spectrum", "sheet", "sinogram")),
    ):
        if value is not None and kind not in kinds:
            raise click.UsageError(f"--{name} is of {', '.join(kinds)}, not of {kind}")
    cmap = "gray" if cmap is None else cmap
    if kind in ("slices", "spectrum"):
        axes = _of_volume(kind, Volume.open(file, voxel_size=voxel_size), position, cmap)
    else:
        series = TiltSeries.open(file, **listed(tlt), pixel_size=voxel_size)
        axes = _of_series(kind, series, cmap)
    figure = axes.get_figure(root=True)
    assert figure is not None
    with atomic_write(output, overwrite=overwrite) as temporary:
        figure.savefig(temporary, dpi=dpi)
    say(f"{output}: {kind}")


def _use_no_screen() -> None:
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib; install it with: pip install 'libtilt[plot]'"
        ) from error
    matplotlib.use("agg")


def _of_volume(kind: str, volume: Volume, position: tuple[int, int, int] | None, cmap: str) -> Axes:
    from libtilt.plot import orthoslices, power_spectrum

    if kind == "slices":
        return orthoslices(volume, position_xyz=position, cmap=cmap)
    return power_spectrum(volume, cmap=cmap)


def _of_series(kind: str, series: TiltSeries, cmap: str) -> Axes:
    from libtilt.plot import contact_sheet, sinogram, tilt_scheme

    if kind == "scheme":
        return tilt_scheme(series.geometry)
    return (contact_sheet if kind == "sheet" else sinogram)(series, cmap=cmap)


def _kind(file: Path, kind: str, tlt: Path | None) -> str:
    """Return what to draw; raise where a figure of volumes is asked for of a tilt series."""
    angles = tlt or find_tilt_geometry(file, read_image_header(file))
    if kind == "auto":
        return "sheet" if angles else "slices"
    if angles and kind in ("slices", "spectrum"):
        raise click.UsageError(
            f"{kind} are of volumes, and {file} is a tilt series with its angles in "
            f"{angles}: choose --kind sheet, sinogram or scheme"
        )
    return kind
