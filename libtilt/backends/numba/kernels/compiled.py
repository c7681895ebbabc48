"""Compilation of kernels: once per dtype, cached on disk, without the global interpreter lock."""

from __future__ import annotations

import copy
import hashlib
import importlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba import types
from numba.extending import overload, register_jitable
from numpy.typing import NDArray

from libtilt.errors.log import logger

Function = TypeVar("Function", bound=Callable[..., Any])

_FOLDER = Path(__file__).parents[1]
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def compiled(function: Function) -> Function:
    """Return `function` compiled by Numba, cached on disk if possible."""
    try:
        result = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # No cache folder is writable, as on some cluster nodes.
        result = numba.njit(**_OPTIONS)(function)
    else:
        _invalidate_when_any_kernel_changes(result)
        _tolerate_cache_failures(result)
    compiled_result: Function = result
    return compiled_result


def compiled_helper(function: Function) -> Function:
    """Return `function` as a helper that is compiled into the kernels that call it."""
    jitable: Function = register_jitable(error_model="numpy")(function)
    return jitable


def has_vector_form(function: Function) -> Function:
    """Return `function`, which kernels replace by the vector unit's function of the same name.

    They do so if its first argument, `unit`, is not None. The replacement is in the module of the
    same name in `libtilt.backends.numba.vector_unit`, imported when the first such kernel is
    compiled. Called from Python, `function` is unchanged.
    """
    module = function.__module__.rpartition(".")[2]

    def form(unit: Any, *_: Any, **__: Any) -> Callable[..., Any]:
        if isinstance(unit, types.NoneType):
            return function
        forms = importlib.import_module(f"libtilt.backends.numba.vector_unit.{module}")
        found: Callable[..., Any] = getattr(forms, function.__name__)
        return found

    overload(function, strict=False)(form)
    return function


def as_writable(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as C-contiguous, aligned and writable memory, without a copy if possible.

    Numba compiles separate versions for read-only arrays; kernels do not write to their inputs.
    """
    array = np.require(array, requirements=("C", "A"))
    return array if array.flags.writeable else np.asarray(_WritableView(array))


class _WritableView:
    """Writable access to an array's memory by NumPy's array interface; keeps the array alive."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array
        place, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (place, False)}


def kernels_digest() -> str:
    """Return a digest of the source of all kernels."""
    folders = _FOLDER / "kernels", _FOLDER / "vector_unit"
    sources = sorted(source for folder in folders for source in folder.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _invalidate_when_any_kernel_changes(result: Any) -> None:
    """Make the disk cache depend on the sources of all kernels.

    Numba checks only the file of a function, but compiled code contains constants and functions of
    other files. File times are no substitute: packages may have one time for all files.
    """
    kept: Any = getattr(getattr(result, "_cache", None), "_cache_file", None)
    if hasattr(kept, "_source_stamp"):
        kept._source_stamp = _DIGEST


def _tolerate_cache_failures(result: Any) -> None:
    """Make a full disk, a missing folder or a damaged cache file cost no more than time."""
    cache: Any = getattr(result, "_cache", None)
    kept: Any = getattr(cache, "_cache_file", None)
    for owner, name, default in (
        (cache, "load_overload", None),
        (cache, "save_overload", None),
        (kept, "_load_index", {}),
    ):
        if hasattr(owner, name):
            setattr(owner, name, _with_default(getattr(owner, name), default))
    if hasattr(kept, "_dump") and hasattr(kept, "_load_data") and hasattr(kept, "_data_path"):
        dump = kept._dump
        kept._dump = lambda obj: _append_digest(dump(obj))
        kept._load_data = lambda name: _load_checked(Path(kept._data_path(name)).read_bytes())


def _with_default(method: Callable[..., Any], default: Any) -> Callable[..., Any]:
    def wrapped(*args: Any) -> Any:
        try:
            return method(*args)
        except Exception:  # Damaged files fail to unpickle in any way.
            return copy.copy(default)

    return wrapped


def _append_digest(data: bytes) -> bytes:
    """Return data followed by their digest, which pickle ignores."""
    return data + hashlib.sha256(data).digest()


def _load_checked(stored: bytes) -> Any:
    """Unpickle data; raise a ValueError if they are damaged, since damaged code could crash."""
    data, digest = stored[:-32], stored[-32:]
    if hashlib.sha256(data).digest() != digest:
        raise ValueError("a cached kernel is damaged")
    return pickle.loads(data)


_DIGEST = kernels_digest()


def on_first_compilation(announce: Callable[[], None]) -> None:
    """Call `announce` when Numba first compiles a function in this process."""
    try:
        from numba.core import event
    except ImportError:  # Not part of Numba's public API.
        return

    class Announcer(event.Listener):  # type: ignore[misc]
        waiting = True

        def on_start(self, event: Any) -> None:
            waiting, self.waiting = self.waiting, False
            if waiting:
                announce()

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Announcer())


on_first_compilation(lambda: logger.info("compiling kernels (once per machine) ..."))
