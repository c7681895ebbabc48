"""``libtilt convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click
import numpy as np

from libtilt.alignment import (
    Alignment,
    RelionAlignment,
    Sizes,
    detect_format,
    read_alignment_file,
    save_alignment,
)
from libtilt.alignment.opening import FORMATS, note_truncated_number
from libtilt.alignment.stack_geometry import pixel_size_from_header
from libtilt.cli.messages import say
from libtilt.cli.reading_options import given_to_read, reading_options
from libtilt.cli.running import (
    any_path,
    existing_path,
    input_file,
    one_line_errors,
    overwrite_option,
    with_options,
)
from libtilt.geometry.image_data import format_shape
from libtilt.io.image_files import read_image_header

formats = click.Choice(sorted(FORMATS))
OPTICS = ("voltage", "spherical_aberration", "amplitude_contrast", "hand")


@click.command()
@click.argument("source", metavar="IN", type=existing_path)
@click.argument("target", metavar="OUT", type=any_path)
@click.option("--stack", type=input_file, help="The raw stack: its header gives size and pixels.")
@click.option(
    "--stack-shape", nargs=3, type=int, metavar="N H W", help="Images, height and width instead."
)
@click.option("--pixel-size", type=float, help="Of the raw stack, in angstroms.")
@click.option(
    "--volume-shape", nargs=3, type=int, metavar="D H W", help="Of the tomogram, in its voxels."
)
@click.option("--voxel-size", type=float, help="Of the tomogram, in angstroms.")
@click.option(
    "--tilt-axis-angle", type=float, help="Degrees from y, in place of what IN says of the axis."
)
@click.option("--from", "from_format", type=formats, help="Format of IN, if its name does not say.")
@click.option("--to", "to_format", type=formats, help="Format of OUT, if its name does not say.")
@with_options(*reading_options)
@click.option(
    "--like",
    type=existing_path,
    help="A file in the format of OUT whose other contents are kept.",
)
@click.option("--voltage", type=float, help="For tomograms.star: kilovolts.")
@click.option("--spherical-aberration", type=float, help="For tomograms.star: millimeters.")
@click.option("--amplitude-contrast", type=float, help="For tomograms.star: between 0 and 1.")
@click.option("--hand", type=int, help="For tomograms.star: 1 or -1, RELION's rlnTomoHand.")
@click.option(
    "--tolerance",
    type=float,
    default=1e-2,
    show_default=True,
    help="By how many pixels a corner of the tomogram may move where OUT cannot hold all of IN.",
)
@with_options(overwrite_option)
@one_line_errors
def convert(source: Path, target: Path, **options: Any) -> None:
    """Convert an alignment: IMOD, AreTomo, RELION-5, Warp, mdoc, tilt angles, libtilt's .json.

    IN is a file or the folder of one alignment, OUT a file whose suffix says the format: .xf
    (with .tlt, .xtilt, tilt.com and newst.com beside it), .aln, .star, .xml, .mdoc, .tlt, .json.
    An OUT named tomograms.star is a project of RELION-5, with the series in tilt_series/ beside it.

    \b
    Examples:
      libtilt convert TS_01.aln TS_01.star --pixel-size 1.35 --volume-shape 2000 4092 5760
      libtilt convert etomo/TS_01/ TS_01.aln --stack etomo/TS_01/TS_01.st
      libtilt convert tomograms.star TS_01.xf --name TS_01 --stack TS_01.st
    """
    read_options = given_to_read(options)
    file = read_alignment_file(source, format=options["from_format"], **read_options)
    alignment = note_truncated_number(file.alignment(_sizes(options)), source)
    for text in alignment.warnings:
        say(f"warning: {text}", err=True)
    if options["stack"] is not None:
        alignment = attrs.evolve(alignment, stack_name=str(options["stack"]))
    alignment = _with_optics(alignment, target, options)
    like: Any = options["like"] and read_alignment_file(
        options["like"], format=options["to_format"]
    )
    save_alignment(
        alignment,
        target,
        format=options["to_format"],
        like=like,
        tolerance=options["tolerance"],
        overwrite=options["overwrite"],
    )
    used, count = len(alignment.views), alignment.stack_shape[0]
    tomogram = format_shape(alignment.volume_shape)
    say(
        f"{target}: {used} of {count} images, from {file.format}; tomogram of {tomogram} (z, y, x) "
        f"voxels of {alignment.voxel_size:.6g} A"
    )
    _report(alignment, target, like, options["to_format"])


def _sizes(options: dict[str, Any]) -> Sizes:
    """Return what the options, and the header of a stack, say of sizes."""
    stack_shape, pixel_size = options["stack_shape"], options["pixel_size"]
    if options["stack"] is not None:
        if stack_shape is not None:
            raise click.UsageError("give --stack or --stack-shape, not both")
        header = read_image_header(options["stack"])
        stack_shape = header.data.shape
        if pixel_size is None:
            pixel_size = pixel_size_from_header(options["stack"], header)
    return Sizes(
        stack_shape=stack_shape,
        pixel_size=pixel_size,
        volume_shape=options["volume_shape"],
        voxel_size=options["voxel_size"],
        tilt_axis_angle=options["tilt_axis_angle"],
    )


def _with_optics(alignment: Alignment, target: Path, options: dict[str, Any]) -> Alignment:
    given = {name: options[name] for name in OPTICS if options[name] is not None}
    if given and target.name != "tomograms.star":
        flag = next(iter(given)).replace("_", "-")
        raise click.UsageError(f"--{flag} is for an OUT named tomograms.star")
    acquisition = attrs.evolve(alignment.acquisition, **given)
    return attrs.evolve(alignment, acquisition=acquisition)


def _report(alignment: Alignment, target: Path, like: Any, to_format: str | None) -> None:
    """Say what was concluded, what is not written, and what RELION still wants."""
    for text in alignment.notes:
        say(f"note: {text}")
    for what in _forgotten(alignment, to_format or detect_format(target)):
        say(f"not written: {what}")
    for what in alignment.unsupported:
        say(f"unsupported: {what}")
    if target.name == "tomograms.star":
        for what in RelionAlignment.from_alignment(alignment, like=like).missing_for_relion:
            for name in OPTICS:
                what = what.replace(f"acquisition.{name}", f"--{name.replace('_', '-')}")
            say(f"RELION still wants {what}")


def _forgotten(alignment: Alignment, kind: str) -> list[str]:
    """Return what is known of how the images were taken, and a format has no place for."""
    holds = {
        "exposures": ("exposures", ("mdoc",)),
        "pre_exposures": ("pre-exposures", ("mdoc", "relion", "warp")),
        "times": ("order of acquisition", ("relion",)),
    }
    return [
        name
        for field, (name, formats) in holds.items()
        if kind not in formats
        and (values := getattr(alignment.acquisition, field)) is not None
        and np.isfinite(values).any()
    ]
