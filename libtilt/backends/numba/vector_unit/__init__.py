"""Inner loops of kernels in LLVM IR, behind one switch; see README.md in this folder."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import config

from libtilt.errors.warning import warn

REGISTERS = (1, 4, 6, 8, 11)
"""Possible numbers of registers for sums, of AVX2's 16; the rest hold weights and addresses."""

SWITCH = "LIBTILT_VECTOR_UNIT"

_VECTOR: tuple[()] = ()
_TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
_warned = threading.Event()


def vector_bytes() -> int:
    """Return the bytes of a register: 64 for AVX-512, else 32 (AVX2, or two of ARM's)."""
    try:
        from llvmlite import binding

        wide = binding.get_host_cpu_features().get("avx512f", False)
    except Exception:  # Unknown processor or llvmlite version.
        wide = False
    return 64 if wide else 32


def is_enabled() -> bool:
    """Whether the environment enables the vector unit."""
    return not config.DISABLE_JIT and os.environ.get(SWITCH, "").strip() != "0"


def select_unit(
    kernel: Any, example: Callable[[np.dtype[Any]], tuple[Any, ...]], dtype: Any
) -> Any:
    """Return the first argument of a kernel: () for the vector unit, None for plain loops.

    The environment variable ``LIBTILT_VECTOR_UNIT`` set to 0 selects plain loops. On its first use
    in a process, the vector form of a kernel is compared with plain Python on the arguments that
    `example` makes for a dtype. If it does not compile or is wrong, a warning says so once.
    """
    return _VECTOR if is_enabled() and _is_correct(kernel, example, np.dtype(dtype).name) else None


@cache
def _is_correct(
    kernel: Any, example: Callable[[np.dtype[Any]], tuple[Any, ...]], dtype: str
) -> bool:
    arguments = example(np.dtype(dtype))
    expected = copy.deepcopy(arguments)
    try:
        kernel(_VECTOR, *arguments)
    except Exception as error:  # A future compiler can raise any exception.
        return _fall_back(kernel, f"does not compile here ({type(error).__name__})")
    kernel.py_func(None, *expected)
    for value, right in zip(arguments, expected, strict=True):
        if isinstance(value, np.ndarray):
            scale = _TOLERANCES[dtype] * float(np.abs(right).max(initial=0.0))
            if not np.allclose(value, right, rtol=0.0, atol=scale):
                return _fall_back(kernel, "returns wrong values")
    return True


def _fall_back(kernel: Any, reason: str) -> bool:
    """Warn once that plain loops are used; return False."""
    if not _warned.is_set():
        _warned.set()
        warn(
            f"the vector form of {kernel.py_func.__name__} {reason}; using plain loops, which are "
            f"slower. Try another version of libtilt or numba, or set {SWITCH}=0 to silence this."
        )
    return False
