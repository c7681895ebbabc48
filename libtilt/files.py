"""Writing files all or nothing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def require_writable(path: str | Path, *, overwrite: bool) -> Path:
    """Return the real path of a file to write, or raise before any work is done.

    Parameters
    ----------
    path : path
        The file; links are followed, so that a link stays one.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If the folder does not exist or cannot be written, or the path is a folder.
    """
    target = Path(path).resolve()
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder, name a file in it")
    if target.exists() and not overwrite:
        raise FileExistsError(
            f"{path} exists; to replace it, ask for that (overwrite=True, --overwrite)"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"cannot write {path}: the folder {target.parent} is not writable")
    return target


@contextmanager
def atomic_write(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place when the block succeeds.

    The temporary file has the suffixes of the target. When the block raises, also on Ctrl-C, it
    is removed and the target stays as it was.

    Parameters
    ----------
    path : path
        The file to write.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Yields
    ------
    pathlib.Path
        A path for a new file in the same folder.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If the file cannot be written; the message names it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from libtilt.files import atomic_write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder) / "angles.txt"
    ...     with atomic_write(target) as temporary:
    ...         _ = temporary.write_text("-3 0 3")
    ...     target.read_text()
    '-3 0 3'
    """
    target = require_writable(path, overwrite=overwrite)
    suffixes = "".join(target.suffixes[-2:])
    temporary = target.with_name(f".{secrets.token_hex(6)}.partial{suffixes}")
    try:
        yield temporary
        require_writable(path, overwrite=overwrite)
        temporary.replace(target)
    except OSError as error:
        # A file that is written while this one is open has been named already.
        if error.strerror is None or error.strerror.startswith("cannot write "):
            raise
        message = f"cannot write {path}: {error.strerror}"
        raise type(error)(error.errno, message) from error
    finally:
        temporary.unlink(missing_ok=True)
