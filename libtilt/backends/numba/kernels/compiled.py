"""How loops are compiled: once for each kind of data, kept on disk, without Python's lock."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import event

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Return `function` compiled by Numba, which keeps the result on disk where it can."""
    try:
        result = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # No folder to keep it in can be written, as on some cluster nodes.
        result = numba.njit(nogil=True)(function)
    else:
        _compile_anew_when_any_kernel_changes(result)
        _compile_where_nothing_can_be_kept(result)
    compiled_result: Function = result
    return compiled_result


def digest_of_kernels() -> str:
    """Return a digest of the source of all kernels."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _compile_anew_when_any_kernel_changes(result: Any) -> None:
    """Have what is kept on disk depend on all files of this folder.

    Numba looks at the file of a function alone, but what is compiled holds constants and functions
    of others, too. The time of a file says nothing where a package keeps the same time for all.
    """
    kept: Any = getattr(getattr(result, "_cache", None), "_cache_file", None)
    if hasattr(kept, "_source_stamp"):
        kept._source_stamp = _DIGEST


def _compile_where_nothing_can_be_kept(result: Any) -> None:
    """Have a full disk, a folder that is gone or a damaged file cost no more than the time."""
    cache: Any = getattr(result, "_cache", None)
    kept: Any = getattr(cache, "_cache_file", None)
    for owner, name, otherwise in (
        (cache, "load_overload", None),
        (cache, "save_overload", None),
        (kept, "_load_index", {}),
    ):
        if hasattr(owner, name):
            setattr(owner, name, _forgiving(getattr(owner, name), otherwise))
    if hasattr(kept, "_dump") and hasattr(kept, "_load_data") and hasattr(kept, "_data_path"):
        dump = kept._dump
        kept._dump = lambda obj: _signed(dump(obj))
        kept._load_data = lambda name: _unsigned(Path(kept._data_path(name)).read_bytes())


def _forgiving(method: Callable[..., Any], otherwise: Any) -> Callable[..., Any]:
    def forgiving(*args: Any) -> Any:
        try:
            return method(*args)
        except Exception:  # Damaged files fail to unpickle in any way.
            return copy.copy(otherwise)

    return forgiving


def _signed(data: bytes) -> bytes:
    """Return data that pickle reads as before, and a digest after them."""
    return data + hashlib.sha256(data).digest()


def _unsigned(signed: bytes) -> Any:
    """Return what was pickled; raise a ValueError where code is damaged, which could not be run."""
    data, digest = signed[:-32], signed[-32:]
    if hashlib.sha256(data).digest() != digest:
        raise ValueError("what is kept of a kernel is damaged")
    return pickle.loads(data)


_DIGEST = digest_of_kernels()


class _Announcer(event.Listener):  # type: ignore[misc]
    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce: Callable[[], None] | None = announce

    def on_start(self, event: Any) -> None:
        if self._announce:
            self._announce()
            self._announce = None

    def on_end(self, event: Any) -> None:
        pass


def announce_compiling(announce: Callable[[], None]) -> None:
    """Have `announce` called when Numba first compiles something in this process.

    Examples
    --------
    >>> from libtilt.backends.numba.kernels.compiled import announce_compiling
    >>> announce_compiling(lambda: print("compiling, which takes some seconds"))
    """
    event.register("numba:compile", _Announcer(announce))
