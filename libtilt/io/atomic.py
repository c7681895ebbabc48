"""Atomic writing of one or several files: all or nothing."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from libtilt.errors import OutputExistsError

if sys.platform != "win32":  # Without fcntl each file is still atomic, but a set may mix.
    import fcntl

_PARTIAL = re.compile(r"\.(\d+)-([0-9a-f]+)-[0-9a-f]+\.partial")


def require_writable(path: str | Path, *, overwrite: bool) -> Path:
    """Return the resolved path of an output file, or raise before any work is done.

    Parameters
    ----------
    path : path
        The file; links are followed, so that a link remains a link.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If the folder does not exist or is not writable, or the path is a folder.
    ValueError
        If the path is a pipe, a socket or a device; these are never replaced.
    """
    target = Path(path).resolve()
    if target.is_dir():
        raise IsADirectoryError(
            f"cannot write {path}: it is a folder; pass the path of a file in it"
        )
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        raise ValueError(f"cannot write {path}: it is not a regular file; pass another path")
    if target.exists() and not overwrite:
        raise _exists_error(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"cannot write {path}: the folder {target.parent} is not writable")
    return target


def _exists_error(path: str | Path) -> OutputExistsError:
    return OutputExistsError(
        f"{path} already exists; pass overwrite=True to replace it", arguments=["overwrite"]
    )


@contextmanager
def atomic_write(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary path next to `path` that replaces it when the block succeeds.

    The temporary file has the suffixes of the target. If the block raises (also on Ctrl-C), it is
    removed and the target is left unchanged.

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
    FileExistsError, OSError, ValueError
        As in `atomic_writes`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from libtilt.io.atomic import atomic_write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder) / "angles.txt"
    ...     with atomic_write(target) as temporary:
    ...         _ = temporary.write_text("-3 0 3")
    ...     target.read_text()
    '-3 0 3'
    """
    with atomic_writes(path, overwrite=overwrite) as (temporary,):
        yield temporary


@contextmanager
def atomic_writes(
    *paths: str | Path, overwrite: bool | tuple[bool, ...] = False
) -> Iterator[tuple[Path, ...]]:
    """Yield temporary paths for several files, which appear together or not at all.

    Every file is flushed to disk before the first one is renamed, in the order given. A lock on
    each folder keeps two writers of one series from mixing their files.

    Parameters
    ----------
    *paths : path
        The files to write.
    overwrite : bool or tuple of bool, optional
        Whether existing files may be replaced, for all or for each.

    Yields
    ------
    tuple of pathlib.Path
        A path for each new file, in the folder of its target. All of them must be written.

    Raises
    ------
    FileExistsError
        If a file exists and `overwrite` is false.
    OSError
        If a file cannot be written; the message names it.
    ValueError
        If a path is not a regular file, or is given twice.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from libtilt.io.atomic import atomic_writes
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     with atomic_writes(folder / "a.txt", folder / "b.txt") as (a, b):
    ...         _ = a.write_text("-3"), b.write_text("3")
    ...     sorted(path.name for path in folder.iterdir())
    ['a.txt', 'b.txt']
    """
    replace = (overwrite,) * len(paths) if isinstance(overwrite, bool) else overwrite
    targets = _require_all(paths, replace)
    if len(set(targets)) < len(targets):
        raise ValueError(f"paths must differ from each other, got {_joined(paths)}")
    folders = sorted({target.parent for target in targets})
    for folder in folders:
        remove_stale_files(folder)
    temporaries = tuple(partial_path(target) for target in targets)
    try:
        yield temporaries
        for temporary, target in zip(temporaries, targets, strict=True):
            _flush(temporary, target)
        with ExitStack() as locks:
            for folder in folders:
                locks.enter_context(lock_folder(folder))
            _publish(temporaries, _require_all(paths, replace), replace)
            for folder in folders:
                _sync(folder)
    except OSError as error:
        # The error of another atomic write inside the block already names its file.
        if error.strerror is None or error.strerror.startswith("cannot write "):
            raise
        message = (
            f"cannot write {_joined(_failed_files(error, temporaries, paths))}: {error.strerror}"
        )
        raise type(error)(error.errno, message) from error
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def _require_all(paths: tuple[str | Path, ...], replace: tuple[bool, ...]) -> list[Path]:
    pairs = zip(paths, replace, strict=True)
    return [require_writable(path, overwrite=one) for path, one in pairs]


def _joined(paths: tuple[str | Path, ...]) -> str:
    return ", ".join(map(str, paths))


def _failed_files(
    error: OSError, temporaries: tuple[Path, ...], paths: tuple[str | Path, ...]
) -> tuple[str | Path, ...]:
    """Return the file that an error is about, or all files if it names none."""
    named = dict(zip(map(str, temporaries), paths, strict=True))
    return (named[error.filename],) if error.filename in named else paths


def partial_path(target: Path) -> Path:
    """Return a temporary name that holds the writer's process and host, next to `target`."""
    suffixes = "".join(target.suffixes[-2:])
    name = f".{os.getpid()}-{_host()}-{secrets.token_hex(6)}.partial{suffixes}"
    return target.with_name(name)


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def remove_stale_files(folder: Path) -> None:
    """Remove partial files that killed writers on this host left in a folder."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if ".partial" in entry.name]
    for name in names:
        match = _PARTIAL.match(name)
        if match is not None and match[2] == _host() and not _is_alive(int(match[1])):
            _remove(folder / name)


def _remove(left: Path) -> None:
    if left.is_dir():
        shutil.rmtree(left, ignore_errors=True)
    else:
        left.unlink(missing_ok=True)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yield a new hidden folder in `parent`, and remove it afterward."""
    remove_stale_files(parent)
    folder = partial_path(parent / "files")
    folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder)


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # On Windows, signal 0 would end the process.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _flush(temporary: Path, target: Path) -> None:
    """Flush a file to disk, with the permissions of the file that it replaces."""
    if target.exists():
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    _sync(temporary)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot flush a folder by itself.
        if not (path.is_dir() and error.errno in (errno.EINVAL, errno.ENOTSUP, errno.EBADF)):
            raise
    finally:
        os.close(descriptor)


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other libtilt writers from publishing in a folder during the block."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # On a file system without locks each file is still atomic.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _publish(temporaries: tuple[Path, ...], targets: list[Path], replace: tuple[bool, ...]) -> None:
    """Rename each temporary file to its target; on failure, remove the targets that are new."""
    made: list[Path] = []
    try:
        for temporary, target, one in zip(temporaries, targets, replace, strict=True):
            new = not target.exists()
            if one:
                temporary.replace(target)
            else:
                _link(temporary, target)
            if new:
                made.append(target)
    except BaseException:
        for target in made:
            target.unlink(missing_ok=True)
        raise


def _link(temporary: Path, target: Path) -> None:
    """Rename a file without ever replacing another one, even one created just now."""
    try:
        os.link(temporary, target)
    except FileExistsError as error:
        raise _exists_error(target) from error
    except OSError:
        # A file system without hard links: reserve the name, then move the file there.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL))
        temporary.replace(target)
