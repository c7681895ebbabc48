"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from libtilt.backends.registry import available_backends
from libtilt.cli.messages import echo, is_quiet
from libtilt.cli.reader_options import reader_options
from libtilt.cli.wording import alternatives


class NonEmptyPath(click.Path):
    """A path that is not empty, because an empty one would mean the working folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if not os.fspath(value):
            self.fail("the path is empty; name a file", param, ctx)
        return super().convert(value, param, ctx)


def _require_backend(_: Any, __: Any, name: str) -> str:
    """Return the name of a known backend, or fail before any file is read."""
    if name not in available_backends():
        raise click.BadParameter(
            f"{name!r} is not a known backend; choose from {', '.join(available_backends())}",
            param_hint="--backend",
        )
    if name in ("auto", "numba"):
        announce_kernel_compilation()
    return name


def announce_kernel_compilation() -> None:
    """Print a line on stderr when kernels are compiled, to explain the wait."""
    try:
        from libtilt.backends.numba.kernels.compiled import on_first_compilation
    except Exception:  # A broken numba raises anything; a warning follows where it is used.
        return
    # Decided here: other threads, which also compile kernels, have no click context.
    if not is_quiet():
        on_first_compilation(lambda: echo("compiling kernels (once per machine) ...", err=True))


input_file = NonEmptyPath(exists=True, dir_okay=False, path_type=Path)
output_file = NonEmptyPath(dir_okay=False, path_type=Path)
any_path = NonEmptyPath(path_type=Path)
existing_path = NonEmptyPath(exists=True, path_type=Path)

output_option = click.option(
    "-o", "--output", type=output_file, required=True, help="MRC file to write."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace existing files.")
backend_option = click.option(
    "--backend",
    default="auto",
    show_default=True,
    callback=_require_backend,
    help="Backend that computes projections: auto (the fastest installed), numba, scipy, sparse, "
    "fourier, or another registered one.",
)
voxel_size_option = click.option(
    "--voxel-size",
    "--pixel-size",
    "voxel_size",
    type=float,
    help="Voxel or pixel size in angstroms; by default that of the file header.",
)
pixel_size_option = click.option(
    "--pixel-size",
    type=float,
    help="Pixel size of the images in angstroms; by default that of the file header.",
)
tlt_option = click.option(
    "--tlt", type=input_file, help="Text file with one tilt angle in degrees per line."
)
tilt_options = (
    click.option(
        "--tilt-range",
        nargs=3,
        type=float,
        metavar="FIRST LAST STEP",
        help="First and last tilt angle and the step between angles, in degrees.",
    ),
    tlt_option,
    click.option(
        "--tilt-axis-angle",
        type=float,
        help="Angle from the images' y axis to the tilt axis, in degrees; by default that of "
        "the geometry file, else 0.",
    ),
)
alignment_options = (
    click.option(
        "--alignment",
        type=existing_path,
        help="Alignment by IMOD, AreTomo, RELION-5 or Warp: a file, or the folder of one series.",
    ),
    *reader_options,
)
tomogram_options = (
    click.option(
        "--thickness",
        type=click.IntRange(min=1, max=65_536),
        help="Thickness of the tomogram along z in voxels; by default the width of the images.",
    ),
    click.option(
        "--volume-shape",
        nargs=3,
        type=click.IntRange(min=1),
        metavar="D H W",
        help="Size of the tomogram in voxels along z, y and x; by default the width, height and "
        "width of the images.",
    ),
)


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Apply several click options to a command, in the order of its help."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def refuse_both(options: Mapping[str, Any], first: str, second: str) -> None:
    """Raise a usage error if two mutually exclusive options are given."""
    if all(options[name] is not None and options[name] is not False for name in (first, second)):
        flags = (f"--{name.replace('_', '-')}" for name in (first, second))
        raise click.UsageError(f"use {' or '.join(flags)}, not both")


def require_owner(name: str, owners: Sequence[str], chosen: Collection[str], choice: str) -> None:
    """Raise a usage error if an option belongs to none of the chosen looks, methods or kinds."""
    if not set(owners) & set(chosen):
        raise click.UsageError(
            f"--{name.replace('_', '-')} belongs to --{choice} {alternatives(owners)}, not to "
            f"{' and '.join(sorted(chosen))}"
        )
