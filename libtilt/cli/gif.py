"""``libtilt gif``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from PIL import Image

from libtilt.alignment.beside_stack import find_tilt_geometry
from libtilt.animations import LOOKS, before_after
from libtilt.cli.errors import one_line_errors
from libtilt.cli.field_options import (
    fields_by_option,
    given_fields,
    options_of,
    options_of_several,
)
from libtilt.cli.messages import echo, shows_progress
from libtilt.cli.options import (
    input_file,
    output_file,
    overwrite_option,
    refuse_both,
    require_owner,
    tlt_option,
    voxel_size_option,
    with_options,
)
from libtilt.cli.series import angles_file_options
from libtilt.drawing import Animation, Panel, Style
from libtilt.drawing.writers import writer_for
from libtilt.io.atomic import require_writable
from libtilt.io.image_files import read_image_header
from libtilt.progress import reporting
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

Paths = tuple[Path, ...]
Labels = tuple[str, ...]
Fields = dict[str, Any]

LOOKS_OF_OPTION = {name: tuple(fields) for name, fields in fields_by_option(LOOKS).items()} | {
    "tlt": ("tilts",)
}
BEFORE_AFTER_OPTIONS = {"axis", "count"}


@click.command()
@click.argument("files", type=input_file, nargs=-1, required=True, metavar="IN...")
@click.option(
    "--look",
    type=click.Choice(["auto", *LOOKS], case_sensitive=False),
    default="auto",
    show_default=True,
    help="slices: the slices of a volume. spin: a turning volume. tilts: the images of a tilt "
    "series. auto: tilts for an image stack with tilt angles beside it, else slices. Slices begin "
    "at the center, tilts at the least tilted image.",
)
@click.option(
    "--before-after", is_flag=True, help="Wipe between the central slices of two volumes."
)
@with_options(
    *options_of_several(LOOKS),
    tlt_option,
    voxel_size_option,
    *options_of(Style),
    click.option(
        "--per-frame", is_flag=True, help="Compute percentiles for each frame, not over all frames."
    ),
    click.option("--limits", nargs=2, type=float, help="Values drawn black and white."),
    click.option(
        "--label", "labels", multiple=True, help="Title of an input; pass one for each, in order."
    ),
    *options_of(Animation),
    click.option(
        "-o",
        "--output",
        type=output_file,
        required=True,
        help="Animation to write: a .gif, .png or .apng (animated PNG), .webp or .mp4 file.",
    ),
    overwrite_option,
)
@one_line_errors
def gif(files: Paths, output: Path, **options: Any) -> None:
    """Animate volumes and tilt series, alone or side by side.

    \b
    Examples:
      libtilt gif tomogram.mrc -o tomogram.gif
      libtilt gif map.mrc --look spin --axis z --count 60 -o map.gif --max-bytes 2000000
      libtilt gif map.mrc --look spin --render surface --cmap copper -o map.mp4
      libtilt gif map.mrc --look spin --render surface --dust 0.1 --background white -o map.webp
      libtilt gif tilts.mrc --tlt tilts.tlt --annotate -o tilts.gif
      libtilt gif map.mrc tilts.mrc tomogram.mrc --annotate -o all.gif
      libtilt gif raw.mrc denoised.mrc --before-after --axis y -o wipe.gif
    """
    saving = given_fields(Animation, options)
    writer_for(output, **{name: saving[name] for name in ("fps", "loop") if name in saving})
    require_writable(output, overwrite=options["overwrite"])
    labels = options["labels"] or (tuple(f.stem for f in files) if len(files) > 1 else ())
    if labels and len(labels) != len(files):
        raise click.UsageError(
            f"pass one --label per input: expected {len(files)}, got {len(labels)}"
        )
    style = given_fields(Style, options) | _contrast(options)
    style.setdefault("annotate", False)
    if options["before_after"]:
        panels = [_before_after_panel(files, labels, style, options)]
    else:
        panels = _panels(files, labels, style, options)
    animation = Animation(panels, **saving)
    counts = [0]
    with reporting(shows_progress(), "frames") as report:

        def progress(done: int, count: int) -> None:
            counts[0] = count
            if report is not None:
                report(done, count)

        path = animation.save(output, overwrite=options["overwrite"], progress=progress)
    for note in dict.fromkeys(note for panel in panels for note in panel.notes):
        echo(note)
    stored = _stored_frames(path, counts[0])
    joined = f" (stored as {stored}: equal ones are joined)" if stored < counts[0] else ""
    echo(f"{path}: {counts[0]} frames{joined}, {path.stat().st_size} bytes")
    total = max(len(panel.order) for panel in panels)
    if counts[0] < total:
        echo(
            f"note: kept {counts[0]} of {total} frames to stay within {animation.max_bytes} bytes; "
            "--max-bytes sets another limit",
            err=True,
        )


def _stored_frames(path: Path, count: int) -> int:
    """Return the number of frames in a file; encoders join equal neighbors."""
    if path.suffix.lower() == ".mp4":
        return count
    with Image.open(path) as image:
        return int(getattr(image, "n_frames", 1))


def _contrast(options: Fields) -> Fields:
    refuse_both(options, "limits", "per_frame")
    contrast = options["limits"] or ("frame" if options["per_frame"] else None)
    return {} if contrast is None else {"contrast": contrast}


def _panels(files: Paths, labels: Labels, style: Fields, options: Fields) -> list[Panel]:
    # With --tlt, a single file is a tilt series whatever its header says.
    alone = len(files) == 1 and options["tlt"] is not None
    looks = [_resolve_look(file, options["look"], options["tlt"], alone) for file in files]
    if options["look"] == "spin" and "spin" not in looks:
        named = ", ".join(map(str, files))
        echo(f"note: --look spin applies to volumes; showing the tilts of {named}", err=True)
    for name, owners in LOOKS_OF_OPTION.items():
        if options[name] is not None:
            require_owner(name, owners, set(looks), "look")
    panels = []
    for index, (file, name) in enumerate(zip(files, looks, strict=True)):
        own = Style(**style, title=labels[index] if labels else None)
        chosen = LOOKS[name](**given_fields(LOOKS[name], options))
        # The pixel size of a series alone without a scale bar does not matter: no warning about it.
        needed = own.annotate or len(files) > 1
        panels.append(chosen.panel(_open(file, name, options, sized=needed), own))
    return panels


def _resolve_look(file: Path, look: str, tlt: Path | None, tilts: bool = False) -> str:
    """Return the look of a file; "spin" applies only to the volumes among several inputs."""
    tilts = tilts or find_tilt_geometry(file, read_image_header(file), tlt=tlt) is not None
    if look == "auto" or (look == "spin" and tilts):
        return "tilts" if tilts else "slices"
    return look


def _open(file: Path, look: str, options: Fields, *, sized: bool) -> Volume | TiltSeries:
    size = options["voxel_size"]
    if look != "tilts":
        return Volume.open(file, voxel_size=size)
    size = 1.0 if size is None and not sized else size
    return TiltSeries.open(
        file, **angles_file_options(options["tlt"], tilt_axis_angle=0.0), pixel_size=size
    )


def _before_after_panel(files: Paths, labels: Labels, style: Fields, options: Fields) -> Panel:
    if len(files) != 2 or options["look"] not in ("auto", "slices"):
        raise click.UsageError("--before-after takes two volumes, and shows slices of them")
    for name in sorted(LOOKS_OF_OPTION.keys() - BEFORE_AFTER_OPTIONS):
        if options[name] is not None:
            require_owner(name, LOOKS_OF_OPTION[name], {"--before-after"}, "look")
    for file in files:
        if _resolve_look(file, "auto", None) == "tilts":
            raise click.UsageError(f"--before-after takes volumes, but {file} is a tilt series")
    before, after = (Volume.open(file, voxel_size=options["voxel_size"]) for file in files)
    given = {name: options[name] for name in BEFORE_AFTER_OPTIONS if options[name] is not None}
    return before_after(before, after, labels=(labels[0], labels[1]), style=Style(**style), **given)
