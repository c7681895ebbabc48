"""What the commands share: one-line errors and warnings, and common options."""

from __future__ import annotations

import functools
import math
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import click
import numpy as np

from libtilt.alignment import Alignment, open_alignment
from libtilt.alignment.beside_stack import read_tilt_angles
from libtilt.alignment.plausible import LARGEST_TILT, MAX_IMAGES
from libtilt.alignment.stack_geometry import pixel_size_from_header
from libtilt.backends.registry import available_backends
from libtilt.cli.messages import fail, is_quiet, say
from libtilt.cli.reading_options import given_to_read, reading_options
from libtilt.errors import MissingArgumentError
from libtilt.geometry import TiltGeometry
from libtilt.io.image_files import read_image_header
from libtilt.tilt_series import TiltSeries

Command = Callable[..., None]

_MOST_BYTES = 2**40
# Options that are named otherwise than the arguments that they are passed as.
_ARGUMENTS = {
    "contrast": "limits",
    "cutoff": "radial",
    "entry": "emdb",
    "falloff": "radial",
    "pixel_size": "voxel_size",
    "views": "exclude",
    "width": "taper",
}
# Options that mend an argument, besides those that are named as it is.
_OPTIONS = {
    "geometry": ("alignment", "tlt"),
    "stack_shape": ("stack",),
    "tilt_angles": ("tlt", "tilt_range"),
}


class NamedPath(click.Path):
    """A path that is not empty, which would be the working folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if not os.fspath(value):
            self.fail("it is empty: name a file", param, ctx)
        return super().convert(value, param, ctx)


input_file = NamedPath(exists=True, dir_okay=False, path_type=Path)
output_file = NamedPath(dir_okay=False, path_type=Path)
any_path = NamedPath(path_type=Path)
existing_path = NamedPath(exists=True, path_type=Path)

output_option = click.option(
    "-o", "--output", type=output_file, required=True, help="File to write."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace existing files.")
backend_option = click.option(
    "--backend", default="auto", show_default=True, help="How to compute: a registered name."
)
spacing_option = click.option(
    "--voxel-size",
    "--pixel-size",
    "voxel_size",
    type=float,
    help="Angstroms, in place of what the file's header says.",
)
tilt_options = (
    click.option(
        "--tilt-range",
        nargs=3,
        type=float,
        metavar="FIRST LAST STEP",
        help="Tilt angles in degrees, the last one included.",
    ),
    click.option(
        "--tlt", type=input_file, help="Text file with one tilt angle in degrees per line."
    ),
    click.option(
        "--tilt-axis-angle",
        type=float,
        help="Angle of the tilt axis from the images' y axis, in degrees, in place of what a file "
        "says; 0 where none says it.",
    ),
)


alignment_options = (
    click.option(
        "--alignment",
        type=existing_path,
        help="By IMOD, AreTomo, RELION-5 or Warp: a file, or the folder of one series.",
    ),
    *reading_options,
)


tomogram_options = (
    click.option(
        "--thickness",
        type=click.IntRange(min=1, max=65_536),
        help="Voxels along z; by default as many as the images are wide.",
    ),
    click.option(
        "--volume-shape",
        nargs=3,
        type=click.IntRange(min=1),
        metavar="D H W",
        help="Voxels along z, y and x; by default as high and wide as the images.",
    ),
)


def one_line_errors(command: Command) -> Command:
    """Turn what a command raises into one line on stderr and exit code 1."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            try:
                command(*args, **kwargs)
            except MemoryError:
                _fail("not enough memory; try a smaller or binned volume")
            except BrokenPipeError:
                raise
            except OSError as error:
                _fail(error.strerror if error.filename is None and error.strerror else str(error))
            except (ArithmeticError, ImportError, LookupError, TypeError, ValueError) as error:
                _fail(_with_flags(_with_option(str(error)), error))

    return run


def _with_flags(message: str, error: Warning | Exception) -> str:
    """Name the options of this command that are the arguments which mend an error."""
    context = click.get_current_context(silent=True)
    names = getattr(error, "arguments", ()) or re.findall(r"\b([a-z_]+)=", message)
    if context is None:
        return message
    options = {
        name: param.opts[0]
        for param in context.command.params
        if isinstance(param, click.Option)
        # An argument may be named as its option is, or as another spelling of it.
        for name in (param.name, *(opt.lstrip("-").replace("-", "_") for opt in param.opts))
    }
    wanted = [other for name in names for other in (name, *_OPTIONS.get(name, ()))]
    flags = dict.fromkeys(options[name] for name in wanted if name in options)
    missing = [flag for flag in flags if not re.search(rf"{flag}\b", message)]
    return f"{message} ({', '.join(missing)})" if missing else message


def _with_option(message: str) -> str:
    """Put the option in front of a message that begins with the argument that it was for."""
    context = click.get_current_context(silent=True)
    name = re.match(r"[a-z_]+", message)
    if context is None or name is None:
        return message
    options = {param.name: param for param in context.command.params}
    option = options.get(name[0]) or options.get(_ARGUMENTS.get(name[0], ""))
    if not isinstance(option, click.Option) or context.params.get(option.name or "") is None:
        return message
    return f"{option.opts[0]}: {message}"


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Apply several click options to a command, in the order of its help."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def geometry_from_options(
    tilt_range: tuple[float, float, float] | None,
    tlt: Path | None,
    tilt_axis_angle: float | None,
) -> TiltGeometry | None:
    """Return the geometry that the options describe, or None where they give no angles."""
    angles = angles_from_options(tilt_range, tlt)
    if angles is None:
        return None
    if isinstance(angles, Path):
        angles = read_tilt_angles(angles)
    return TiltGeometry.from_tilt_angles(angles, tilt_axis_angle=tilt_axis_angle or 0.0)


def angles_from_options(tilt_range: tuple[float, float, float] | None, tlt: Path | None) -> Any:
    """Return tilt angles, or the file that holds them, or None where no option gives them."""
    if tilt_range is not None and tlt is not None:
        raise click.UsageError("give --tilt-range or --tlt, not both")
    return tlt if tilt_range is None else tilt_angles(*tilt_range)


def listed(tlt: Path | None) -> dict[str, Any]:
    """Return what opens a series with a list of tilt angles, whatever the name of its file."""
    return {} if tlt is None else {"geometry": tlt, "format": "angles"}


def open_tilts(
    tilts: Path, angles: tuple[Any, Any, Any], options: dict[str, Any]
) -> tuple[TiltSeries, dict[str, Any]]:
    """Open a stack as the options say; return also the shape and voxel size of its tomogram.

    `angles` are the values of `tilt_options`.
    """
    thickness, volume_shape = options["thickness"], options["volume_shape"]
    if thickness is not None and volume_shape is not None:
        raise click.UsageError("give --thickness or --volume-shape, not both")
    for name in ("thickness", "volume_shape"):
        if options[name] is not None and 4.0 * np.prod(options[name], dtype=float) > _MOST_BYTES:
            flag = name.replace("_", "-")
            raise click.UsageError(f"--{flag} {options[name]} is larger than any memory")
    tilt_range, tlt, tilt_axis_angle = angles
    sizes = {"pixel_size": options["pixel_size"], "tilt_axis_angle": tilt_axis_angle}
    reading = given_to_read(options)
    if options["alignment"] is not None:
        if tilt_range is not None or tlt is not None:
            raise click.UsageError("--alignment holds the tilt angles: give no others")
        series, alignment = open_aligned(
            tilts,
            options["alignment"],
            reading,
            thickness=thickness,
            volume_shape=volume_shape,
            **sizes,
        )
        shape = alignment.volume_shape
        return series, {"volume_shape": shape, "voxel_size": alignment.voxel_size}
    if reading:
        raise click.UsageError(f"--{next(iter(reading)).replace('_', '-')} needs --alignment")
    degrees = angles_from_options(tilt_range, tlt)
    given = listed(tlt) if degrees is tlt else {"geometry": degrees}
    series = TiltSeries.open(tilts, **given, **sizes)
    _, height, width = series.shape
    return series, {"volume_shape": volume_shape or (thickness or width, height, width)}


def open_aligned(
    tilts: Path,
    alignment: Path,
    reading: dict[str, Any],
    *,
    thickness: int | None,
    volume_shape: tuple[int, int, int] | None,
    pixel_size: float | None,
    tilt_axis_angle: float | None,
) -> tuple[TiltSeries, Alignment]:
    """Open a stack with the alignment of another program, which knows the tomogram."""
    content = read_image_header(tilts)
    pixel = pixel_size_from_header(tilts, content) if pixel_size is None else pixel_size
    shape = content.data.shape
    open_sized = functools.partial(
        open_alignment,
        alignment,
        stack_shape=shape,
        pixel_size=pixel,
        tilt_axis_angle=tilt_axis_angle,
        **reading,
    )
    try:
        opened = open_sized(volume_shape=volume_shape)
    except MissingArgumentError:
        if thickness is None:
            raise
        opened = open_sized(volume_shape=(thickness, *shape[1:]))
    if thickness is not None:
        # About the same center, whatever thickness the alignment says.
        opened = attrs.evolve(opened, volume_shape=(thickness, *opened.volume_shape[1:]))
    echo_notes(opened, str(alignment))
    return TiltSeries.open(tilts, geometry=opened, pixel_size=pixel_size), opened


def echo_notes(alignment: Alignment, source: str) -> None:
    """Say on stderr what was concluded from an alignment, and what of it is not used."""
    for text in alignment.notes:
        say(f"note: {text}", err=True)
    for what in alignment.unsupported:
        say(f"{source}: unsupported: {what}", err=True)


def tilt_angles(first: float, last: float, step: float) -> Any:
    """Return the angles from first to last, both included where the step allows."""
    if not 0 < step < math.inf or not last >= first or not math.isfinite(last - first):
        raise click.UsageError(
            f"--tilt-range must rise by a positive step, got {first:g} {last:g} {step:g}"
        )
    if max(-first, last) > LARGEST_TILT:
        raise click.UsageError(
            f"--tilt-range must lie within {LARGEST_TILT:g} degrees of 0, got {first:g} {last:g}"
        )
    count = math.floor(min((last - first) / step, MAX_IMAGES) + 1e-9) + 1
    if count > MAX_IMAGES:
        raise click.UsageError(
            f"--tilt-range must give at most {MAX_IMAGES} angles, got {first:g} {last:g} {step:g}"
        )
    return first + step * np.arange(count)


def require_backend(name: str) -> str:
    """Return the name of a backend, or fail before any file is read."""
    if name not in available_backends():
        raise click.BadParameter(
            f"{name!r} is not installed; choose from {', '.join(available_backends())}",
            param_hint="--backend",
        )
    if name in ("auto", "numba"):
        _announce_compiling()
    return name


def _announce_compiling() -> None:
    """Say on stderr when kernels are compiled, so that nobody takes the wait for a hang."""
    try:
        from libtilt.backends.numba.kernels.compiled import on_first_compilation
    except Exception:  # A numba that is broken fails in any way, and is warned of where it is used.
        return
    # Kernels are compiled on other threads too, which know nothing of the command.
    if not is_quiet():
        on_first_compilation(lambda: say("compiling kernels, once on this machine ...", err=True))


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    text = _with_flags(str(message), message) if isinstance(message, Warning) else message
    say(f"warning: {text}", err=True)


def _fail(message: str) -> None:
    fail(message)
    sys.exit(1)
