"""Total variation: the smoothest volume, edges apart, that explains the images."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import positive_float, positive_integer
from libtilt.errors.options import checked, option
from libtilt.reconstruction.arrays import require_seen, squared_norm
from libtilt.reconstruction.gradient import Gradient
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress

_SAFETY = 1.02
"""The norm is estimated from below."""


@attrs.frozen(kw_only=True)
class TV(Method):
    """Least squares with total variation, by a primal-dual method.

    Minimizes ``sum(weights * (A x - b) ** 2) / 2 + w TV(x)``, where TV adds up the length of the
    gradient in all voxels, over volumes that are nowhere negative.

    Parameters
    ----------
    strength : float, optional
        w as a part of the largest value of the simple backprojection ``A^T (weights * b)``, which
        makes it independent of the density's unit. More of it leaves less noise and less detail: a
        tenth or so for a signal-to-noise ratio of 0.1 in an image, a thousandth for clean images.
    iterations : int, optional
        At most; each projects and backprojects once.
    tolerance : float, optional
        Stop when what is left of both optimality conditions is below this part of their terms.
    nonnegative : bool, optional
        Whether densities below zero are ruled out, as by default.

    Notes
    -----
    Chambolle and Pock 2011, J. Math. Imaging Vis. 40, 120-145, algorithm 1, as Sidky, Jorgensen and
    Pan 2012, Phys. Med. Biol. 57, 3065-3091, write it for tomography; the weights stand on both
    sides as their square roots, and a mask multiplies the steps. Steps follow from the norms
    of projector and gradient. What is left of the optimality conditions is computed as in Goldstein
    et al. 2013, arXiv:1305.0546. It holds seven volumes at once: the iterate, its extrapolation,
    what is backprojected, three of the dual of the gradient, and one more while it backprojects.

    Examples
    --------
    >>> from libtilt.reconstruction import TV
    >>> TV(strength=0.001)
    TV(strength=0.001, iterations=200, tolerance=0.001, nonnegative=True)
    """

    takes: ClassVar[tuple[str, ...]] = ("start", "mask", "weights", "margin", "callback")

    strength: float = attrs.field(
        default=0.05,
        validator=checked(positive_float),
        metadata=option("strength of smoothing", float),
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
    nonnegative: bool = attrs.field(default=True, metadata=option("no negative density", bool))

    def _solve(self, problem: LeastSquares, progress: Progress) -> NDArray[Any]:
        iterate = _PrimalDual(problem, float(self.strength), self.nonnegative)
        progress.record(iterate.misfit)
        for _ in range(self.iterations):
            left = iterate.advance()
            if progress.step(iterate.volume, iterate.misfit):
                break
            if left <= self.tolerance:
                progress.stop_reason = "tolerance"
                break
        return iterate.volume


class _PrimalDual:
    """The state of the method: a volume, and dual variables for images and gradient.

    Images are those of the problem times the roots of their weights.
    """

    def __init__(self, problem: LeastSquares, strength: float, nonnegative: bool) -> None:
        self._problem = problem
        self._images = problem.images * problem.root_weights
        self._length = float(np.sqrt(squared_norm(self._images)))
        self.volume = problem.begin()
        self._ahead = self.volume.copy()
        self._projected = self._forward(self.volume)
        self._projected_before = self._projected
        self._dual = np.zeros_like(problem.images)
        pull = self._adjoint(self._images)
        self._scale = float(np.sqrt(squared_norm(pull)))
        self._gradient = Gradient(
            self.volume.shape,
            problem.dtype,
            spacings=problem.projector.domain.voxel_size,
            limit=strength * float(np.abs(pull).max()),
            least=0.0 if nonnegative else -np.inf,
            mask=problem.mask,
        )
        norm = problem.norm(tolerance=1e-2)
        require_seen(norm)
        squared = (_SAFETY * norm) ** 2
        # Half of what the product of the steps may be goes to the images, half to the gradient.
        self._image_step = 1.0
        self._step = 0.5 / squared
        self._gradient_step = squared / self._gradient.squared_norm

    @property
    def misfit(self) -> float:
        """Of the volume, relative."""
        return self._relative(self._projected - self._images)

    def advance(self) -> float:
        """Do one iteration; return what is left of the optimality conditions, relative."""
        ahead = 2 * self._projected - self._projected_before
        dual = (self._dual + self._image_step * (ahead - self._images)) / (1 + self._image_step)
        self._gradient.ascend(self._ahead, self._gradient_step)
        pull = self._adjoint(dual)
        moved = self._gradient.descend(self.volume, self._ahead, pull, self._step)
        self._projected_before = self._projected
        self._projected = self._forward(self.volume)
        dual_left = (self._dual - dual) / self._image_step + ahead - self._projected
        self._dual = dual
        return max(moved / self._step / self._scale, self._relative(dual_left))

    def _forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        images: NDArray[Any] = self._problem.forward(volume) * self._problem.root_weights
        return images

    def _adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        return self._problem.adjoint(images * self._problem.root_weights)

    def _relative(self, images: NDArray[Any]) -> float:
        return float(np.sqrt(squared_norm(images)) / self._length)
