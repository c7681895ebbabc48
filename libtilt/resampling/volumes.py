"""Data of one grid, sampled on another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from libtilt.geometry.agreement import NEARLY
from libtilt.geometry.volume_grid import VolumeGrid


def resample_volume(
    data: NDArray[Any], grid: VolumeGrid, target: VolumeGrid, *, order: int, fill: float
) -> NDArray[Any]:
    """Return floating data at the voxels of another grid.

    Where the voxels of both grids lie on each other, values are copied as they are.

    Parameters
    ----------
    data : ndarray, shape grid.shape
        float32 or float64.
    grid, target : VolumeGrid
        Where the data lie, and where they are wanted.
    order : {0, 1, 3}
        Of the interpolating spline.
    fill : float
        What stands beyond the data.

    Returns
    -------
    ndarray, shape target.shape
    """
    steps = target.voxel_size[::-1] / grid.voxel_size[::-1]
    first, last = grid.indices(target.corners()[[0, -1]])
    whole = np.rint(first)
    ends = whole + np.array(target.shape) - 1
    if max(np.abs(first - whole).max(), np.abs(last - ends).max()) < NEARLY:
        return _copied(data, whole.astype(int).tolist(), target.shape, fill)
    # What rounding puts a hair outside would be interpolated with what lies beyond.
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
        # It would spread to what lies inside.
        for axis, (start, step, n) in enumerate(zip(first, steps, data.shape, strict=True)):
            index = start + step * np.arange(target.shape[axis])
            np.moveaxis(result, axis, 0)[(index < 0) | (index > n - 1)] = fill
    return result


def _copied(
    data: NDArray[Any], first: list[int], shape: tuple[int, ...], fill: float
) -> NDArray[Any]:
    """Return the box that begins at an index, which may lie outside."""
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
