"""Messages of commands on stdout and stderr."""

from __future__ import annotations

import logging
import re
import sys

import click

# Terminal control (cursor, bell, color) and marks of the writing direction.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_ASCII_UNITS = str.maketrans({"Å": "A", "°": " deg", "²": "^2", "\N{MINUS SIGN}": "-"})

signals_received: list[int] = []
"""Signals that asked the process to end; an error after one is its consequence, not printed."""


def printable(text: str) -> str:
    """Return text with control characters, which may come from files, as escapes."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


class PipeClosed(BaseException):
    """The reader of a command's output has closed the pipe."""


def echo(text: str, *, err: bool = False) -> None:
    """Print a result; with `err`, print a note or warning on stderr unless the run is quiet."""
    if (err and is_quiet()) or (sys.stderr if err else sys.stdout) is None:
        return
    try:
        click.echo(_encodable(printable(text), err=err), err=err)
    except BrokenPipeError as error:
        raise PipeClosed from error


def echo_error(text: str) -> None:
    """Print an error as one line on stderr, also in a quiet run."""
    if not signals_received:
        line = f"error: {printable(' '.join(text.split()))}"
        click.echo(_encodable(line, err=True), err=True)


def _encodable(text: str, *, err: bool) -> str:
    """Return text that the stream can encode: units in ASCII and escapes where it cannot."""
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_ASCII_UNITS).encode(encoding, "backslashreplace").decode(encoding)
    return text


class _LogPrinter(logging.Handler):
    """Prints records of the library as other notes of a command."""

    def emit(self, record: logging.LogRecord) -> None:
        echo(f"{record.name}: {record.getMessage()}", err=True)


def print_log() -> None:
    """Print the log of the library on stderr from now on."""
    logger = logging.getLogger("libtilt")
    logger.setLevel(logging.DEBUG)
    if not any(isinstance(handler, _LogPrinter) for handler in logger.handlers):
        logger.addHandler(_LogPrinter())


def shows_progress() -> bool:
    """Whether commands show bars: unless the run is quiet."""
    return not is_quiet()


def is_quiet() -> bool:
    """Whether the command line has the option ``--quiet``."""
    context = click.get_current_context(silent=True)
    return context is not None and "libtilt.quiet" in context.meta
