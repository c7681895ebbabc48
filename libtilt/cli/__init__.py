"""The command line, one file for each command."""

from __future__ import annotations

import logging
import os
from importlib import import_module

import click

_COMMANDS = {
    "demo": "Go from a map to its tilt series and back to a tomogram, with a GIF of each.",
    "info": "Say what an image file (MRC, TIFF, HDF5) holds, and what is odd about its header.",
    "project": "Project a volume into a tilt series, by default every 3 degrees over +-60.",
    "backproject": "Backproject a tilt series into a tomogram, without any filter.",
    "reconstruct": "Reconstruct a tomogram from a tilt series.",
    "convert": "Convert an alignment: IMOD, AreTomo, RELION-5, Warp, mdoc, tilt angles, libtilt's "
    ".json.",
    "gif": "Animate volumes and tilt series, several beside each other.",
    "show": "Draw a volume or a tilt series as a figure with a scale bar.",
    "warm": "Compile the kernels of the numba backend ahead, into the folder where Numba keeps "
    "them.",
}
"""Names of the files beside this one, and the first sentence of each command's own help."""


class _Commands(click.Group):
    """Commands that are imported when they are run, so that help and mistakes answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"libtilt.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="libtilt", prog_name="libtilt")
@click.option("-q", "--quiet", is_flag=True, help="Print results and errors alone.")
@click.option("-v", "--verbose", is_flag=True, help="Print what the library logs, too.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads to compute with, in place of LIBTILT_THREADS and of all processors.",
)
def app(quiet: bool, verbose: bool, threads: int | None) -> None:
    """Project volumes into tilt series, reconstruct them, and show both.

    \b
    Examples:
      libtilt demo
      libtilt info map.mrc
      libtilt project map.mrc --tilt-range -60 60 3 -o tilts.mrc
      libtilt reconstruct tilts.mrc --thickness 128 -o tomogram.mrc
      libtilt convert TS_01.aln TS_01.star --pixel-size 1.35 --volume-shape 2000 4092 5760
      libtilt gif tomogram.mrc -o tomogram.gif
      libtilt show tomogram.mrc -o slices.png
    """
    if quiet and verbose:
        raise click.UsageError("give --quiet or --verbose, not both")
    if threads is not None:
        os.environ["LIBTILT_THREADS"] = str(threads)
    if verbose:
        logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
        logging.getLogger("libtilt").setLevel(logging.DEBUG)
