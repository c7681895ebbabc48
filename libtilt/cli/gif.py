"""``libtilt gif``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from libtilt.alignment.beside_stack import tilts_beside
from libtilt.animations import before_after, panel_of
from libtilt.cli.messages import say
from libtilt.cli.progress import progress_of_frames
from libtilt.cli.running import (
    input_file,
    one_line_errors,
    output_file,
    overwrite_option,
    spacing_option,
    with_options,
)
from libtilt.gif import Panel, save_animation
from libtilt.gif.formats import format_of
from libtilt.io.atomic import require_writable
from libtilt.io.image_files import read_image_header
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

SAVING = ("fps", "loop", "width", "max_size", "max_bytes", "overwrite")
TAKES = {
    "slices": {"axis", "step"},
    "spin": {"axis", "count", "render", "level", "sigma"},
    "tilts": set[str](),
}
OF_A_KIND = {name for names in TAKES.values() for name in names}

frame_options = with_options(
    click.option(
        "--axis",
        type=click.Choice(["z", "y", "x"]),
        help="That slices are perpendicular to (z where not given), or a spin turns about (y; x).",
    ),
    click.option("--step", type=click.IntRange(min=1), help="From one slice to the next."),
    click.option("--count", type=click.IntRange(min=1, max=10_000), help="Frames of a spin."),
    click.option(
        "--render",
        type=click.Choice(["projection", "maximum", "surface"]),
        help="What a spin shows: sums along the beam, maxima, or a surface in light.",
    ),
    click.option("--level", type=float, help="Of a surface; found where it is not given."),
    click.option("--sigma", type=float, help="The same, in deviations above the mean."),
    click.option("--tlt", type=input_file, help="Tilt angles, one per line, for tilts."),
    spacing_option,
)
look_options = with_options(
    click.option(
        "--percentiles",
        nargs=2,
        type=float,
        default=(0.5, 99.8),
        show_default=True,
        help="Of all values, drawn black and white.",
    ),
    click.option(
        "--per-frame", is_flag=True, help="Take the percentiles of each frame, not of all."
    ),
    click.option("--limits", nargs=2, type=float, help="The values drawn black and white."),
    click.option("--cmap", default="gray", show_default=True, help="A colour map of matplotlib."),
    click.option(
        "--annotate", is_flag=True, help="Scale bar; on tilts, also the angle and a dial."
    ),
    click.option("--label", "labels", multiple=True, help="A name for each input, in their order."),
)
file_options = with_options(
    click.option("--fps", type=float, default=15.0, show_default=True, help="Frames per second."),
    click.option("--loop", type=int, default=0, help="How often it plays; 0 is for ever."),
    click.option("--width", type=click.IntRange(min=1), help="Pixels of the picture."),
    click.option("--max-size", type=click.IntRange(min=1), help="Pixels of its longest side."),
    click.option("--max-bytes", type=click.IntRange(min=1), help="The largest file."),
    click.option(
        "-o",
        "--output",
        type=output_file,
        required=True,
        help="A .gif, .png or .apng (animated PNG), or .mp4 file.",
    ),
    overwrite_option,
)


@click.command()
@click.argument("files", type=input_file, nargs=-1, required=True, metavar="IN...")
@click.option(
    "--kind",
    type=click.Choice(["auto", "slices", "spin", "tilts"]),
    default="auto",
    show_default=True,
    help="Slices of a volume, a volume turning, or the images of a tilt series. "
    "auto: tilts for an image stack with angles beside it, else slices.",
)
@click.option("--before-after", "wiped", is_flag=True, help="Wipe from one volume to another.")
@frame_options
@look_options
@file_options
@one_line_errors
def gif(files: tuple[Path, ...], kind: str, output: Path, wiped: bool, **options: Any) -> None:
    """Animate volumes and tilt series, several beside each other.

    \b
    Examples:
      libtilt gif tomogram.mrc -o tomogram.gif
      libtilt gif map.mrc --kind spin --count 60 -o map.gif --max-bytes 2000000
      libtilt gif map.mrc --kind spin --render surface --cmap copper -o map.mp4
      libtilt gif tilts.mrc --tlt tilts.tlt --annotate -o tilts.gif
      libtilt gif map.mrc tilts.mrc tomogram.mrc --annotate -o all.gif
      libtilt gif raw.mrc denoised.mrc --before-after --axis y -o wipe.gif
    """
    format_of(output, fps=options["fps"], loop=options["loop"])
    require_writable(output, overwrite=options["overwrite"])
    labels = options.pop("labels") or (tuple(f.stem for f in files) if len(files) > 1 else ())
    if labels and len(labels) != len(files):
        raise click.UsageError(f"give a --label for each input: {len(files)}, not {len(labels)}")
    saving = {name: options.pop(name) for name in SAVING}
    given = {name: value for name, value in options.items() if value not in (None, ())}
    given["contrast"] = _contrast(given.pop("per_frame"), given.pop("limits", None))
    with progress_of_frames() as saving["progress"]:
        path = _made(output, files, kind, wiped, labels, given, saving)
    say(f"{path}: {path.stat().st_size} bytes")


def _made(
    output: Path,
    files: tuple[Path, ...],
    kind: str,
    wiped: bool,
    labels: tuple[str, ...],
    given: dict[str, Any],
    saving: dict[str, Any],
) -> Path:
    if wiped:
        return _wipe(output, files, kind, labels, given, saving)
    return save_animation(output, _panels(files, kind, given, labels), **saving)


def _contrast(per_frame: bool, limits: tuple[float, float] | None) -> str | tuple[float, float]:
    if limits is not None and per_frame:
        raise click.UsageError("give --limits or --per-frame, not both")
    return limits or ("frame" if per_frame else "stack")


def _panels(
    files: tuple[Path, ...], kind: str, given: dict[str, Any], labels: tuple[str, ...]
) -> list[Panel]:
    # Angles that are given are those of the only file, whatever its header says.
    alone = len(files) == 1 and "tlt" in given
    kinds = [_kind(file, kind, given, alone) for file in files]
    for name in sorted(OF_A_KIND & set(given)):
        if not any(name in TAKES[one] for one in kinds):
            raise click.UsageError(
                f"--{name} is not an option of {', '.join(sorted(set(kinds)))}; "
                "choose another --kind"
            )
    if "tlt" in given and "tilts" not in kinds:
        raise click.UsageError(f"--tlt is not an option of {kinds[0]}; choose another --kind")
    panels = []
    for index, (file, one) in enumerate(zip(files, kinds, strict=True)):
        takes = TAKES[one] | {"percentiles", "contrast", "cmap", "annotate"}
        own = {name: value for name, value in given.items() if name in takes}
        if given.get("render") == "surface" and one == "spin" and own["contrast"] == "stack":
            del own["contrast"]
        if one == "spin" and own.get("axis") == "z" and "slices" in kinds:
            del own["axis"]
        if labels:
            own["title"] = labels[index]
        panels.append(panel_of(_open(file, one, given), **_with_kind(own, one)))
    return panels


def _with_kind(own: dict[str, Any], kind: str) -> dict[str, Any]:
    return own if kind == "tilts" else own | {"kind": kind}


def _kind(file: Path, kind: str, given: dict[str, Any], tilts: bool = False) -> str:
    """Return what to make of a file: with several inputs, a kind is of those that it fits."""
    tilts = tilts or tilts_beside(file, read_image_header(file), tlt=given.get("tlt")) is not None
    if kind == "auto" or (kind == "spin" and tilts):
        return "tilts" if tilts else "slices"
    return kind


def _open(file: Path, kind: str, given: dict[str, Any]) -> Volume | TiltSeries:
    # Without a scale bar nobody asks how large a pixel is.
    size = given.get("voxel_size", None if given["annotate"] else 1.0)
    if kind == "tilts":
        return TiltSeries.open(file, tilt_angles=given.get("tlt"), pixel_size=size)
    return Volume.open(file, voxel_size=given.get("voxel_size"))


def _wipe(
    output: Path,
    files: tuple[Path, ...],
    kind: str,
    labels: tuple[str, ...],
    given: dict[str, Any],
    saving: dict[str, Any],
) -> Path:
    if len(files) != 2 or kind not in ("auto", "slices"):
        raise click.UsageError("--before-after takes two volumes, and shows slices of them")
    names = {"axis", "percentiles", "cmap", "count"}
    if unused := sorted((OF_A_KIND | {"tlt"}) & set(given) - names):
        raise click.UsageError(f"--{unused[0]} is not an option of --before-after")
    own = {name: value for name, value in given.items() if name in names}
    # Without limits each slice has a contrast of its own: methods differ in scale.
    own["contrast"] = given["contrast"] if isinstance(given["contrast"], tuple) else "frame"
    if not given["annotate"]:
        own["pixel_size"] = None
    for file in files:
        if _kind(file, "auto", {}) == "tilts":
            raise click.UsageError(f"--before-after takes volumes, and {file} is a tilt series")
    before, after = (Volume.open(file, voxel_size=given.get("voxel_size")) for file in files)
    return before_after(output, before, after, labels=(labels[0], labels[1]), **own, **saving)
