"""Resampling of volumes onto another grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from libtilt.geometry.tolerances import POSITION_TOLERANCE
from libtilt.geometry.volume_grid import VolumeGrid


def resample_volume(
    data: NDArray[Any], grid: VolumeGrid, target: VolumeGrid, *, order: int, fill: float
) -> NDArray[Any]:
    """Return float32 or float64 data of `grid`, sampled at the voxels of `target`.

    `order` is that of the interpolating spline, 0, 1 or 3; `fill` is the value outside the data.
    If the voxels of both grids coincide, values are copied.
    """
    steps = target.voxel_size[::-1] / grid.voxel_size[::-1]
    first, last = grid.indices(target.corners()[[0, -1]])
    whole = np.rint(first)
    ends = whole + np.array(target.shape) - 1
    if max(np.abs(first - whole).max(), np.abs(last - ends).max()) < POSITION_TOLERANCE:
        return _copy_box(data, whole.astype(int).tolist(), target.shape, fill)
    # A position that rounding puts just outside would be interpolated with the fill value.
    first = np.where(np.abs(first - whole) < 1e-9 * np.array(grid.shape), whole, first)
    finite = bool(np.isfinite(fill))
    result: NDArray[Any] = scipy.ndimage.affine_transform(
        data,
        np.diag(steps),
        first,
        output_shape=target.shape,
        order=order,
        mode="grid-constant",
        cval=fill if finite else 0.0,
    )
    if not finite:
        # A non-finite fill would spread to voxels inside, so it is written afterwards.
        for axis, (start, step, n) in enumerate(zip(first, steps, data.shape, strict=True)):
            index = start + step * np.arange(target.shape[axis])
            np.moveaxis(result, axis, 0)[(index < 0) | (index > n - 1)] = fill
    return result


def _copy_box(
    data: NDArray[Any], first: list[int], shape: tuple[int, ...], fill: float
) -> NDArray[Any]:
    """Return the box that starts at the index `first`, which may lie outside."""
    result = np.full(shape, fill, data.dtype)
    into, out = [], []
    for start, size, old in zip(first, shape, data.shape, strict=True):
        low, high = max(start, 0), min(start + size, old)
        if low >= high:
            return result
        into.append(slice(low - start, high - start))
        out.append(slice(low, high))
    result[tuple(into)] = data[tuple(out)]
    return result
