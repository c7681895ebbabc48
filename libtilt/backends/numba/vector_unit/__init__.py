"""The inner loops of kernels in LLVM's own terms, behind one switch; see README.md beside this."""

from __future__ import annotations

import copy
import os
import threading
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import config

from libtilt.errors import LibtiltWarning

REGISTERS = (1, 4, 6, 8, 11)
"""Sums in registers at once, of the 16 that AVX2 has; the rest hold weights and addresses."""

SWITCH = "LIBTILT_VECTOR_UNIT"

_VECTOR: tuple[()] = ()
_TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
_left = threading.Event()


def vector_bytes() -> int:
    """Return the bytes of a register: AVX-512, AVX2, or two of ARM's."""
    try:
        from llvmlite import binding

        wide = binding.get_host_cpu_features().get("avx512f", False)
    except Exception:  # Not known on this processor, or by this version.
        wide = False
    return 64 if wide else 32


def is_on() -> bool:
    """Whether the vector unit is asked for, by the environment."""
    return not config.DISABLE_JIT and os.environ.get(SWITCH, "").strip() != "0"


def unit_for(kernel: Any, example: Callable[[np.dtype[Any]], tuple[Any, ...]], dtype: Any) -> Any:
    """Return the first argument of a kernel: () for the vector unit, None for plain loops.

    The switch is the environment variable ``LIBTILT_VECTOR_UNIT``, 0 for plain loops. When a kernel
    is first asked for in a process, its vector form is tried on an example, beside the same kernel
    as plain Python. Where it cannot be compiled or is wrong, that is warned of once.

    Parameters
    ----------
    kernel : callable
        Compiled.
    example : callable
        Takes a dtype, and makes the rest of the kernel's arguments.
    dtype : dtype
        Of the data.
    """
    return _VECTOR if is_on() and _works(kernel, example, np.dtype(dtype).name) else None


@cache
def _works(kernel: Any, example: Callable[[np.dtype[Any]], tuple[Any, ...]], dtype: str) -> bool:
    arguments = example(np.dtype(dtype))
    expected = copy.deepcopy(arguments)
    try:
        kernel(_VECTOR, *arguments)
    except Exception as error:  # The next version of a compiler may fail in any way.
        return _leave(kernel, f"does not compile here ({type(error).__name__})")
    kernel.py_func(None, *expected)
    for value, right in zip(arguments, expected, strict=True):
        if isinstance(value, np.ndarray):
            scale = _TOLERANCES[dtype] * float(np.abs(right).max(initial=0.0))
            if not np.allclose(value, right, rtol=0.0, atol=scale):
                return _leave(kernel, "computes other values than its plain form")
    return True


def _leave(kernel: Any, reason: str) -> bool:
    """Warn, the first time, that plain loops are taken; return False."""
    if not _left.is_set():
        _left.set()
        warnings.warn(
            f"the vector form of {kernel.py_func.__name__} {reason}: plain loops are taken, which "
            f"are slower; a newer libtilt or another numba may help ({SWITCH}=0 says no more)",
            LibtiltWarning,
            stacklevel=2,
        )
    return False
