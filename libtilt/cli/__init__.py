"""The command line, one file for each command."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

from libtilt.cli.messages import print_log
from libtilt.cli.usage import one_line_usage_errors

_COMMANDS = {
    "demo": "Project a map to a tilt series, reconstruct a tomogram, and animate all three.",
    "info": "Print size, values and geometry of an image file, or the tilts of an alignment.",
    "project": "Project a volume to a tilt series, by default from -60 to 60 degrees in steps of "
    "3.",
    "backproject": "Backproject a tilt series to a tomogram, without a filter.",
    "reconstruct": "Reconstruct a tomogram from a tilt series.",
    "convert": "Convert an alignment to the format of another program.",
    "gif": "Animate volumes and tilt series, alone or side by side.",
    "show": "Draw a volume or a tilt series as a figure with a scale bar.",
    "warm": "Compile the kernels of the numba backend in advance.",
}
"""Modules of this folder, and the first sentence of each command's help."""


def _share(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Keep an option where the contexts of `app` and of its command both find it."""
    if not value:
        return
    ctx.meta[f"libtilt.{param.name}"] = True
    if {"libtilt.quiet", "libtilt.verbose"} <= ctx.meta.keys():
        raise click.UsageError("use --quiet or --verbose, not both", ctx)
    if param.name == "verbose":
        print_log()


def _output_option(*names: str, text: str) -> click.Option:
    # Before the other options, whose checks already print notes.
    shared: dict[str, Any] = {"expose_value": False, "is_eager": True, "callback": _share}
    return click.Option(names, is_flag=True, help=text, **shared)


_output_options = (
    _output_option("-q", "--quiet", text="Print only results and errors."),
    _output_option(
        "-v",
        "--verbose",
        text="Also print what is taken for granted: backend, grids, tilt axis.",
    ),
)
"""Options that stand before or after the name of a command."""


class _Commands(click.Group):
    """Commands that are imported when run, so that help and usage errors are fast."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with one_line_usage_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with one_line_usage_errors(ctx):
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"libtilt.cli.{cmd_name}"), cmd_name)
        if _output_options[0] not in command.params:
            command.params += _output_options
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="libtilt", prog_name="libtilt")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Number of threads; by default LIBTILT_THREADS, else one per processor.",
)
def app(threads: int | None) -> None:
    """Project volumes to tilt series, reconstruct tomograms, and draw or animate them.

    \b
    Examples:
      libtilt demo
      libtilt info map.mrc
      libtilt project map.mrc --tilt-range -60 60 3 -o tilts.mrc
      libtilt reconstruct tilts.mrc --thickness 128 -o tomogram.mrc
      libtilt convert TS_01.aln TS_01.star --pixel-size 1.35 --volume-shape 2000 4092 5760
      libtilt gif tomogram.mrc -o tomogram.gif
      libtilt show tomogram.mrc
    """
    if threads is not None:
        os.environ["LIBTILT_THREADS"] = str(threads)


app.params[:0] = _output_options
