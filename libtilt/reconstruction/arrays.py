"""Sums over large arrays, and their pieces: what iterations need beside the operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.threads import run_each

_VALUES = 1 << 18
"""Of a slab: enough to outweigh its start, few enough for the cache."""

_LEAST, _MOST = 1e-30, 1e38


def slabs(array: NDArray[Any]) -> list[slice]:
    """Return slices that cut an array along its first axis.

    They do not depend on the number of threads.
    """
    step = max(1, _VALUES * len(array) // max(1, array.size))
    return [slice(start, min(start + step, len(array))) for start in range(0, len(array), step)]


def squared_norm(array: NDArray[Any]) -> float:
    """Return the sum of squares, added up in float64 over slices of the first axis."""
    return sum(run_each(_squared, array, None))


def _squared(part: NDArray[Any]) -> float:
    total = float(np.vdot(part, part))
    if _LEAST < total < _MOST:
        return total
    # Squares that float32 does not hold.
    values = part.astype(np.float64).ravel()
    return float(values @ values)


def require_seen(largest: float) -> None:
    """Raise where the largest sum of weights says that no ray meets the volume."""
    if largest == 0:
        raise ValueError(
            "tilt_series must show some of the volume, but no ray meets it: check the shifts, the "
            "volume_shape and the spacings"
        )
