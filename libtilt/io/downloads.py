"""Download public density maps once, and cache them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import IO, Any

from libtilt.errors.checks import positive_integer
from libtilt.errors.installing import pip_install
from libtilt.io.atomic import atomic_writes, partial_path, remove_stale_files
from libtilt.io.inputs import read_input
from libtilt.io.mrc import read_mrc
from libtilt.progress import ProgressOption, Report, reporting

EMDB_URL = "https://ftp.ebi.ac.uk/pub/databases/emdb/structures"
"""The folder of all entries of the Electron Microscopy Data Bank."""

MAX_BYTES = 100 * 10**9
"""A larger download is aborted."""


def fetch_emdb(
    entry: int | str,
    *,
    cache_dir: str | Path | None = None,
    base_url: str | None = None,
    sha256: str | None = None,
    progress: ProgressOption = False,
) -> Path:
    """Download the main map of an EMDB entry, check it, and cache it.

    Parameters
    ----------
    entry : int or str
        Number of the entry: ``13234`` or ``"EMD-13234"``.
    cache_dir : path, optional
        Folder of cached maps; by default the environment variable ``LIBTILT_CACHE``, else the
        user's cache folder.
    base_url : str, optional
        Address of a mirror of the EMDB's ``structures`` folder.
    sha256 : str, optional
        Expected checksum. The EMDB publishes none; without it, libtilt checks that the file is a
        complete MRC file.
    progress : bool or callable, optional
        True shows a bar, a callable is called as ``progress(done, total)`` with numbers of bytes.

    Returns
    -------
    pathlib.Path
        The compressed map, for `libtilt.Volume.open`.

    Raises
    ------
    ImportError
        If pooch is not installed.
    ConnectionError
        If the map cannot be downloaded, for instance offline; the message says what to do.
    ValueError
        If the entry is not a number, or the download is not a valid map.

    Examples
    --------
    >>> from libtilt import Volume
    >>> from libtilt.io.downloads import fetch_emdb
    >>> volume = Volume.open(fetch_emdb(13234))  # doctest: +SKIP
    """
    number = _entry_number(entry)
    name = f"emd_{number}.map.gz"
    url = f"{base_url or EMDB_URL}/EMD-{number}/map/{name}"
    folder = Path(cache_dir or os.environ.get("LIBTILT_CACHE") or _pooch().os_cache("libtilt"))
    target = folder / name
    if target.exists() and _is_cached(target, sha256):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    remove_stale_files(folder)
    # The file is renamed only after it was read: a killed run leaves no map to be trusted, and
    # concurrent runs download to different names.
    path = partial_path(target)
    try:
        with reporting(progress, name) as report:
            _download(url, path, target, sha256, report)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read_mrc(path)
        except ValueError as error:
            raise ValueError(
                f"the download from {url} is not a valid map and was removed: {error}"
            ) from error
        digest = _pooch().file_hash(path)
        with atomic_writes(target, _checksum_file(target), overwrite=True) as (whole, pinned):
            path.replace(whole)
            pinned.write_text(f"{digest}  {target.name}\n", encoding="ascii")
    finally:
        path.unlink(missing_ok=True)
    return target


def _checksum_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def _is_cached(target: Path, sha256: str | None) -> bool:
    """Whether a cached map has the expected checksum; raise if it changed after the download."""
    digest = _pooch().file_hash(target)
    if sha256 is not None:
        return bool(digest == sha256)
    pinned = _checksum_file(target)
    if pinned.exists() and read_input(pinned, limit=1024).split()[:1] != [digest.encode()]:
        raise ValueError(
            f"{target} has changed since it was downloaded; delete it to download it again, or "
            "open it with Volume.open if the change is intended"
        )
    return True


def _entry_number(entry: int | str) -> int:
    text = str(entry).upper().removeprefix("EMD-")
    if not text.isdecimal():
        raise ValueError(f"entry must be the number of an EMDB entry, such as 13234, got {entry!r}")
    return positive_integer(int(text), "entry")


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"downloading maps needs the package 'pooch': {pip_install('data')}", name="pooch"
        ) from error
    return pooch


class _LimitedFile:
    """A writable file that raises beyond `MAX_BYTES`."""

    def __init__(self, file: IO[bytes], url: str) -> None:
        self._file, self._url, self._left = file, url, MAX_BYTES

    def write(self, content: bytes) -> int:
        self._left -= len(content)
        if self._left < 0:
            raise ValueError(
                f"{self._url} is larger than {MAX_BYTES / 1e9:g} GB, more than any map"
            )
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()


class _Bytes:
    """The interface of a bar that pooch updates, which reports bytes. Mutable."""

    def __init__(self, report: Report) -> None:
        self._report, self._done = report, 0
        self.total = 0

    def update(self, count: int) -> None:
        if count:
            # Counted in whole chunks, the last of which is shorter; the size need not be announced.
            self._done = min(self._done + count, self.total or self._done + count)
            self._report(self._done, self.total or self._done)

    def reset(self) -> None:
        """Do nothing: pooch sets its bar to 0 to fill it at the end."""

    def close(self) -> None:
        """Do nothing: the bar is closed by what opened it."""


def _download(
    url: str, path: Path, target: Path, sha256: str | None, report: Report | None
) -> None:
    pooch = _pooch()
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        fetch = pooch.HTTPDownloader(timeout=30, progressbar=_Bytes(report) if report else False)

        def limited(source: str, output: str, pooch: Any) -> None:
            with Path(output).open("wb") as file:
                fetch(source, _LimitedFile(file, source), pooch)

        pooch.retrieve(
            url,
            known_hash=f"sha256:{sha256}" if sha256 else None,
            fname=path.name,
            path=path.parent,
            downloader=limited,
        )
    except OSError as error:
        raise ConnectionError(
            f"cannot download {url}: {error}. If this computer is offline, download the file "
            f"elsewhere, then copy it to {target} or open it with Volume.open"
        ) from error
    finally:
        logger.setLevel(level)
