"""Opening files for reading: only regular files of a plausible size."""

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
# Without O_NONBLOCK, opening a pipe without a writer would block.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)


@contextmanager
def open_input(path: str | Path, *, limit: int | None = None) -> Iterator[IO[bytes]]:
    """Yield a regular file, opened for reading in binary; links are followed.

    Raises a ValueError for a pipe, a socket, a device, or a file of more than `limit` bytes. A
    ValueError that is raised while the file is open gets the file's name as a prefix.
    """
    with os.fdopen(_open_regular(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if limit is not None and size > limit:
            raise ValueError(
                f"{path} has {size / 2**20:.0f} MB, more than the limit of {limit / 2**20:.0f} "
                "MB for this kind of file; check that it is the right file"
            )
        try:
            yield file
        except ValueError as error:
            if str(path) in str(error):
                raise
            raise ValueError(f"{path}: {error}") from error


def _open_regular(path: str | Path) -> int:
    """Return a descriptor of a regular file; the type is checked after opening, free of races."""
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no such file: {path}") from error
    except OSError:
        # A socket cannot be opened, nor can a folder on every system.
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
        raise IsADirectoryError(
            f"cannot read {path}: it is a folder; pass the path of a file in it"
        )
    for is_kind, name in _KINDS.items():
        if is_kind(mode):
            raise ValueError(
                f"{path} is {name}, not a regular file; save its content to a file first"
            )


def read_input(path: str | Path, *, limit: int = TEXT_LIMIT) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes; see `open_input`."""
    with open_input(path, limit=limit) as file:
        return file.read()
