"""Resampling of images by cubic B-splines, and its transpose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.numba.kernels.compiled import as_writable
from libtilt.backends.numba.kernels.spline_warps import (
    GAIN,
    PADDING,
    filter_spline,
    sample_spline,
    spread_spline,
)
from libtilt.backends.numba.vector_unit import select_unit
from libtilt.errors.checks import Float64Array

_INSIDE = slice(PADDING, -PADDING)


def sample_splines(matrix: Float64Array, source: NDArray[Any], target: NDArray[Any]) -> None:
    """Sample `source` at ``matrix @ (column, row, 1)`` (column, row) for each pixel of `target`."""
    coefficients = _padded(source)
    coefficients[_INSIDE, _INSIDE] = source.dtype.type(GAIN) * source
    filter_spline(coefficients)
    sampled = np.empty(target.shape, target.dtype)
    unit = select_unit(sample_spline, _example_of_samples, source.dtype)
    sample_spline(unit, matrix, coefficients, sampled)
    target[:] = sampled


def spread_splines(matrix: Float64Array, source: NDArray[Any], target: NDArray[Any]) -> None:
    """Write the transpose of `sample_splines`, applied to `source`, to `target`."""
    coefficients = _padded(target)
    unit = select_unit(spread_spline, _example_of_spreads, source.dtype)
    spread_spline(unit, matrix, as_writable(source), coefficients)
    filter_spline(coefficients)
    target[:] = target.dtype.type(GAIN) * coefficients[_INSIDE, _INSIDE]


def _padded(image: NDArray[Any]) -> NDArray[Any]:
    return np.zeros([n + 2 * PADDING for n in image.shape], image.dtype)


def _example_of_samples(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Return arguments for `sample_spline`: a few pixels in the middle of a small image."""
    matrix = np.array([[0.75, 0.5, 1.25], [-0.5, 0.75, 2.0]])
    shape = 2 * PADDING + 3, 2 * PADDING + 4
    coefficients = np.sqrt(np.arange(shape[0] * shape[1], dtype=dtype)).reshape(shape)
    return matrix, coefficients, np.empty((2, 3), dtype)


def _example_of_spreads(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Return arguments for `spread_spline`: the same pixels."""
    matrix, coefficients, pixels = _example_of_samples(dtype)
    pixels[:] = [[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]]
    return matrix, pixels, coefficients
