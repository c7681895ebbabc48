"""Whole volumes turned about x or y, one rotation after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from libtilt.errors.checks import Float64Array

if TYPE_CHECKING:
    from libtilt.animations.spin import Stage


def turned(stage: Stage, rotation_matrices: Float64Array) -> Iterator[NDArray[Any]]:
    """Yield the volume in the frame of each detector: float32, shape (depth, h, w).

    What turns about an axis turns in the same way in every plane across it, so that each rotation
    is one sparse matrix of bilinear weights that all planes share.
    """
    volume, pixel = stage.volume, stage.pixel_size
    across = 0 if stage.axis == "y" else 1
    data = np.asarray(volume.data, dtype=np.float32)
    # Rows are the points of a plane (z and the other axis), columns the planes.
    planes = np.moveaxis(data, 1 if stage.axis == "y" else 2, 2)
    shape, count = planes.shape[:2], planes.shape[2]
    flat = np.ascontiguousarray(planes).reshape(-1, count)
    sides = (stage.depth, stage.image_shape[1 - across])
    along = _resampling(count, stage.image_shape[across], volume.voxel_size[1 - across] / pixel)
    if along is not None:
        flat = np.ascontiguousarray((along @ flat.T).T)
    k, a = (np.arange(side) - side // 2 for side in sides)
    spacing = volume.voxel_size[[2, across]]
    for matrix in rotation_matrices:
        (aa, az), (za, zz) = matrix[np.ix_((across, 2), (across, 2))]
        z = (za * a + zz * k[:, np.newaxis]) * pixel / spacing[0] + shape[0] // 2
        other = (aa * a + az * k[:, np.newaxis]) * pixel / spacing[1] + shape[1] // 2
        weights = _bilinear(z.ravel(), other.ravel(), shape)
        turned_planes = (weights @ flat).reshape(*sides, -1)
        yield turned_planes.transpose(0, 2, 1) if stage.axis == "y" else turned_planes


def _bilinear(rows: Float64Array, columns: Float64Array, shape: tuple[int, int]) -> Any:
    """Return the sparse matrix that samples a plane at points, with zeros outside."""
    first = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    parts = rows - first[0], columns - first[1]
    points, cells, weights = [], [], []
    for down in (0, 1):
        for right in (0, 1):
            row, column = first[0] + down, first[1] + right
            inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
            weight = np.abs(1 - down - parts[0]) * np.abs(1 - right - parts[1])
            points.append(np.flatnonzero(inside))
            cells.append((row * shape[1] + column)[inside])
            weights.append(weight[inside].astype(np.float32))
    entries = (np.concatenate(weights), (np.concatenate(points), np.concatenate(cells)))
    return sparse.csr_matrix(entries, shape=(len(rows), shape[0] * shape[1]))


def _resampling(count: int, wanted: int, stretch: float) -> Any:
    """Return the matrix that brings planes to the spacing of pixels, None where they have it."""
    if wanted == count and abs(stretch - 1) < 1e-3:
        return None
    places = (np.arange(wanted) - wanted // 2) / stretch + count // 2
    return _bilinear(places, np.zeros(wanted), (count, 1))
