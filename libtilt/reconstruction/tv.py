"""Least squares with total variation regularization."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from libtilt.errors.checks import positive_float, positive_integer
from libtilt.errors.options import checked, option
from libtilt.reconstruction.arrays import Array, require_visible, squared_norm
from libtilt.reconstruction.gradient import Gradient
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress

_SAFETY = 1.02
"""Factor for the norm, whose estimate is a lower bound."""


@attrs.frozen(kw_only=True)
class TV(Method):
    """Least squares with total variation (TV), by a primal-dual method.

    Minimizes ``sum(weights * (A x - b) ** 2) / 2 + w TV(x)`` over non-negative volumes, where TV is
    the sum of the gradient's magnitude over all voxels.

    Parameters
    ----------
    strength : float, optional
        w relative to the largest value of the simple backprojection ``A^T (weights * b)``, so that
        it does not depend on the unit of density. Larger values remove more noise and more detail:
        about 0.1 suits a signal-to-noise ratio of 0.1 per image, 0.001 clean images.
    iterations : int, optional
        Maximum number; each projects and backprojects once.
    tolerance : float, optional
        Stop when the relative residuals of both optimality conditions fall below this value.
    nonnegative : bool, optional
        Whether densities are kept at zero or above, as by default.

    Notes
    -----
    Chambolle and Pock 2011, J. Math. Imaging Vis. 40, 120-145, algorithm 1, as Sidky, Jorgensen and
    Pan 2012, Phys. Med. Biol. 57, 3065-3091, apply it to tomography. Square roots of the weights
    multiply both A and the images; a mask scales the steps, whose sizes follow from the norms of
    projector and gradient. Residuals of the optimality conditions are those of Goldstein et al.
    2013, arXiv:1305.0546. Memory holds seven volumes: the iterate, its extrapolation, the
    backprojection, three for the dual of the gradient, and one more during backprojection.

    Examples
    --------
    >>> from libtilt.reconstruction import TV
    >>> TV(strength=0.001)
    TV(strength=0.001, iterations=200, tolerance=0.001, nonnegative=True)
    """

    supports: ClassVar[tuple[str, ...]] = ("start", "mask", "weights", "margin", "callback")

    strength: float = attrs.field(
        default=0.05,
        validator=checked(positive_float),
        metadata=option("strength of the regularization", float),
    )
    iterations: int = attrs.field(
        default=200,
        validator=checked(positive_integer),
        metadata=option("largest number of iterations", int),
    )
    tolerance: float = attrs.field(
        default=1e-3,
        validator=checked(positive_float),
        metadata=option("relative optimality error at which to stop", float),
    )
    nonnegative: bool = attrs.field(
        default=True, metadata=option("keep densities at or above 0", bool)
    )

    def _solve(self, problem: LeastSquares, progress: Progress) -> Array:
        iterate = _PrimalDual(problem, float(self.strength), self.nonnegative)
        progress.record(iterate.misfit)
        for _ in range(self.iterations):
            optimality = iterate.advance()
            if progress.step(iterate.volume, iterate.misfit):
                break
            if optimality <= self.tolerance:
                progress.stop_reason = "tolerance"
                break
        return iterate.volume


class _PrimalDual:
    """State of the iteration: a volume, and dual variables for weighted images and gradient."""

    def __init__(self, problem: LeastSquares, strength: float, nonnegative: bool) -> None:
        self._problem = problem
        self._images = problem.images * problem.root_weights
        self._length = float(np.sqrt(squared_norm(self._images)))
        self.volume = problem.initial_volume()
        self._extrapolated = self.volume.copy()
        self._projected = self._forward(self.volume)
        self._projected_before = self._projected
        self._dual = np.zeros_like(problem.images)
        backprojection = self._adjoint(self._images)
        self._scale = float(np.sqrt(squared_norm(backprojection)))
        self._gradient = Gradient(
            self.volume.shape,
            problem.dtype,
            spacings=problem.projector.domain.voxel_size,
            limit=strength * float(np.abs(backprojection).max()),
            least=0.0 if nonnegative else -np.inf,
            mask=problem.mask,
        )
        norm = problem.norm(tolerance=1e-2)
        require_visible(norm)
        squared = (_SAFETY * norm) ** 2
        # Images and gradient each get half of the admissible product of step sizes.
        self._image_step = 1.0
        self._step = 0.5 / squared
        self._gradient_step = squared / self._gradient.squared_norm

    @property
    def misfit(self) -> float:
        """Relative residual of the volume."""
        return self._relative(self._projected - self._images)

    def advance(self) -> float:
        """Do one iteration; return the relative residual of the optimality conditions."""
        extrapolated = 2 * self._projected - self._projected_before
        step = self._image_step
        dual = (self._dual + step * (extrapolated - self._images)) / (1 + step)
        self._gradient.ascend(self._extrapolated, self._gradient_step)
        moved = self._gradient.descend(
            self.volume, self._extrapolated, self._adjoint(dual), self._step
        )
        self._projected_before = self._projected
        self._projected = self._forward(self.volume)
        dual_residual = (self._dual - dual) / step + extrapolated - self._projected
        self._dual = dual
        return max(moved / self._step / self._scale, self._relative(dual_residual))

    def _forward(self, volume: Array) -> Array:
        images: Array = self._problem.forward(volume) * self._problem.root_weights
        return images

    def _adjoint(self, images: Array) -> Array:
        return self._problem.adjoint(images * self._problem.root_weights)

    def _relative(self, images: Array) -> float:
        return float(np.sqrt(squared_norm(images)) / self._length)
