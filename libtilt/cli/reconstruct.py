"""``libtilt reconstruct``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from libtilt.animations import IterationFilm
from libtilt.cli.messages import say
from libtilt.cli.progress import adjoint_with_progress, progress_bar
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
from libtilt.files import atomic_writes, require_writable
from libtilt.gif.formats import format_of
from libtilt.mrc_writing import compression
from libtilt.preparation import exclude_views, replace_outliers, require_usable, taper_edges
from libtilt.projector import Projector
from libtilt.reconstruction import Reconstruction, cgls, sirt, tv
from libtilt.reconstruction.filters import WINDOWS, Filter, RadialFilter, SIRTLikeFilter
from libtilt.reconstruction.wbp import weighted
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

FILM_FPS = 6
ITERATIONS = {"sirt": 20, "cgls": 10, "tv": 100}

filter_options = (
    click.option(
        "--filter",
        type=click.Choice([*WINDOWS, "radial", "sirt-like"]),
        help="Of wbp: a window of the ramp, IMOD's RADIAL, or as so many iterations of SIRT.  "
        "[default: ramp]",
    ),
    click.option(
        "--radial",
        nargs=2,
        type=float,
        metavar="CUTOFF FALLOFF",
        help="Of --filter radial, in cycles per pixel.  [default: 0.35 0.035]",
    ),
)
iteration_options = (
    click.option(
        "--iterations",
        type=click.IntRange(min=1),
        help="Of sirt (20), cgls (10), tv (100, at most) or of --filter sirt-like (20).",
    ),
    click.option("--subsets", type=click.IntRange(min=1), help="Of sirt: steps in an iteration."),
    click.option("--nonnegative", is_flag=True, help="Of sirt and tv: no density below zero."),
    click.option("--strength", type=float, help="Of tv: the more, the smoother.  [default: 0.05]"),
)
preparation_options = (
    click.option(
        "--exclude", help="Views to leave out, counted from 0, with commas and ranges: 0,1,38-40."
    ),
    click.option("--mend-outliers", is_flag=True, help="Replace X-ray hits and dead pixels."),
    click.option("--normalize", is_flag=True, help="Give each image mean 0 and deviation 1."),
    click.option("--taper", type=click.IntRange(min=1), help="Pixels over which edges fade."),
)


@click.command()
@click.argument("tilts", type=input_file)
@click.option(
    "--method",
    type=click.Choice(["wbp", "sirt", "cgls", "tv"]),
    default="wbp",
    show_default=True,
    help="Weighted back-projection, or an iterative method.",
)
@with_options(*tilt_options, *alignment_options, *tomogram_options)
@with_options(*filter_options, *iteration_options, *preparation_options)
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
    _refuse_what_does_not_belong(options)
    backend = require_backend(options["backend"])
    compression(options["output"])
    targets = [path for path in (options["output"], options["gif"], options["film"]) if path]
    if len({path.resolve() for path in targets}) < len(targets):
        raise click.UsageError("--output, --gif and --film must be different files")
    for path in targets:
        require_writable(path, overwrite=options["overwrite"])
    for path in filter(None, (options["gif"], options["film"])):
        format_of(path, fps=FILM_FPS, loop=0)
    series, tomogram = open_tilts(tilts, (tilt_range, tlt, tilt_axis_angle), options)
    series = _prepared(series, options)
    projector = Projector(series.geometry, backend=backend, **tomogram)
    film = IterationFilm("y")
    if options["method"] == "wbp":
        volume = _wbp(series, projector, options)
    else:
        volume = _iterate(series, projector, options, film)
    with atomic_writes(*targets, overwrite=options["overwrite"]) as written:
        temporary = dict(zip(targets, written, strict=True))
        volume.save(temporary[options["output"]])
        if options["gif"]:
            volume.to_gif(temporary[options["gif"]])
        if options["film"]:
            film.save(temporary[options["film"]], fps=FILM_FPS)
    say(f"{options['output']}: {' x '.join(map(str, volume.shape))} voxels")
    if options["gif"]:
        say(f"{options['gif']}: slices along z")
    if options["film"]:
        say(f"{options['film']}: the slice across y after each iteration")


def _refuse_what_does_not_belong(options: dict[str, Any]) -> None:
    """Fail where an option would have no effect."""
    method = options["method"]
    belongs = {
        "filter": ("wbp",),
        "radial": ("wbp",),
        "subsets": ("sirt",),
        "nonnegative": ("sirt", "tv"),
        "strength": ("tv",),
        "film": ("sirt", "cgls", "tv"),
    }
    for name, methods in belongs.items():
        given = options[name] is not None and options[name] is not False
        if given and method not in methods:
            raise click.UsageError(f"--{name} is of {' and '.join(methods)}, not of {method}")
    if method == "wbp" and options["iterations"] is not None and options["filter"] != "sirt-like":
        raise click.UsageError("--iterations is of wbp only with --filter sirt-like")
    if options["radial"] is not None and options["filter"] != "radial":
        raise click.UsageError("--radial needs --filter radial")


def _prepared(series: TiltSeries, options: dict[str, Any]) -> TiltSeries:
    if options["exclude"] is not None:
        series = exclude_views(series, _views(options["exclude"], len(series)))
    if options["mend_outliers"]:
        series = replace_outliers(series)
    if options["normalize"]:
        series = series.normalize()
    if options["taper"] is not None:
        series = taper_edges(series, width=options["taper"])
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


def _wbp(series: TiltSeries, projector: Projector, options: dict[str, Any]) -> Volume:
    name = options["filter"] or "ramp"
    chosen: str | Filter = name
    if name == "radial":
        chosen = RadialFilter(*(options["radial"] or (0.35, 0.035)))
    elif name == "sirt-like":
        depth = projector.between(None, series).domain.shape[0]
        chosen = SIRTLikeFilter(options["iterations"] or 20, depth)
    projector, images = weighted(series, projector=projector, filter=chosen)
    return adjoint_with_progress(projector, images)


def _iterate(
    series: TiltSeries, projector: Projector, options: dict[str, Any], film: IterationFilm
) -> Volume:
    method = options["method"]
    iterations = options["iterations"] or ITERATIONS[method]
    more: dict[str, Any] = {}
    if method == "sirt":
        more = {"subsets": options["subsets"] or 1}
        if options["nonnegative"]:
            more["bounds"] = (0, None)
    if method == "tv" and options["strength"] is not None:
        more = {"strength": options["strength"]}
    methods: dict[str, Callable[..., Reconstruction]] = {"sirt": sirt, "cgls": cgls, "tv": tv}

    def after(iteration: int, volume: Volume, residual: float) -> None:
        bar.update(1)
        if options["film"]:
            film(iteration, volume, residual)

    with progress_bar(length=iterations, label=method) as bar:
        result = methods[method](
            series, projector=projector, iterations=iterations, callback=after, **more
        )
    say(f"{result.iterations} iterations, residual {100 * result.residuals[-1]:.2f} %", err=True)
    return result.volume
