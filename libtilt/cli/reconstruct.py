"""``libtilt reconstruct``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from libtilt.animations import IterationSlices
from libtilt.cli.errors import one_line_errors
from libtilt.cli.messages import echo, shows_progress
from libtilt.cli.method_options import method_from_options, method_options, require_applicable
from libtilt.cli.options import (
    alignment_options,
    backend_option,
    input_file,
    output_file,
    output_option,
    overwrite_option,
    pixel_size_option,
    tilt_options,
    tomogram_options,
    with_options,
)
from libtilt.cli.series import open_tilt_series
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

ITERATION_FPS = 6

preparation_options = (
    click.option("--exclude", help="Views to exclude, counted from 0, such as 0,1,38-40."),
    click.option(
        "--remove-xrays",
        is_flag=True,
        help="Replace X-ray hits and dead pixels by the local median.",
    ),
    click.option(
        "--normalize", is_flag=True, help="Scale each image to mean 0 and standard deviation 1."
    ),
    click.option(
        "--taper", type=click.IntRange(min=1), help="Width in pixels of the taper at image edges."
    ),
    click.option("--ignore-nan", is_flag=True, help="Ignore pixels that are NaN or infinite."),
)


@click.command()
@click.argument("tilts", type=input_file)
@click.option(
    "--method",
    type=click.Choice(list(METHODS), case_sensitive=False),
    default="wbp",
    show_default=True,
    help="wbp: weighted back-projection. sirt, cgls, tv: iterative methods.",
)
@with_options(*tilt_options, *alignment_options, *tomogram_options)
@with_options(*method_options(), *preparation_options)
@click.option(
    "--margin",
    help="For iterative methods: voxels added on each side during the computation and cropped "
    "from the tomogram; auto covers all that the tilted images show.  [default: auto]",
)
@with_options(pixel_size_option)
@click.option("--gif", type=output_file, help="Also write an animation of the slices to this file.")
@click.option(
    "--iteration-gif",
    type=output_file,
    help="For iterative methods: also write an animation of the central xz slice after each "
    "iteration to this file.",
)
@with_options(backend_option, output_option, overwrite_option)
@one_line_errors
def reconstruct(tilts: Path, **options: Any) -> None:
    """Reconstruct a tomogram from a tilt series.

    By default the geometry is read from the .json, .tlt, .rawtlt or .mdoc file with the name of
    the stack. With --alignment, TILTS is the raw stack, and the alignment gives the size and the
    voxel size of the tomogram.

    \b
    Examples:
      libtilt reconstruct tilts.mrc --thickness 128 -o tomogram.mrc
      libtilt reconstruct tilts.st --tlt tilts.tlt --method sirt --iterations 30 -o sirt.mrc
      libtilt reconstruct tilts.mrc --method sirt --iteration-gif sirt.gif -o sirt.mrc
      libtilt reconstruct TS_01.st --alignment etomo/TS_01 -o tomogram.mrc
      libtilt reconstruct tilts.mrc --filter radial --remove-xrays --taper 20 -o tomogram.mrc
    """
    require_applicable(options)
    compression(options["output"])
    targets = [
        path for path in (options["output"], options["gif"], options["iteration_gif"]) if path
    ]
    if len({path.resolve() for path in targets}) < len(targets):
        raise click.UsageError("--output, --gif and --iteration-gif must be different files")
    for path in targets:
        require_writable(path, overwrite=options["overwrite"])
    for path in filter(None, (options["gif"], options["iteration_gif"])):
        writer_for(path, fps=ITERATION_FPS)
    series, tomogram = open_tilt_series(tilts, options)
    slices = IterationSlices("y")
    volume = _reconstruct(_prepare(series, options), tomogram, options, slices)
    with atomic_writes(*targets, overwrite=options["overwrite"]) as written:
        temporary = dict(zip(targets, written, strict=True))
        volume.save(temporary[options["output"]])
        if options["gif"]:
            volume.to_gif(temporary[options["gif"]], progress=shows_progress())
        if options["iteration_gif"]:
            animation = Animation(slices.panel(), fps=ITERATION_FPS)
            animation.save(temporary[options["iteration_gif"]], progress=shows_progress())
    echo(f"{options['output']}: {format_shape(volume.shape)} voxels")
    if options["gif"]:
        echo(f"{options['gif']}: slices along z")
    if options["iteration_gif"]:
        echo(f"{options['iteration_gif']}: central xz slice after each iteration")


def _prepare(series: TiltSeries, options: dict[str, Any]) -> TiltSeries:
    if options["exclude"] is not None:
        series = exclude_views(series, _views(options["exclude"], len(series)))
    if options["remove_xrays"]:
        series = replace_outliers(series)
    if options["normalize"]:
        series = series.normalize()
    if options["taper"] is not None:
        series = taper_edges(series, width=options["taper"])
    if not options["ignore_nan"]:
        require_usable(series)
    return series


def _views(text: str, count: int) -> list[int]:
    """Return the views of a list like ``0,1,38-40``, each less than `count`."""
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


def _reconstruct(
    series: TiltSeries, tomogram: dict[str, Any], options: dict[str, Any], slices: IterationSlices
) -> Reconstruction:
    method = method_from_options(options, tomogram["volume_shape"][0])
    margin = options["margin"]
    given: dict[str, Any] = {
        "projector": Projector(series.geometry, backend=options["backend"], **tomogram),
        "nan": "ignore" if options["ignore_nan"] else "raise",
        "margin": int(margin) if margin and re.fullmatch("[0-9]{1,9}", margin) else margin,
    }
    if options["iteration_gif"]:
        given["callback"] = slices
    result = reconstruct_volume(series, method, progress=shows_progress(), **given)
    if result.iterations:
        echo(
            f"{result.iterations} iterations, residual {100 * result.residuals[-1]:.2f} %", err=True
        )
    return result
