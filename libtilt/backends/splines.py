"""Spline interpolation by `scipy.ndimage`, and the exact transpose of each of its steps.

Arrays are interpolated against zeros outside (`scipy.ndimage`'s ``grid-constant``). For a cubic
spline, an array is padded by zeros, over which the coefficients decay, and filtered into
coefficients, of which interpolation weights four per axis.
"""

from __future__ import annotations

import itertools

import numpy as np
import scipy
from numpy.typing import NDArray

from libtilt.errors.checks import Float64Array, FloatArray

PADDING = {0: 0, 1: 0, 3: 12}
"""Zeros on each side, by order; `scipy.ndimage` also pads by 12 for a cubic spline."""

SUPPORT = {0: 0.5, 1: 1.0, 3: 14.0}
"""Distance beyond the outermost sample at which the interpolant becomes zero, by order."""


def coefficients(array: FloatArray, order: int, axes: tuple[int, ...]) -> FloatArray:
    """Return the spline coefficients of `array` along `axes`, padded if the order needs it."""
    if PADDING[order] == 0:
        return array
    widths = [(PADDING[order],) * 2 if axis in axes else (0, 0) for axis in range(array.ndim)]
    filtered = np.pad(array, widths)
    for axis in axes:
        filtered = scipy.ndimage.spline_filter1d(
            filtered, order, axis, output=array.dtype, mode="mirror"
        )
    return filtered


def coefficients_adjoint(array: FloatArray, order: int, axes: tuple[int, ...]) -> FloatArray:
    """Apply the transpose of `coefficients`.

    The filter inverts a matrix that, for mirrored ends, becomes symmetric when its first and last
    rows are halved: ``F.T = W @ F @ inv(W)`` with W = diag(1/2, 1, ..., 1, 1/2).
    """
    if PADDING[order] == 0:
        return array
    inner = [slice(None)] * array.ndim
    filtered = array
    for axis in axes:
        weights = np.ones(array.shape[axis])
        weights[[0, -1]] = 0.5
        weights = weights.reshape([-1 if a == axis else 1 for a in range(array.ndim)])
        filtered = (
            scipy.ndimage.spline_filter1d(filtered / weights, order, axis, mode="mirror") * weights
        )
        inner[axis] = slice(PADDING[order], -PADDING[order])
    result: FloatArray = filtered[tuple(inner)]
    return result


def taps(
    position: Float64Array, size: int, order: int
) -> tuple[list[NDArray[np.intp]], list[Float64Array]]:
    """Return the indices and weights of interpolation at `position` along one axis.

    Weights follow the B-spline of order 1 or 3; those outside ``range(size)`` are 0.
    """
    first = np.floor(position)
    t = position - first
    if order == 1:
        start, weights = 0, [1 - t, t]
    else:
        s = 1 - t
        middle = [(4 - 6 * a**2 + 3 * a**3) / 6 for a in (t, s)]
        start, weights = -1, [s**3 / 6, *middle, t**3 / 6]
    indices = [first.astype(np.intp) + start + tap for tap in range(len(weights))]
    inside = [(index >= 0) & (index < size) for index in indices]
    return (
        [np.where(ok, index, 0) for ok, index in zip(inside, indices, strict=True)],
        [np.where(ok, weight, 0.0) for ok, weight in zip(inside, weights, strict=True)],
    )


def splat(
    positions: list[Float64Array], values: Float64Array, shape: tuple[int, ...], order: int
) -> tuple[NDArray[np.intp], Float64Array]:
    """Return flat indices and additions that apply the transpose of interpolation.

    `positions` has an array `(m,)` per axis of the target, `values` one value per position. Both
    results have shape ``(m * taps,)``, for `numpy.add.at` on the flat target.
    """
    reach = SUPPORT[1] if order == 1 else 2.0
    near = np.ones(len(values), dtype=bool)
    for position, size in zip(positions, shape, strict=True):
        near &= (position > -reach) & (position < size - 1 + reach)
    per_axis = [
        taps(position[near], size, order) for position, size in zip(positions, shape, strict=True)
    ]
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    indices, additions = [], []
    for choice in itertools.product(range(order + 1), repeat=len(shape)):
        index = np.zeros(int(near.sum()), dtype=np.intp)
        weight = values[near]
        for tap, stride, (index_taps, weight_taps) in zip(choice, strides, per_axis, strict=True):
            index += index_taps[tap] * stride
            weight = weight * weight_taps[tap]
        indices.append(index)
        additions.append(weight)
    return np.concatenate(indices), np.concatenate(additions)
