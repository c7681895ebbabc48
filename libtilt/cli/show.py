"""``libtilt show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from libtilt.alignment.beside_stack import find_tilt_geometry
from libtilt.cli.errors import one_line_errors
from libtilt.cli.messages import echo
from libtilt.cli.options import (
    input_file,
    output_file,
    overwrite_option,
    require_owner,
    tlt_option,
    voxel_size_option,
    with_options,
)
from libtilt.cli.series import angles_file_options
from libtilt.errors.installing import pip_install
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
    type=click.Choice(
        ["auto", "slices", "sheet", "sinogram", "spectrum", "scheme"], case_sensitive=False
    ),
    default="auto",
    show_default=True,
    help="For a volume: three slices, or the power spectrum. For a tilt series: a contact sheet "
    "(sheet), a sinogram, or the tilt scheme. auto: slices or sheet.",
)
@with_options(tlt_option, voxel_size_option)
@click.option(
    "--position",
    nargs=3,
    type=int,
    metavar="X Y Z",
    help="Voxel through which the slices pass; by default the center.",
)
@click.option("--cmap", help="Matplotlib color map.  [default: gray]")
@click.option(
    "--dpi",
    type=click.IntRange(min=20, max=1200),
    default=150,
    show_default=True,
    help="Resolution of the figure in dots per inch.",
)
@click.option(
    "-o",
    "--output",
    type=output_file,
    help="Figure to write: a .png, .pdf or .svg file; by default the figure opens in a window.",
)
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
    output: Path | None,
    overwrite: bool,
) -> None:
    """Draw a volume or a tilt series as a figure with a scale bar.

    \b
    Examples:
      libtilt show tomogram.mrc
      libtilt show tomogram.mrc -o slices.png
      libtilt show tomogram.mrc --kind spectrum -o wedge.png
      libtilt show tilts.st --tlt tilts.tlt -o sheet.png
    """
    if output is not None:
        if output.suffix.lower() not in SUFFIXES:
            raise ValueError(f"{output} must end with {' or '.join(SUFFIXES)}")
        require_writable(output, overwrite=overwrite)
    _start_matplotlib(window=output is None)
    kind = _resolve_kind(file, kind, tlt)
    for name, value, kinds in (
        ("position", position, ("slices",)),
        ("tlt", tlt, ("sheet", "sinogram", "scheme")),
        ("cmap", cmap, ("slices", "spectrum", "sheet", "sinogram")),
    ):
        if value is not None:
            require_owner(name, kinds, {kind}, "kind")
    cmap = "gray" if cmap is None else cmap
    if kind in ("slices", "spectrum"):
        axes = _draw_volume(kind, Volume.open(file, voxel_size=voxel_size), position, cmap)
    else:
        series = TiltSeries.open(
            file, **angles_file_options(tlt, tilt_axis_angle=0.0), pixel_size=voxel_size
        )
        axes = _draw_series(kind, series, cmap)
    if output is None:
        _open_window()
        return
    figure = axes.get_figure(root=True)
    assert figure is not None
    with atomic_write(output, overwrite=overwrite) as temporary:
        figure.savefig(temporary, dpi=dpi)
    echo(f"{output}: {kind}")


def _start_matplotlib(*, window: bool) -> None:
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            f"figures require matplotlib; install it with: {pip_install('plot')}"
        ) from error
    if not window:
        matplotlib.use("agg")
        return
    from matplotlib.backends.registry import BackendFilter, backend_registry

    # Without a display or a GUI toolkit, matplotlib selects a backend without windows.
    backends = backend_registry.list_builtin(BackendFilter.INTERACTIVE)  # type: ignore[no-untyped-call]
    if matplotlib.get_backend().lower() not in backends:
        raise click.UsageError("cannot open a window here; write a file, such as -o figure.png")


def _open_window() -> None:
    from matplotlib import pyplot

    pyplot.show(block=True)


def _draw_volume(
    kind: str, volume: Volume, position: tuple[int, int, int] | None, cmap: str
) -> Axes:
    from libtilt.plot import orthoslices, power_spectrum

    if kind == "slices":
        return orthoslices(volume, position_xyz=position, cmap=cmap)
    return power_spectrum(volume, cmap=cmap)


def _draw_series(kind: str, series: TiltSeries, cmap: str) -> Axes:
    from libtilt.plot import contact_sheet, sinogram, tilt_scheme

    if kind == "scheme":
        return tilt_scheme(series.geometry)
    return (contact_sheet if kind == "sheet" else sinogram)(series, cmap=cmap)


def _resolve_kind(file: Path, kind: str, tlt: Path | None) -> str:
    """Return the kind of figure; raise if a tilt series cannot be drawn in that way."""
    angles = tlt or find_tilt_geometry(file, read_image_header(file))
    if kind == "auto":
        return "sheet" if angles else "slices"
    if angles and kind in ("slices", "spectrum"):
        raise click.UsageError(
            f"--kind {kind} applies to volumes, but {file} is a tilt series with its angles in "
            f"{angles}: choose --kind sheet, sinogram or scheme"
        )
    return kind
