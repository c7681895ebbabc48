"""Sums over large arrays in cache-sized slabs, for iterative methods."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.threads import run_each

Array = NDArray[Any]

_SLAB_SIZE = 1 << 18
"""Values in a slab: enough to outweigh starting a thread, few enough for the cache."""

_LEAST, _MOST = 1e-30, 1e38


def slabs(array: Array) -> list[slice]:
    """Return slices that cut an array along its first axis, whatever the number of threads."""
    step = max(1, _SLAB_SIZE * len(array) // max(1, array.size))
    return [slice(start, min(start + step, len(array))) for start in range(0, len(array), step)]


def squared_norm(array: Array) -> float:
    """Return the sum of squares, accumulated in float64 over slices of the first axis."""
    return sum(run_each(_squared, array, None))


def _squared(part: Array) -> float:
    total = float(np.vdot(part, part))
    if _LEAST < total < _MOST:
        return total
    # Squares outside the range of float32.
    values = part.astype(np.float64).ravel()
    return float(values @ values)


def require_visible(largest: float) -> None:
    """Raise if the largest sum of ray weights is zero, so that no ray meets the volume."""
    if largest == 0:
        raise ValueError(
            "tilt_series must show part of the volume, but no ray meets it: check the shifts, the "
            "volume_shape and the spacings"
        )
