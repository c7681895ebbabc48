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
from libtilt.cli.wording import arguments_to_options, begin_with_option, flags_of, options_of

Command = Callable[..., None]


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
                _fail(_with_options(said, error))
            except (ArithmeticError, ImportError, LookupError, TypeError, ValueError) as error:
                _fail(_with_options(_begin_with_given_option(str(error)), error))

    return run


def _with_options(message: str, error: Warning | Exception) -> str:
    """Return a message that names options of this command in place of arguments.

    Options for arguments that the message does not name are appended.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return message
    options = options_of(context.command)
    if context.params.get("stack") is not None:
        options.pop("stack", None)  # It lacks what is missing.
    message = arguments_to_options(message, options)
    flags = (flag for name in getattr(error, "arguments", ()) for flag in flags_of(name, options))
    missing = [flag for flag in flags if not re.search(rf"{flag}(?![\w-])", message)]
    return f"{message} ({', '.join(missing)})" if missing else message


def _begin_with_given_option(message: str) -> str:
    """Name the option in a message that begins with an argument, if it was given."""
    context = click.get_current_context(silent=True)
    if context is None:
        return message
    options = options_of(context.command)
    given = {k: o for k, o in options.items() if context.params.get(o.name or "") is not None}
    for option in given.values() if message.startswith("path must ") else ():
        if message.endswith(f" {context.params[option.name or '']}"):
            return begin_with_option(message, {"path": option})
    return begin_with_option(message, given)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    text = _with_options(str(message), message) if isinstance(message, Warning) else message
    echo(f"warning: {' '.join(text.split())}", err=True)


def _fail(message: str) -> None:
    echo_error(message)
    sys.exit(1)
