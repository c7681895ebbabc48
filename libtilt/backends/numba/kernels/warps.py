"""Resampling of images by cubic B-splines, and its transpose.

An image is zero outside. Its spline's coefficients are a convolution with a kernel that is its own
mirror image: the transpose of the filter is the filter. They are kept on the image and `PADDING`
pixels around it, over which they fall to 1e-7.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled
from libtilt.backends.numba.kernels.patches import add_patch, sum_patch

PADDING = 12
"""Pixels around an image on which coefficients are kept."""

_POLE = math.sqrt(3.0) - 2.0
_END = -_POLE / (1.0 - _POLE * _POLE)
_GAIN = 36.0
_HAIR = 1e-6
_ROWS = 16
_APART = 8


@compiled
def sample_splines(matrix: Any, source: Any, target: Any) -> None:
    """Sample `source` at ``matrix @ (column, row, 1)``, column and row, for all of `target`."""
    coefficients = _padded(source.shape, source.dtype)
    gain = source.dtype.type(_GAIN)
    for r in range(source.shape[0]):
        for c in range(source.shape[1]):
            coefficients[r + PADDING, c + PADDING] = gain * source[r, c]
    _filter(coefficients)
    height, width = coefficients.shape
    flat = coefficients.reshape(-1)
    for r in range(target.shape[0]):
        left = matrix[0, 1] * r + matrix[0, 2] + PADDING
        top = matrix[1, 1] * r + matrix[1, 2] + PADDING
        first, end = _inside(matrix, left, top, width, height, target.shape[1])
        target[r, :first] = 0
        target[r, end:] = 0
        for c in range(first, end):
            x, y = matrix[0, 0] * c + left, matrix[1, 0] * c + top
            column, row = int(x), int(y)
            place = (row - 1) * width + column - 1
            target[r, c] = sum_patch(flat, place, width, y - row, x - column)


@compiled
def spread_splines(matrix: Any, source: Any, target: Any) -> None:
    """Write to `target` what `sample_splines` takes from it to make `source`: its transpose."""
    coefficients = _padded(target.shape, target.dtype)
    height, width = coefficients.shape
    flat = coefficients.reshape(-1)
    for r in range(source.shape[0]):
        left = matrix[0, 1] * r + matrix[0, 2] + PADDING
        top = matrix[1, 1] * r + matrix[1, 2] + PADDING
        # One after the other, neighbours would wait for each other's sums.
        first, end = _inside(matrix, left, top, width, height, source.shape[1])
        for start in range(first, first + _APART):
            for c in range(start, end, _APART):
                x, y = matrix[0, 0] * c + left, matrix[1, 0] * c + top
                column, row = int(x), int(y)
                place = (row - 1) * width + column - 1
                add_patch(flat, place, width, y - row, x - column, source[r, c])
    _filter(coefficients)
    gain = target.dtype.type(_GAIN)
    for r in range(target.shape[0]):
        for c in range(target.shape[1]):
            target[r, c] = gain * coefficients[r + PADDING, c + PADDING]


@compiled
def _padded(shape: Any, dtype: Any) -> Any:
    return np.zeros((shape[0] + 2 * PADDING, shape[1] + 2 * PADDING), dtype)


@compiled
def _inside(
    matrix: Any, left: float, top: float, width: int, height: int, count: int
) -> tuple[int, int]:
    """Return the first of `count` columns whose patch lies inside, and the one after the last."""
    first, last = 0.0, count - 1.0
    for start, step, size in ((left, matrix[0, 0], width), (top, matrix[1, 0], height)):
        # A hair inside, whatever rounding does.
        low, high = 1.0 + _HAIR - start, size - 2.0 - _HAIR - start
        if step < 0.0:
            low, high, step = -high, -low, -step
        if step * count > _HAIR * _HAIR:
            first, last = max(first, np.ceil(low / step)), min(last, np.floor(high / step))
        elif low > 0.0 or high < 0.0:
            last = -1.0
    return int(min(first, float(count))), int(max(last + 1.0, min(first, float(count))))


@compiled
def _filter(image: Any) -> None:
    """Convolve both axes, in place, by the inverse of the sampled B-spline, over its gain."""
    _filter_down(image)
    _filter_across(image)


@compiled
def _filter_down(image: Any) -> None:
    pole, end = image.dtype.type(_POLE), image.dtype.type(_END)
    height, width = image.shape
    for r in range(1, height):
        for c in range(width):
            image[r, c] += pole * image[r - 1, c]
    for c in range(width):
        image[height - 1, c] *= end
    for r in range(height - 2, -1, -1):
        for c in range(width):
            image[r, c] = pole * (image[r + 1, c] - image[r, c])


@compiled
def _filter_across(image: Any) -> None:
    """Filter along rows, some of them at a time, for one alone would wait for itself."""
    pole, end = image.dtype.type(_POLE), image.dtype.type(_END)
    height, width = image.shape
    for top in range(0, height, _ROWS):
        rows = image[top : min(top + _ROWS, height)]
        for c in range(1, width):
            for r in range(len(rows)):
                rows[r, c] += pole * rows[r, c - 1]
        for r in range(len(rows)):
            rows[r, width - 1] *= end
        for c in range(width - 2, -1, -1):
            for r in range(len(rows)):
                rows[r, c] = pole * (rows[r, c + 1] - rows[r, c])
