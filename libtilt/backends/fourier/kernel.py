"""The kernel with which finufft spreads points onto a grid and interpolates from it."""

from __future__ import annotations

import math
from typing import Any

import attrs
import finufft
import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import Float64Array

_SIDE = 32
_NODES = 200


@attrs.frozen(eq=False)
class Kernel:
    """The spreading kernel along one axis, which reaches `width` grid points.

    `nodes` are quadrature nodes, distances from a point in grid steps; `weights` are the kernel's
    values there times the quadrature weights.
    """

    width: int
    nodes: Float64Array
    weights: Float64Array

    @classmethod
    def measure(cls, options: dict[str, Any]) -> Kernel:
        """Measure the kernel that finufft uses in three dimensions with some options."""
        # In the dtype of the options, since the width depends on it.
        grid = np.zeros((_SIDE,) * 3, options["dtype"])
        grid[(_SIDE // 2,) * 3] = 1
        # Between grid points, so that no step lies at an end of the kernel.
        steps = np.arange(_SIDE / 2) - _SIDE / 4 + 0.3
        width = int(np.count_nonzero(_kernel_values(grid, steps, options)))
        roots, weights = np.polynomial.legendre.leggauss(_NODES)
        nodes = roots * width / 2
        values = _kernel_values(grid, nodes, options)
        middle = _kernel_values(grid, np.zeros(1), options)[0]
        # A value is the product of three kernels, two of them at their middle.
        values = values * np.cbrt(middle) / middle
        return cls(width, nodes, values * weights * width / 2)

    def factors(self, count: int, fine: int) -> Float64Array:
        """Return the factors that undo the spreading at `count` modes of a grid of `fine` points.

        The grid starts half a period before the origin, which flips the sign of odd modes.
        """
        modes = np.arange(count) - count // 2
        turns = np.cos(np.multiply.outer(2 * math.pi / fine * modes, self.nodes))
        factors: Float64Array = (1 - 2 * (modes % 2)) / (turns @ self.weights)
        return factors


def _kernel_values(
    grid: NDArray[Any], distances: Float64Array, options: dict[str, Any]
) -> Float64Array:
    points = np.zeros((3, len(distances)), grid.real.dtype)
    points[2] = 2 * np.pi / _SIDE * distances
    values: Float64Array = spreading_plan(2, grid.shape, points, options).execute(grid).real
    return values.astype(np.float64)


def spreading_plan(
    kind: int, shape: tuple[int, ...], points: NDArray[Any], options: dict[str, Any]
) -> Any:
    """Return a finufft plan that only spreads points to a grid (1) or interpolates (2)."""
    plan = finufft.Plan(kind, shape, spreadinterponly=1, **options)
    plan.setpts(*points)
    return plan
