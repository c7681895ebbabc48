"""Resampling of images by cubic B-splines, and its transpose.

Images are zero outside. The spline coefficients are a convolution with a symmetric kernel, so the
filter is its own transpose. Coefficients are computed on the image and `PADDING` pixels around it,
over which they decay to 1e-7.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled, compiled_helper, has_vector_form

PADDING = 12
"""Pixels around an image on which coefficients are computed."""

_POLE = math.sqrt(3.0) - 2.0
_END = -_POLE / (1.0 - _POLE * _POLE)
GAIN = 36.0
"""Factor applied to an image in addition to `filter_spline`."""

_TOLERANCE = 1e-6
_ROWS = 16
_APART = 8


@compiled
def sample_spline(unit: Any, matrix: Any, coefficients: Any, target: Any) -> None:
    """Sample a spline at ``matrix @ (column, row, 1)`` (column, row) for each pixel of `target`."""
    height, width = coefficients.shape
    flat = coefficients.reshape(-1)
    for r in range(target.shape[0]):
        left = matrix[0, 1] * r + matrix[0, 2] + PADDING
        top = matrix[1, 1] * r + matrix[1, 2] + PADDING
        first, end = _inside(matrix, left, top, width, height, target.shape[1])
        for c in range(target.shape[1]):
            target[r, c] = 0
        for c in range(first, end):
            x, y = matrix[0, 0] * c + left, matrix[1, 0] * c + top
            column, row = int(x), int(y)
            place = (row - 1) * width + column - 1
            target[r, c] = sum_patch(unit, flat, place, width, y - row, x - column)


@compiled
def spread_spline(unit: Any, matrix: Any, source: Any, coefficients: Any) -> None:
    """Add the transpose of `sample_spline`, applied to `source`, to the coefficients."""
    height, width = coefficients.shape
    flat = coefficients.reshape(-1)
    for r in range(source.shape[0]):
        left = matrix[0, 1] * r + matrix[0, 2] + PADDING
        top = matrix[1, 1] * r + matrix[1, 2] + PADDING
        # In direct order, neighbors would wait for each other's sums.
        first, end = _inside(matrix, left, top, width, height, source.shape[1])
        for start in range(first, first + _APART):
            for c in range(start, end, _APART):
                x, y = matrix[0, 0] * c + left, matrix[1, 0] * c + top
                column, row = int(x), int(y)
                place = (row - 1) * width + column - 1
                add_patch(unit, flat, place, width, y - row, x - column, source[r, c])


@compiled
def filter_spline(image: Any) -> None:
    """Convolve both axes in place with the inverse of the sampled B-spline, without its gain."""
    _filter_down(image)
    _filter_across(image)


@compiled_helper
def _weights(values: Any, fraction: float) -> tuple[Any, Any, Any, Any]:
    """Return the four weights of a cubic B-spline, in the dtype of `values`."""
    kind = values.dtype.type
    t, six = kind(fraction), kind(6.0)
    one, three, four = kind(1.0), kind(3.0), kind(4.0)
    rest = one - t
    inner = (four + t * t * (three * t - six)) / six
    return (
        rest * rest * rest / six,
        inner,
        (four + rest * rest * (three * rest - six)) / six,
        t * t * t / six,
    )


@has_vector_form
def sum_patch(unit: Any, values: Any, place: int, row: int, down: float, across: float) -> Any:
    """Return the sum of four by four values, weighted by cubic B-splines.

    `values` is flat, `place` the index of the first, and `row` the distance between rows. `down`
    and `across` are the fractions by which the sample lies beyond the second row and column.
    """
    rows, columns = _weights(values, down), _weights(values, across)
    total = values.dtype.type(0.0)
    for r in range(4):
        line = values.dtype.type(0.0)
        for c in range(4):
            line += columns[c] * values[place + r * row + c]
        total += rows[r] * line
    return total


@has_vector_form
def add_patch(
    unit: Any, values: Any, place: int, row: int, down: float, across: float, value: Any
) -> None:
    """Add `value` where `sum_patch` reads, with the same weights: its transpose."""
    rows, columns = _weights(values, down), _weights(values, across)
    for r in range(4):
        for c in range(4):
            values[place + r * row + c] += rows[r] * columns[c] * value


@compiled_helper
def _inside(
    matrix: Any, left: float, top: float, width: int, height: int, count: int
) -> tuple[int, int]:
    """Return the first of `count` columns whose patch lies inside, and the one after the last."""
    first, last = 0.0, count - 1.0
    for start, step, size in ((left, matrix[0, 0], width), (top, matrix[1, 0], height)):
        # A tolerance inside, against rounding.
        low, high = 1.0 + _TOLERANCE - start, size - 2.0 - _TOLERANCE - start
        if step < 0.0:
            low, high, step = -high, -low, -step
        if step * count > _TOLERANCE * _TOLERANCE:
            first, last = max(first, np.ceil(low / step)), min(last, np.floor(high / step))
        elif low > 0.0 or high < 0.0:
            last = -1.0
    return int(min(first, float(count))), int(max(last + 1.0, min(first, float(count))))


@compiled_helper
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


@compiled_helper
def _filter_across(image: Any) -> None:
    """Filter along rows, several at a time, since steps along one row depend on each other."""
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
