"""``libtilt reconstruct``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
from numpy.typing import NDArray

from libtilt.animations import IterationFilm
from libtilt.cli.messages import say
from libtilt.cli.method_options import (
    method_from_options,
    method_options,
    refuse_what_does_not_belong,
)
from libtilt.cli.progress import GROUP, progress_bar
from libtilt.cli.running import (
    alignment_options,
    backend_option,
    input_file,
    one_line_errors,
    open_tilts,
    output_file,
    output_option,
    overwrite_option,
    require_backend,
    tilt_options,
    tomogram_options,
    with_options,
)
from libtilt.drawing import Animation
from libtilt.drawing.writers import writer_for
from libtilt.geometry.image_data import format_shape
from libtilt.io.atomic import atomic_writes, require_writable
from libtilt.io.mrc_writing import compression
from libtilt.preparation import exclude_views, replace_outliers, require_usable, taper_edges
from libtilt.projector import Projector
from libtilt.reconstruction import METHODS, Reconstruction
from libtilt.reconstruction import reconstruct as reconstruct_volume
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

FILM_FPS = 6

preparation_options = (
    click.option(
        "--exclude", help="Views to leave out, counted from 0, with commas and ranges: 0,1,38-40."
    ),
    click.option("--mend-outliers", is_flag=True, help="Replace X-ray hits and dead pixels."),
    click.option("--normalize", is_flag=True, help="Give each image mean 0 and deviation 1."),
    click.option("--taper", type=click.IntRange(min=1), help="Pixels over which edges fade."),
    click.option(
        "--ignore-nan", is_flag=True, help="Pixels that are NaN or infinite count nothing."
    ),
)


@click.command()
@click.argument("tilts", type=input_file)
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="wbp",
    show_default=True,
    help="Weighted back-projection, or an iterative method.",
)
@with_options(*tilt_options, *alignment_options, *tomogram_options)
@with_options(*method_options(), *preparation_options)
@click.option(
    "--margin",
    help="Of iterative methods: voxels by which to compute wider at each side, or auto, for all "
    "that is seen at high tilt.  [default: auto]",
)
@click.option("--pixel-size", type=float, help="Angstroms, in place of what the header says.")
@click.option("--gif", type=output_file, help="File for an animation of the slices, too.")
@click.option(
    "--film",
    type=output_file,
    help="Of iterative methods: file for an animation of the slice across y after each iteration.",
)
@with_options(backend_option, output_option, overwrite_option)
@one_line_errors
def reconstruct(
    tilts: Path,
    tilt_range: tuple[float, float, float] | None,
    tlt: Path | None,
    tilt_axis_angle: float | None,
    **options: Any,
) -> None:
    """Reconstruct a tomogram from a tilt series.

    Its geometry is the .json, .tlt, .rawtlt or .mdoc file of the same name, unless options give
    one. With --alignment, tilts are the raw images, and the tomogram is as large and as binned as
    the alignment says.

    \b
    Examples:
      libtilt reconstruct tilts.mrc --thickness 128 -o tomogram.mrc
      libtilt reconstruct tilts.st --tlt tilts.tlt --method sirt --iterations 30 -o sirt.mrc
      libtilt reconstruct tilts.mrc --method sirt --film sirt.gif -o sirt.mrc
      libtilt reconstruct TS_01.st --alignment etomo/TS_01 -o tomogram.mrc
      libtilt reconstruct tilts.mrc --filter radial --mend-outliers --taper 20 -o tomogram.mrc
    """
    refuse_what_does_not_belong(options)
    backend = require_backend(options["backend"])
    compression(options["output"])
    targets = [path for path in (options["output"], options["gif"], options["film"]) if path]
    if len({path.resolve() for path in targets}) < len(targets):
        raise click.UsageError("--output, --gif and --film must be different files")
    for path in targets:
        require_writable(path, overwrite=options["overwrite"])
    for path in filter(None, (options["gif"], options["film"])):
        writer_for(path, fps=FILM_FPS)
    series, tomogram = open_tilts(tilts, (tilt_range, tlt, tilt_axis_angle), options)
    series = _prepared(series, options)
    film = IterationFilm("y")
    volume = _reconstructed(
        series, _Shown(series.geometry, backend=backend, **tomogram), options, film
    )
    with atomic_writes(*targets, overwrite=options["overwrite"]) as written:
        temporary = dict(zip(targets, written, strict=True))
        volume.save(temporary[options["output"]])
        if options["gif"]:
            volume.to_gif(temporary[options["gif"]])
        if options["film"]:
            Animation(film.panel(), fps=FILM_FPS).save(temporary[options["film"]])
    say(f"{options['output']}: {format_shape(volume.shape)} voxels")
    if options["gif"]:
        say(f"{options['gif']}: slices along z")
    if options["film"]:
        say(f"{options['film']}: the slice across y after each iteration")


def _prepared(series: TiltSeries, options: dict[str, Any]) -> TiltSeries:
    if options["exclude"] is not None:
        series = exclude_views(series, _views(options["exclude"], len(series)))
    if options["mend_outliers"]:
        series = replace_outliers(series)
    if options["normalize"]:
        series = series.normalize()
    if options["taper"] is not None:
        series = taper_edges(series, width=options["taper"])
    if not options["ignore_nan"]:
        require_usable(series)
    return series


def _views(text: str, count: int) -> list[int]:
    """Return the views that a list like ``0,1,38-40`` names, of so many."""
    views: list[int] = []
    for word in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?", word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise click.UsageError(f"--exclude must be views like 0,1,38-40, got {text!r}")
        if last >= count:
            raise click.UsageError(
                f"--exclude must name views from 0 to {count - 1}, got {word.strip()}"
            )
        views += range(first, last + 1)
    return views


class _Shown(Projector):
    """A projector that backprojects a few tilts at a time, where it is voxel-driven with a bar."""

    def _adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        if self.driven != "voxel":
            return super()._adjoint(images)
        total: NDArray[Any] | None = None
        with progress_bar(range(0, len(images), GROUP), label="backprojecting") as bar:
            for start in bar:
                some = slice(start, start + GROUP)
                part = self.evolve(geometry=self.geometry[some])
                # In place, and one volume beside it at a time: one may fill half of the memory.
                volume = Projector._adjoint(part, images[some])
                if total is None:
                    total = volume
                else:
                    total += volume
                del volume
        assert total is not None
        return total


def _reconstructed(
    series: TiltSeries, projector: Projector, options: dict[str, Any], film: IterationFilm
) -> Reconstruction:
    method = method_from_options(options, projector.between(None, series).domain.shape[0])
    margin = options["margin"]
    given: dict[str, Any] = {
        "projector": projector,
        "nan": "ignore" if options["ignore_nan"] else "raise",
        "margin": int(margin) if margin and re.fullmatch("[0-9]{1,9}", margin) else margin,
    }
    if "callback" not in method.supports:
        return reconstruct_volume(series, method, **given)

    def after(iteration: int, volume: Volume, residual: float) -> None:
        bar.update(1)
        if options["film"]:
            film(iteration, volume, residual)

    with progress_bar(length=getattr(method, "iterations", None), label=method.name) as bar:
        result = reconstruct_volume(series, method, callback=after, **given)
    say(f"{result.iterations} iterations, residual {100 * result.residuals[-1]:.2f} %", err=True)
    return result
