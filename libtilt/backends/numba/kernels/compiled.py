"""How loops are compiled: once for each kind of data, kept on disk, without Python's lock."""

from __future__ import annotations

import hashlib
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
