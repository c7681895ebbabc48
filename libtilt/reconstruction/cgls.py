"""CGLS: conjugate gradients for least squares."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from libtilt.backends.threads import run_all
from libtilt.errors.checks import finite_array, positive_float, positive_integer
from libtilt.errors.options import checked, option
from libtilt.reconstruction.arrays import Array, require_visible, slabs, squared_norm
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress


def _check_damping(value: Any, name: str) -> None:
    damping = finite_array(value, name)
    if damping.size != 1 or damping.item() < 0:
        raise ValueError(f"{name} must be a number of at least 0, got {value!r}")


@attrs.frozen(kw_only=True)
class CGLS(Method):
    """Conjugate gradients on the least-squares problem.

    CGLS reduces the residual more than any other method here, for the same number of projections.
    Use few iterations for noisy images.

    Parameters
    ----------
    iterations : int, optional
        Maximum number; each projects and backprojects once.
    damping : float, optional
        Tikhonov regularization: adds ``damping ** 2`` times the sum of squared voxels to the
        objective; its scale is that of `LeastSquares.norm`.
    tolerance : float, optional
        Stop when the norm of the gradient, relative to the initial one, falls to this value.

    Notes
    -----
    Hestenes and Stiefel 1952, J. Res. Nat. Bur. Standards 49, 409-436, in the form of Bjorck 1996,
    "Numerical Methods for Least Squares Problems", algorithm 7.4.1. The square roots of the weights
    multiply both A and the images; a mask acts as a preconditioner.

    Examples
    --------
    >>> from libtilt.reconstruction import CGLS
    >>> CGLS(iterations=5)
    CGLS(iterations=5, damping=0.0, tolerance=1e-06)
    """

    supports: ClassVar[tuple[str, ...]] = ("start", "mask", "weights", "margin", "callback")

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

    def _solve(self, problem: LeastSquares, progress: Progress) -> Array:
        volume, damping = problem.initial_volume(), float(self.damping)
        residual = problem.images.copy() if problem.start is None else problem.residual(volume)
        direction, size = self._gradient(problem, residual, volume)
        first = size
        if problem.start is None:
            require_visible(size)
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
            gradient, size = self._gradient(problem, residual, volume)
            _update_direction(direction, size / before, gradient)
            del gradient  # Frees memory before the next one is computed.
            if progress.step(volume, problem.misfit(residual)):
                break
        return volume

    def _gradient(
        self, problem: LeastSquares, residual: Array, volume: Array
    ) -> tuple[Array, float]:
        """Return the masked negative gradient, and its inner product with the unmasked one."""
        gradient = problem.descent(residual)
        if self.damping:
            _add(gradient, -(float(self.damping) ** 2), volume)
        if problem.mask is None:
            return gradient, squared_norm(gradient)
        size = squared_norm(gradient * np.sqrt(problem.mask))
        return problem.apply_mask(gradient), size


def _add(target: Array, factor: float, array: Array) -> None:
    """Add a multiple of an array in place."""
    scale = target.dtype.type(factor)

    def add(part: slice) -> None:
        target[part] += scale * array[part]

    run_all(add, slabs(target), None)


def _update_direction(direction: Array, factor: float, gradient: Array) -> None:
    """Set the search direction to `factor` times itself plus the gradient, in place."""
    scale = direction.dtype.type(factor)

    def update(part: slice) -> None:
        direction[part] *= scale
        direction[part] += gradient[part]

    run_all(update, slabs(direction), None)
