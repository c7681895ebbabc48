"""``libtilt show``."""

from __future__ import annotations

from pathlib import Path

import click

from libtilt.cli.running import (
    input_file,
    one_line_errors,
    output_file,
    overwrite_option,
    with_options,
)
from libtilt.files import atomic_write, require_writable
from libtilt.mrc import glance_mrc
from libtilt.tilt_files import find_beside
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

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
@click.option("--position", nargs=3, type=int, metavar="X Y Z", help="Of slices: through where.")
@click.option("--cmap", default="gray", show_default=True, help="A colour map of matplotlib.")
@click.option("--dpi", type=click.IntRange(min=20, max=1200), default=150, show_default=True)
@click.option("-o", "--output", type=output_file, required=True, help="A .png, .pdf or .svg file.")
@with_options(overwrite_option)
@one_line_errors
def show(
    file: Path,
    kind: str,
    tlt: Path | None,
    position: tuple[int, int, int] | None,
    cmap: str,
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
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib; install it with: pip install 'libtilt[plot]'"
        ) from error
    matplotlib.use("agg")
    from libtilt.plot import contact_sheet, orthoslices, power_spectrum, sinogram, tilt_scheme

    if kind == "auto":
        with_angles = tlt is not None or find_beside(file) is not None
        stack = with_angles and glance_mrc(file).is_image_stack
        kind = "sheet" if stack else "slices"
    if position is not None and kind != "slices":
        raise click.UsageError(f"--position is of slices, not of {kind}")
    if kind in ("slices", "spectrum"):
        volume = Volume.open(file)
        axes = (
            orthoslices(volume, position_xyz=position, cmap=cmap)
            if kind == "slices"
            else power_spectrum(volume, cmap=cmap)
        )
    else:
        series = TiltSeries.open(file, tilt_angles=tlt)
        axes = {
            "sheet": lambda: contact_sheet(series, cmap=cmap),
            "sinogram": lambda: sinogram(series, cmap=cmap),
            "scheme": lambda: tilt_scheme(series.geometry),
        }[kind]()
    figure = axes.get_figure(root=True)
    assert figure is not None
    with atomic_write(output, overwrite=overwrite) as temporary:
        figure.savefig(temporary, dpi=dpi)
    click.echo(f"{output}: {kind}")
