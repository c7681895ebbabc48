"""How loops are compiled: once for each type of data, kept on disk, without Python's lock."""

from __future__ import annotations

import copy
import hashlib
import importlib
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba import types
from numba.extending import overload, register_jitable
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])

_ROOM = Path(__file__).parents[1]
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_logger = logging.getLogger("libtilt")


def compiled(function: Function) -> Function:
    """Return `function` compiled by Numba, which keeps the result on disk where it can."""
    try:
        result = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # No folder to keep it in can be written, as on some cluster nodes.
        result = numba.njit(**_OPTIONS)(function)
    else:
        _compile_anew_when_any_kernel_changes(result)
        _compile_where_nothing_can_be_kept(result)
    compiled_result: Function = result
    return compiled_result


def compiled_within(function: Function) -> Function:
    """Return `function`, which stays Python and is compiled into the kernels that call it."""
    jitable: Function = register_jitable(error_model="numpy")(function)
    return jitable


def has_vector_form(function: Function) -> Function:
    """Return `function`, in whose place kernels call the vector unit's form of the same name.

    They do where its first argument, `unit`, is not None. The form stands in a module that is named
    as that of `function`, in `libtilt.backends.numba.vector_unit`, and is imported when the first
    such kernel is compiled. Called from Python, `function` is what it is.
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


def unlocked(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that kernels read as C-contiguous, aligned and writable, without a copy.

    Numba compiles anew for arrays that are locked. What kernels read they do not write to.
    """
    array = np.require(array, requirements=("C", "A"))
    return array if array.flags.writeable else np.asarray(_Unlocked(array))


class _Unlocked:
    """Memory of an array, by NumPy's protocol, which keeps it as long as it is used."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array
        place, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (place, False)}


def digest_of_kernels() -> str:
    """Return a digest of the source of all kernels."""
    folders = _ROOM / "kernels", _ROOM / "vector_unit"
    sources = sorted(source for folder in folders for source in folder.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _compile_anew_when_any_kernel_changes(result: Any) -> None:
    """Have what is kept on disk depend on the files of all kernels.

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


def announce_compiling(announce: Callable[[], None]) -> None:
    """Have `announce` called when Numba first compiles something in this process.

    Examples
    --------
    >>> from libtilt.backends.numba.kernels.compiled import announce_compiling
    >>> announce_compiling(lambda: print("compiling, which takes some seconds"))
    """
    try:
        from numba.core import event
    except ImportError:  # No part of what Numba promises.
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


announce_compiling(lambda: _logger.info("compiling kernels, once on this machine ..."))
