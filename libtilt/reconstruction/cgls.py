"""CGLS: least squares in the fewest projections."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.threads import run_all
from libtilt.errors.checks import finite_array, positive_float, positive_integer
from libtilt.errors.options import checked, option
from libtilt.reconstruction.arrays import require_seen, slabs, squared_norm
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress


def _check_damping(value: Any, name: str) -> None:
    damping = finite_array(value, name)
    if damping.size != 1 or damping.item() < 0:
        raise ValueError(f"{name} must be a number of at least 0, got {value!r}")


@attrs.frozen(kw_only=True)
class CGLS(Method):
    """Conjugate gradients on the least-squares problem.

    The residual falls faster than that of any other method that projects as often; with noise,
    few iterations are the better ones.

    Parameters
    ----------
    iterations : int, optional
        At most; each projects and backprojects once.
    damping : float, optional
        Adds ``damping ** 2`` times the sum of squares of the voxels to what is minimized
        (Tikhonov); compare it with `LeastSquares.norm`.
    tolerance : float, optional
        Stop when the gradient's norm has fallen to this part of the first one.

    Notes
    -----
    Hestenes and Stiefel 1952, J. Res. Nat. Bur. Standards 49, 409-436, in the form of Bjorck 1996,
    "Numerical Methods for Least Squares Problems", algorithm 7.4.1; the weights stand on both sides
    as their square roots, and a mask preconditions.

    Examples
    --------
    >>> from libtilt.reconstruction import CGLS
    >>> CGLS(iterations=5)
    CGLS(iterations=5, damping=0.0, tolerance=1e-06)
    """

    takes: ClassVar[tuple[str, ...]] = ("start", "mask", "weights", "margin", "callback")

    iterations: int = attrs.field(
        default=10,
        validator=checked(positive_integer),
        metadata=option("largest number of iterations", int),
    )
    damping: float = attrs.field(
        default=0.0,
        validator=checked(_check_damping),
        metadata=option("weight of Tikhonov regularization", float),
    )
    tolerance: float = attrs.field(
        default=1e-6,
        validator=checked(positive_float),
        metadata=option("relative norm of the gradient at which to stop", float),
    )

    def _solve(self, problem: LeastSquares, progress: Progress) -> NDArray[Any]:
        volume, damping = problem.begin(), float(self.damping)
        residual = problem.images.copy() if problem.start is None else problem.residual(volume)
        direction, size = self._downhill(problem, residual, volume)
        first = size
        if problem.start is None:
            require_seen(size)
        progress.record(problem.misfit(residual))
        for _ in range(self.iterations):
            if size <= self.tolerance**2 * first:
                progress.stop_reason = "tolerance"
                break
            projected = problem.forward(direction)
            curvature = problem.squared_norm(projected) + damping**2 * squared_norm(direction)
            _add(volume, size / curvature, direction)
            _add(residual, -size / curvature, projected)
            before = size
            gradient, size = self._downhill(problem, residual, volume)
            _turn(direction, size / before, gradient)
            del gradient  # Not to be kept while the next one is made.
            if progress.step(volume, problem.misfit(residual)):
                break
        return volume

    def _downhill(
        self, problem: LeastSquares, residual: NDArray[Any], volume: NDArray[Any]
    ) -> tuple[NDArray[Any], float]:
        """Return the masked direction of steepest descent, and its product with the plain one."""
        gradient = problem.descent(residual)
        if self.damping:
            _add(gradient, -(float(self.damping) ** 2), volume)
        if problem.mask is None:
            return gradient, squared_norm(gradient)
        size = squared_norm(gradient * np.sqrt(problem.mask))
        return problem.masked(gradient), size


def _add(target: NDArray[Any], factor: float, array: NDArray[Any]) -> None:
    """Add a multiple of an array in place."""
    scale = target.dtype.type(factor)

    def add(part: slice) -> None:
        target[part] += scale * array[part]

    run_all(add, slabs(target), None)


def _turn(direction: NDArray[Any], factor: float, gradient: NDArray[Any]) -> None:
    """Multiply a direction by a factor and add the gradient, in place."""
    scale = direction.dtype.type(factor)

    def turn(part: slice) -> None:
        direction[part] *= scale
        direction[part] += gradient[part]

    run_all(turn, slabs(direction), None)
