"""Opening files for reading: regular files of a plausible size, and no others."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

TEXT_LIMIT = 256 * 2**20
_KINDS = {
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
# A pipe without a writer would keep whoever opens it waiting for ever.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)


@contextmanager
def open_input(path: str | Path, *, limit: int | None = None) -> Iterator[IO[bytes]]:
    """Open a regular file for reading, also through links.

    Parameters
    ----------
    path : path
        The file.
    limit : int, optional
        The most bytes that a file of its kind can have; None where the size says nothing.

    Yields
    ------
    binary file
        At its beginning.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IsADirectoryError
        If it is a folder.
    ValueError
        If it is a pipe, a socket or a device, or larger than `limit`. A ValueError that is raised
        while it is open begins with its name, if it did not hold it already.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.io.inputs import open_input
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.txt"
    ...     _ = path.write_text("-3 0 3")
    ...     with open_input(path, limit=100) as file:
    ...         file.read()
    b'-3 0 3'
    """
    with os.fdopen(_open_regular(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if limit is not None and size > limit:
            raise ValueError(
                f"{path} has {size / 2**20:.0f} MB, more than the {limit / 2**20:.0f} MB that a "
                "file of its kind can have: is it the right file?"
            )
        try:
            yield file
        except ValueError as error:
            if str(path) in str(error):
                raise
            raise ValueError(f"{path}: {error}") from error


def _open_regular(path: str | Path) -> int:
    """Return the descriptor of a regular file; nothing is looked at that is not open already."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        # A socket cannot be opened, and a folder not on every system.
        _require_regular(path, Path(path).stat().st_mode)
        raise
    try:
        _require_regular(path, os.fstat(descriptor).st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(path: str | Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"cannot read {path}: it is a folder, name a file in it")
    for is_kind, name in _KINDS.items():
        if is_kind(mode):
            raise ValueError(f"{path} is {name}: expected a regular file, save it as one first")


def read_input(path: str | Path, *, limit: int = TEXT_LIMIT) -> bytes:
    """Return the bytes of a regular file of limited size, as `open_input` opens it.

    Parameters
    ----------
    path : path
        The file.
    limit : int, optional
        The most bytes that it can have; by default those of a text.

    Returns
    -------
    bytes

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no regular file, or larger than `limit`.

    Examples
    --------
    See `open_input`.
    """
    with open_input(path, limit=limit) as file:
        return file.read()
