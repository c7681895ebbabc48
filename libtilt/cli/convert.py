"""``libtilt convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click
import numpy as np

from libtilt.alignment import (
    Alignment,
    AlignmentFile,
    RelionAlignment,
    Sizes,
    detect_format,
    read_alignment_file,
    save_alignment,
)
from libtilt.alignment.opening import FORMATS, note_truncated_number
from libtilt.alignment.relion.paths import name_in_project
from libtilt.alignment.saving import TOLERANCE
from libtilt.cli.errors import one_line_errors
from libtilt.cli.messages import echo
from libtilt.cli.options import (
    any_path,
    existing_path,
    input_file,
    overwrite_option,
    refuse_both,
    with_options,
)
from libtilt.cli.reader_options import given_reader_options, reader_options
from libtilt.cli.stack_beside import sizes_of, stack_beside
from libtilt.errors import MissingArgumentError
from libtilt.geometry.image_data import format_shape

formats = click.Choice(sorted(FORMATS), case_sensitive=False)
OPTICS = ("voltage", "spherical_aberration", "amplitude_contrast", "hand")


@click.command()
@click.argument("source", metavar="IN", type=existing_path)
@click.argument("target", metavar="OUT", type=any_path)
@click.option(
    "--stack",
    type=input_file,
    help="Raw stack, whose header gives the image size and the pixel size; by default, where these "
    "are missing, the stack beside IN with its name.",
)
@click.option(
    "--stack-shape",
    nargs=3,
    type=int,
    metavar="N H W",
    help="Number, height and width of the raw images, as an alternative to --stack.",
)
@click.option("--pixel-size", type=float, help="Pixel size of the raw stack in angstroms.")
@click.option(
    "--volume-shape",
    nargs=3,
    type=int,
    metavar="D H W",
    help="Size of the tomogram in voxels along z, y and x.",
)
@click.option("--voxel-size", type=float, help="Voxel size of the tomogram in angstroms.")
@click.option(
    "--tilt-axis-angle",
    type=float,
    help="Angle from the images' y axis to the tilt axis, in degrees; by default that of IN.",
)
@click.option(
    "--from",
    "from_format",
    type=formats,
    help="Format of IN; by default detected from its name or its files.",
)
@click.option(
    "--to", "to_format", type=formats, help="Format of OUT; by default detected from its name."
)
@with_options(*reader_options)
@click.option(
    "--like",
    type=existing_path,
    help="File in the format of OUT from which to copy all other values.",
)
@click.option("--voltage", type=float, help="For tomograms.star: voltage in kilovolts.")
@click.option(
    "--spherical-aberration",
    type=float,
    help="For tomograms.star: spherical aberration in millimeters.",
)
@click.option(
    "--amplitude-contrast", type=float, help="For tomograms.star: amplitude contrast, 0 to 1."
)
@click.option("--hand", type=int, help="For tomograms.star: handedness (rlnTomoHand), 1 or -1.")
@click.option(
    "--tolerance",
    type=float,
    default=TOLERANCE,
    show_default=True,
    help="Largest error in pixels of the projected corners of the tomogram, if OUT cannot "
    "represent IN exactly.",
)
@with_options(overwrite_option)
@one_line_errors
def convert(source: Path, target: Path, **options: Any) -> None:
    """Convert an alignment to the format of another program.

    IN is a file or the folder of one alignment. The suffix of OUT selects the format: .xf (IMOD,
    with .tlt, .xtilt, tilt.com and newst.com beside it), .aln (AreTomo), .star (RELION-5), .xml
    (Warp), .mdoc, .tlt (tilt angles) or .json (libtilt). An OUT named tomograms.star
    makes a RELION-5 project, with the series in the folder tilt_series/ beside it.

    \b
    Examples:
      libtilt convert TS_01.aln TS_01.star --pixel-size 1.35 --volume-shape 2000 4092 5760
      libtilt convert etomo/TS_01/ TS_01.aln --stack etomo/TS_01/TS_01.st
      libtilt convert tomograms.star TS_01.xf --name TS_01 --stack TS_01.st
    """
    read_options = given_reader_options(options)
    file = read_alignment_file(source, format=options["from_format"], **read_options)
    alignment = note_truncated_number(_complete(file, source, options), source)
    for text in alignment.warnings:
        echo(f"warning: {text}", err=True)
    if options["stack"] is not None:
        alignment = attrs.evolve(alignment, stack_name=str(options["stack"]))
    alignment = _add_optics(alignment, target, options)
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
    echo(
        f"{target}: {used} of {count} images, from {file.format}; tomogram of {tomogram} (z, y, x) "
        f"voxels of {alignment.voxel_size:.6g} Å"
    )
    _report(alignment, target, like, options["to_format"])


def _complete(file: AlignmentFile, source: Path, options: dict[str, Any]) -> Alignment:
    """Return the alignment; the stack beside it gives sizes that neither file nor options have."""
    sizes = _sizes(options)
    try:
        return file.alignment(sizes)
    except MissingArgumentError:
        given = options["stack"] is not None or options["stack_shape"] is not None
        stack = None if given else stack_beside(source)
        if stack is None:
            raise
    found = sizes_of(stack)
    alignment = file.alignment(
        attrs.evolve(
            sizes,
            stack_shape=found.stack_shape,
            pixel_size=sizes.pixel_size or found.pixel_size,
        )
    )
    echo(f"sizes of the images from {stack}, beside the alignment", err=True)
    return attrs.evolve(alignment, stack_name=alignment.stack_name or str(stack))


def _sizes(options: dict[str, Any]) -> Sizes:
    """Return the sizes given by options and by the header of the stack."""
    refuse_both(options, "stack", "stack_shape")
    stack_shape, pixel_size = options["stack_shape"], options["pixel_size"]
    if options["stack"] is not None:
        found = sizes_of(options["stack"])
        stack_shape = found.stack_shape
        pixel_size = found.pixel_size if pixel_size is None else pixel_size
    return Sizes(
        stack_shape=stack_shape,
        pixel_size=pixel_size,
        volume_shape=options["volume_shape"],
        voxel_size=options["voxel_size"],
        tilt_axis_angle=options["tilt_axis_angle"],
    )


def _add_optics(alignment: Alignment, target: Path, options: dict[str, Any]) -> Alignment:
    given = {name: options[name] for name in OPTICS if options[name] is not None}
    if given and target.name != "tomograms.star":
        flag = next(iter(given)).replace("_", "-")
        raise click.UsageError(f"--{flag} applies only to an OUT named tomograms.star")
    acquisition = attrs.evolve(alignment.acquisition, **given)
    return attrs.evolve(alignment, acquisition=acquisition)


def _report(alignment: Alignment, target: Path, like: Any, to_format: str | None) -> None:
    """Print notes, values that are not written, and values that RELION still requires."""
    for note in alignment.notes:
        echo(f"note: {note}")
    for item in _unwritten_fields(alignment, to_format or detect_format(target)):
        echo(f"not written: {item}")
    for item in alignment.unsupported:
        echo(f"not supported, ignored: {item}")
    if target.name == "tomograms.star":
        name = name_in_project(alignment.stack_name or "stack.mrc", target)
        written = attrs.evolve(alignment, stack_name=name)
        for item in RelionAlignment.from_alignment(written, like=like).missing_for_relion:
            for name in OPTICS:
                item = item.replace(f"acquisition.{name}", f"--{name.replace('_', '-')}")
            echo(f"RELION still requires {item}")


def _unwritten_fields(alignment: Alignment, kind: str) -> list[str]:
    """Return the known acquisition data that the format `kind` cannot store."""
    storable = {
        "exposures": ("exposures", ("mdoc",)),
        "pre_exposures": ("pre-exposures", ("mdoc", "relion", "warp")),
        "times": ("order of acquisition", ("relion",)),
    }
    return [
        name
        for field, (name, formats) in storable.items()
        if kind not in formats
        and (values := getattr(alignment.acquisition, field)) is not None
        and np.isfinite(values).any()
    ]
