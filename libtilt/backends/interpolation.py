"""Linear interpolation weights, zero outside, and sparse matrices of them."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import DTypeLike, NDArray

from libtilt.backends.splines import taps
from libtilt.errors.checks import Float64Array


def linear_weights(position: Float64Array, size: int) -> tuple[NDArray[np.intp], Float64Array]:
    """Return two indices and weights for each position; weights outside ``range(size)`` are 0."""
    indices, weights = taps(position, size, 1)
    return np.stack(indices, axis=-1), np.stack(weights, axis=-1)


def bilinear_matrix(
    row: Float64Array, column: Float64Array, shape: tuple[int, int], dtype: DTypeLike
) -> scipy.sparse.csr_array:
    """Return the sparse matrix `(m, rows * columns)` that samples a plane at points, zero outside.

    `row` and `column` `(m, ...)` are fractional indices of points; a row of the matrix sums the
    points of one first index. `shape` is that of the plane.
    """
    rows, columns = shape
    row_index, row_weight = linear_weights(row, rows)
    column_index, column_weight = linear_weights(column, columns)
    index = row_index[..., :, np.newaxis] * columns + column_index[..., np.newaxis, :]
    weight = row_weight[..., :, np.newaxis] * column_weight[..., np.newaxis, :]
    return sparse_rows(index, weight, rows * columns).astype(dtype)


def sparse_rows(
    index: NDArray[np.intp], weight: Float64Array, columns: int
) -> scipy.sparse.csr_array:
    """Return a matrix with a row per first index, duplicate entries summed, zeros removed."""
    rows = len(index)
    small = max(index.size, columns) < np.iinfo(np.int32).max
    kind = np.int32 if small else np.int64
    starts = np.linspace(0, index.size, rows + 1).astype(kind)
    matrix = scipy.sparse.csr_array(
        (weight.ravel(), index.ravel().astype(kind), starts), shape=(rows, columns)
    )
    matrix.eliminate_zeros()
    matrix.sum_duplicates()
    return matrix
