"""The function by which finufft spreads points on a grid and interpolates between its values."""

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
    """What a point spreads along an axis.

    Attributes
    ----------
    width : int
        How many grid points it reaches.
    nodes, weights : ndarray
        Distances from the point in steps of the grid, and what integrates the function over them.
    """

    width: int
    nodes: Float64Array
    weights: Float64Array

    @classmethod
    def of(cls, options: dict[str, Any]) -> Kernel:
        """Return the kernel that finufft takes for some options in three dimensions.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt.backends.fourier.kernel import Kernel
        >>> from libtilt.backends.fourier.nufft import nufft_options
        >>> Kernel.of(nufft_options(1e-3, np.dtype("float64"))).width < 10
        True
        """
        # Not in float64 for either: the width is another one for float32.
        grid = np.zeros((_SIDE,) * 3, options["dtype"])
        grid[(_SIDE // 2,) * 3] = 1
        # Between two grid points, so that none lies at an end, where it might count or not.
        steps = np.arange(_SIDE / 2) - _SIDE / 4 + 0.3
        width = int(np.count_nonzero(_along_an_axis(grid, steps, options)))
        roots, weights = np.polynomial.legendre.leggauss(_NODES)
        nodes = roots * width / 2
        values = _along_an_axis(grid, nodes, options)
        middle = _along_an_axis(grid, np.zeros(1), options)[0]
        # A value is a product of three, two of them taken at the middle.
        values = values * np.cbrt(middle) / middle
        return cls(width, nodes, values * weights * width / 2)

    def factors(self, count: int, fine: int) -> Float64Array:
        """Return what undoes the spreading at `count` modes of a grid of `fine` points.

        The grid begins half a period before the origin, which turns the sign of odd modes.
        """
        modes = np.arange(count) - count // 2
        turns = np.cos(np.multiply.outer(2 * math.pi / fine * modes, self.nodes))
        factors: Float64Array = (1 - 2 * (modes % 2)) / (turns @ self.weights)
        return factors


def _along_an_axis(
    grid: NDArray[Any], distances: Float64Array, options: dict[str, Any]
) -> Float64Array:
    points = np.zeros((3, len(distances)), grid.real.dtype)
    points[2] = 2 * np.pi / _SIDE * distances
    values: Float64Array = interpolation(2, grid.shape, points, options).execute(grid).real
    return values.astype(np.float64)


def interpolation(
    kind: int, shape: tuple[int, ...], points: NDArray[Any], options: dict[str, Any]
) -> Any:
    """Return a plan that only spreads from points to a grid (1), or interpolates back (2)."""
    plan = finufft.Plan(kind, shape, spreadinterponly=1, **options)
    plan.setpts(*points)
    return plan
