"""What commands say: text from files made harmless, quiet and verbose runs."""

from __future__ import annotations

import re
from typing import Any

import click

# What moves a terminal's cursor, rings or recolors it, or turns the direction of writing.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Return text with control characters as escapes: files may hold any.

    Examples
    --------
    >>> from libtilt.cli.messages import printable
    >>> printable("TS\x1b[2J_01")
    'TS\\x1b[2J_01'
    """
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


class PipeClosed(BaseException):
    """Whoever read what a command prints has left."""


def say(text: str, *, err: bool = False) -> None:
    """Print a result; notes and warnings go to stderr, and not at all in a quiet run."""
    if err and is_quiet():
        return
    try:
        click.echo(printable(text), err=err)
    except BrokenPipeError as error:
        raise PipeClosed from error


def fail(text: str) -> None:
    """Print an error in one line on stderr, in a quiet run too."""
    click.echo(f"error: {printable(' '.join(text.split()))}", err=True)


def is_quiet() -> bool:
    """Whether the command line was told to print results and errors alone."""
    return bool(_of_group("quiet"))


def _of_group(name: str) -> Any:
    context = click.get_current_context(silent=True)
    return None if context is None else context.find_root().params.get(name)
