"""``libtilt gif``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from libtilt.alignment.beside_stack import find_tilt_geometry
from libtilt.animations import LOOKS, before_after
from libtilt.cli.field_options import (
    fields_by_option,
    given_fields,
    options_of,
    options_of_several,
)
from libtilt.cli.messages import say
from libtilt.cli.progress import progress_of_frames
from libtilt.cli.running import (
    input_file,
    listed,
    one_line_errors,
    output_file,
    overwrite_option,
    spacing_option,
    with_options,
)
from libtilt.drawing import Animation, Panel, Style
from libtilt.drawing.writers import writer_for
from libtilt.io.atomic import require_writable
from libtilt.io.image_files import read_image_header
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

OF_LOOKS = fields_by_option(LOOKS)
WIPED = {"axis", "count"}


@click.command()
@click.argument("files", type=input_file, nargs=-1, required=True, metavar="IN...")
@click.option(
    "--look",
    type=click.Choice(["auto", *LOOKS]),
    default="auto",
    show_default=True,
    help="Slices of a volume, a volume turning, or the images of a tilt series. "
    "auto: tilts for an image stack with angles beside it, else slices.",
)
@click.option("--before-after", "wiped", is_flag=True, help="Wipe from one volume to another.")
@with_options(
    *options_of_several(LOOKS),
    click.option("--tlt", type=input_file, help="Tilt angles, one per line, for tilts."),
    spacing_option,
    *options_of(Style),
    click.option(
        "--per-frame", is_flag=True, help="Take the percentiles of each frame, not of all."
    ),
    click.option("--limits", nargs=2, type=float, help="The values drawn black and white."),
    click.option("--label", "labels", multiple=True, help="A name for each input, in their order."),
    *options_of(Animation),
    click.option(
        "-o",
        "--output",
        type=output_file,
        required=True,
        help="A .gif, .png or .apng (animated PNG), .webp, or .mp4 file.",
    ),
    overwrite_option,
)
@one_line_errors
def gif(files: tuple[Path, ...], look: str, output: Path, wiped: bool, **options: Any) -> None:
    """Animate volumes and tilt series, several beside each other.

    \b
    Examples:
      libtilt gif tomogram.mrc -o tomogram.gif
      libtilt gif map.mrc --look spin --count 60 -o map.gif --max-bytes 2000000
      libtilt gif map.mrc --look spin --render surface --cmap copper -o map.mp4
      libtilt gif tilts.mrc --tlt tilts.tlt --annotate -o tilts.gif
      libtilt gif map.mrc tilts.mrc tomogram.mrc --annotate -o all.gif
      libtilt gif raw.mrc denoised.mrc --before-after --axis y -o wipe.gif
    """
    saving = given_fields(Animation, options)
    writer_for(output, **{name: saving[name] for name in ("fps", "loop") if name in saving})
    require_writable(output, overwrite=options["overwrite"])
    labels = options["labels"] or (tuple(f.stem for f in files) if len(files) > 1 else ())
    if labels and len(labels) != len(files):
        raise click.UsageError(f"give a --label for each input: {len(files)}, not {len(labels)}")
    style = given_fields(Style, options) | _contrast(options)
    style.setdefault("annotate", False)
    if wiped:
        panels = [_wipe(files, look, labels, style, options)]
    else:
        panels = _panels(files, look, labels, style, options)
    with progress_of_frames() as progress:
        animation = Animation(panels, **saving)
        path = animation.save(output, overwrite=options["overwrite"], progress=progress)
    say(f"{path}: {path.stat().st_size} bytes")


def _contrast(options: dict[str, Any]) -> dict[str, Any]:
    if options["limits"] is not None and options["per_frame"]:
        raise click.UsageError("give --limits or --per-frame, not both")
    contrast = options["limits"] or ("frame" if options["per_frame"] else None)
    return {} if contrast is None else {"contrast": contrast}


def _panels(
    files: tuple[Path, ...],
    look: str,
    labels: tuple[str, ...],
    style: dict[str, Any],
    options: dict[str, Any],
) -> list[Panel]:
    # Angles that are given are those of the only file, whatever its header says.
    alone = len(files) == 1 and options["tlt"] is not None
    looks = [_look_of(file, look, options["tlt"], alone) for file in files]
    for name, fields in OF_LOOKS.items():
        if options[name] is not None and not fields.keys() & set(looks):
            raise click.UsageError(
                f"--{name} is not an option of {', '.join(sorted(set(looks)))}; "
                "choose another --look"
            )
    if options["tlt"] is not None and "tilts" not in looks:
        raise click.UsageError(f"--tlt is not an option of {looks[0]}; choose another --look")
    panels = []
    for index, (file, name) in enumerate(zip(files, looks, strict=True)):
        own = Style(**style, title=labels[index] if labels else None)
        chosen = LOOKS[name](**given_fields(LOOKS[name], options))
        panels.append(chosen.panel(_open(file, name, own, options), own))
    return panels


def _look_of(file: Path, look: str, tlt: Path | None, tilts: bool = False) -> str:
    """Return how to show a file: with several inputs, a look is of those that it fits."""
    tilts = tilts or find_tilt_geometry(file, read_image_header(file), tlt=tlt) is not None
    if look == "auto" or (look == "spin" and tilts):
        return "tilts" if tilts else "slices"
    return look


def _open(file: Path, look: str, style: Style, options: dict[str, Any]) -> Volume | TiltSeries:
    size = options["voxel_size"]
    if look != "tilts":
        return Volume.open(file, voxel_size=size)
    # Without a scale bar nobody asks how large a pixel is.
    size = 1.0 if size is None and not style.annotate else size
    return TiltSeries.open(file, **listed(options["tlt"]), pixel_size=size)


def _wipe(
    files: tuple[Path, ...],
    look: str,
    labels: tuple[str, ...],
    style: dict[str, Any],
    options: dict[str, Any],
) -> Panel:
    if len(files) != 2 or look not in ("auto", "slices"):
        raise click.UsageError("--before-after takes two volumes, and shows slices of them")
    for name in sorted({*OF_LOOKS, "tlt"} - WIPED):
        if options[name] is not None:
            raise click.UsageError(f"--{name} is not an option of --before-after")
    for file in files:
        if _look_of(file, "auto", None) == "tilts":
            raise click.UsageError(f"--before-after takes volumes, and {file} is a tilt series")
    before, after = (Volume.open(file, voxel_size=options["voxel_size"]) for file in files)
    given = {name: options[name] for name in WIPED if options[name] is not None}
    return before_after(before, after, labels=(labels[0], labels[1]), style=Style(**style), **given)
