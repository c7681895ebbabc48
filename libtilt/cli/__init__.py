"""The command line, one file for each command."""

from __future__ import annotations

import logging
import os

import click

from libtilt.cli.backproject import backproject
from libtilt.cli.convert import convert
from libtilt.cli.demo import demo
from libtilt.cli.gif import gif
from libtilt.cli.info import info
from libtilt.cli.project import project
from libtilt.cli.reconstruct import reconstruct
from libtilt.cli.show import show


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


for command in (demo, info, project, backproject, reconstruct, convert, gif, show):
    app.add_command(command)
