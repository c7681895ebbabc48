"""Errors and warnings of commands, as one line each that names the options to change."""

from __future__ import annotations

import functools
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

import click

from libtilt.cli.messages import echo, echo_error

Command = Callable[..., None]

# Arguments whose option has another name.
_OPTION_OF_ARGUMENT = {
    "contrast": "limits",
    "cutoff": "radial",
    "position_xyz": "position",
    "entry": "emdb",
    "falloff": "radial",
    "pixel_size": "voxel_size",
    "views": "exclude",
    "width": "taper",
}
# Arguments that further options set, besides the option of the same name.
_FURTHER_OPTIONS = {
    "exclude_views": ("exclude",),
    "format": ("from", "to"),
    "geometry": ("alignment", "tlt", "tilt_range"),
    "nan": ("ignore_nan",),
    "replace_outliers": ("remove_xrays",),
    "stack_shape": ("stack",),
}


def one_line_errors(command: Command) -> Command:
    """Turn exceptions of a command into one line on stderr and exit code 1."""

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
                said = error.strerror if error.filename is None and error.strerror else str(error)
                _fail(_append_flags(said, error))
            except (ArithmeticError, ImportError, LookupError, TypeError, ValueError) as error:
                _fail(_append_flags(_prefix_flag(str(error)), error))

    return run


def _append_flags(message: str, error: Warning | Exception) -> str:
    """Append the options of this command that set the arguments named by an error."""
    context = click.get_current_context(silent=True)
    names = getattr(error, "arguments", ()) or re.findall(r"\b([a-z_]+)=", message)
    if context is None:
        return message
    options = {
        name: opt
        for param in context.command.params
        if isinstance(param, click.Option)
        # An argument has the name of the option, or one of its spellings, which then stands here.
        for name, opt in (
            (param.name, param.opts[0]),
            *((opt.lstrip("-").replace("-", "_"), opt) for opt in param.opts),
        )
    }
    wanted = [other for name in names for other in (name, *_FURTHER_OPTIONS.get(name, ()))]
    flags = dict.fromkeys(options[name] for name in wanted if name in options)
    missing = [flag for flag in flags if not re.search(rf"{flag}\b", message)]
    return f"{message} ({', '.join(missing)})" if missing else message


def _prefix_flag(message: str) -> str:
    """Prefix a message that begins with an argument by the option that was given for it."""
    context = click.get_current_context(silent=True)
    name = re.match(r"[a-z_]+", message)
    if context is None or name is None:
        return message
    options = {param.name: param for param in context.command.params}
    option = options.get(name[0]) or options.get(_OPTION_OF_ARGUMENT.get(name[0], ""))
    if not isinstance(option, click.Option) or context.params.get(option.name or "") is None:
        return message
    return f"{option.opts[0]}: {message}"


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    text = _append_flags(str(message), message) if isinstance(message, Warning) else message
    echo(f"warning: {text}", err=True)


def _fail(message: str) -> None:
    echo_error(message)
    sys.exit(1)
