"""Resampling of images by cubic B-splines, and its transpose.

Coefficients are given, with the zeros around them that `libtilt.backends.splines` adds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled


@compiled
def _four_weights(t: float, weights: Any) -> None:
    """Fill in the cubic B-spline at ``1 + t``, t, ``1 - t`` and ``2 - t``."""
    s = 1.0 - t
    weights[0] = s * s * s / 6.0
    weights[1] = (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0
    weights[2] = (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0
    weights[3] = t * t * t / 6.0


@compiled
def sample_splines(matrix: Any, padding: int, coefficients: Any, target: Any) -> None:
    """Sample a spline at ``matrix @ (column, row, 1)``, column and row, for all of `target`."""
    height, width = coefficients.shape
    across, down = np.empty(4), np.empty(4)
    for r in range(target.shape[0]):
        for c in range(target.shape[1]):
            x = matrix[0, 0] * c + matrix[0, 1] * r + matrix[0, 2] + padding
            y = matrix[1, 0] * c + matrix[1, 1] * r + matrix[1, 2] + padding
            total = 0.0
            if 1.0 <= x < width - 2.0 and 1.0 <= y < height - 2.0:
                column, row = int(x), int(y)
                _four_weights(x - column, across)
                _four_weights(y - row, down)
                for j in range(4):
                    part = 0.0
                    for i in range(4):
                        part += across[i] * coefficients[row + j - 1, column + i - 1]
                    total += down[j] * part
            target[r, c] = total


@compiled
def spread_splines(matrix: Any, padding: int, source: Any, coefficients: Any) -> None:
    """Add `source` to where `sample_splines` takes it from: its transpose."""
    height, width = coefficients.shape
    across, down = np.empty(4), np.empty(4)
    for r in range(source.shape[0]):
        for c in range(source.shape[1]):
            x = matrix[0, 0] * c + matrix[0, 1] * r + matrix[0, 2] + padding
            y = matrix[1, 0] * c + matrix[1, 1] * r + matrix[1, 2] + padding
            if 1.0 <= x < width - 2.0 and 1.0 <= y < height - 2.0:
                column, row = int(x), int(y)
                _four_weights(x - column, across)
                _four_weights(y - row, down)
                for j in range(4):
                    part = down[j] * source[r, c]
                    for i in range(4):
                        coefficients[row + j - 1, column + i - 1] += across[i] * part
