"""Public maps, downloaded once and kept."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from libtilt._checks import positive_integer
from libtilt.mrc import read_mrc

EMDB_URL = "https://ftp.ebi.ac.uk/pub/databases/emdb/structures"
"""Where the Electron Microscopy Data Bank keeps its entries."""


def emdb(
    entry: int | str,
    *,
    cache_dir: str | Path | None = None,
    base_url: str | None = None,
    sha256: str | None = None,
    progress: bool = False,
) -> Path:
    """Download the main map of an EMDB entry, check it, and keep it.

    Parameters
    ----------
    entry : int or str
        Number of the entry: ``13234``, or ``"EMD-13234"``.
    cache_dir : path, optional
        Where maps are kept; by default the user's cache folder, or the environment variable
        ``LIBTILT_CACHE`` where that is set.
    base_url : str, optional
        Of a mirror of the EMDB's ``structures`` folder.
    sha256 : str, optional
        Check sum that the file must have. The EMDB publishes none; without it the file is checked
        to be a whole, sound MRC file.
    progress : bool, optional
        Whether to show a progress bar; needs the package tqdm.

    Returns
    -------
    pathlib.Path
        Of the compressed map, for `libtilt.Volume.open`.

    Raises
    ------
    ImportError
        If pooch is not installed.
    ConnectionError
        If the map cannot be downloaded, for instance offline; the message says how to go on.
    ValueError
        If the entry is not a number, or what came is not a sound map.

    Examples
    --------
    >>> from libtilt import Volume
    >>> from libtilt.data import emdb
    >>> volume = Volume.open(emdb(13234))  # doctest: +SKIP
    """
    number = _entry_number(entry)
    name = f"emd_{number}.map.gz"
    url = f"{base_url or EMDB_URL}/EMD-{number}/map/{name}"
    folder = Path(cache_dir or os.environ.get("LIBTILT_CACHE") or _pooch().os_cache("libtilt"))
    target = folder / name
    if target.exists() and (sha256 is None or _pooch().file_hash(target) == sha256):
        return target
    # It gets its name when it has been read: a run that is killed leaves nothing to be trusted.
    path = _download(url, folder, f"unchecked-{name}", sha256, progress)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_mrc(path)
    except ValueError as error:
        path.unlink()
        raise ValueError(f"what {url} gave is not a sound map and was removed: {error}") from error
    return path.replace(target)


def _entry_number(entry: int | str) -> int:
    text = str(entry).upper().removeprefix("EMD-")
    if not text.isdecimal():
        raise ValueError(f"entry must be the number of an EMDB entry such as 13234, got {entry!r}")
    return positive_integer(int(text), "entry")


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "downloading maps needs the package 'pooch': pip install 'libtilt[data]'", name="pooch"
        ) from error
    return pooch


def _download(url: str, folder: Path, name: str, sha256: str | None, progress: bool) -> Path:
    pooch = _pooch()
    folder.mkdir(parents=True, exist_ok=True)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        downloader = pooch.HTTPDownloader(timeout=30, progressbar=progress)
        return Path(
            pooch.retrieve(
                url,
                known_hash=f"sha256:{sha256}" if sha256 else None,
                fname=name,
                path=folder,
                downloader=downloader,
            )
        )
    except OSError as error:
        raise ConnectionError(
            f"cannot download {url}: {error}. If this machine is offline, fetch that file on "
            f"another one, and put it at {folder / name.removeprefix('unchecked-')} or open it "
            "with Volume.open"
        ) from error
    finally:
        logger.setLevel(level)
