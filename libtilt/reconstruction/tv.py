"""Total variation: the smoothest volume, edges apart, that explains the images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from libtilt._checks import positive_float, positive_integer
from libtilt.backends.base import Backend
from libtilt.projector import Projector
from libtilt.reconstruction.arrays import relative_norm, require_seen, squared_norm
from libtilt.reconstruction.gradient import Gradient
from libtilt.reconstruction.problem import Callback, Problem
from libtilt.reconstruction.result import Reconstruction
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

_SAFETY = 1.02
"""The norm is estimated from below."""


def tv(
    tilt_series: TiltSeries,
    *,
    volume_shape: tuple[int, ...] | None = None,
    projector: Projector | None = None,
    strength: float = 0.05,
    iterations: int = 200,
    tolerance: float = 1e-3,
    nonnegative: bool = True,
    start: Volume | ArrayLike | None = None,
    callback: Callback | None = None,
    backend: str | type[Backend] | Backend = "auto",
) -> Reconstruction:
    """Reconstruct by least squares with total variation, by a primal-dual method.

    Minimises ``|A x - b|^2 / 2 + w TV(x)``, where TV adds up the length of the gradient in all
    voxels, over volumes that are nowhere negative.

    Parameters
    ----------
    tilt_series : TiltSeries
        ``n`` images of shape ``(h, w)``.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of the volume; needed where there is no projector that knows it.
    projector : Projector, optional
        Or a subclass; by default one is made for the series, ray-driven, with voxels as large as
        its pixels.
    strength : float, optional
        w as a part of the largest value of the simple backprojection ``A^T b``, which makes it
        independent of the density's unit. More of it leaves less noise and less detail: a tenth
        or so for a signal-to-noise ratio of 0.1 in an image, a thousandth for clean images.
    iterations : int, optional
        At most; each projects and backprojects once.
    tolerance : float, optional
        Stop when what is left of both optimality conditions is below this part of their terms.
    nonnegative : bool, optional
        Whether densities below zero are ruled out, as by default.
    start : Volume or array_like, shape (d, h, w), optional
        Where to start, by default from zero.
    callback : callable, optional
        Called as ``callback(iteration, volume, residual)`` after each iteration, counted from 1;
        the volume is not a copy. If it returns True, that was the last one.
    backend : str, type or Backend, optional
        Where no projector is given.

    Returns
    -------
    Reconstruction

    Raises
    ------
    ValueError
        If shapes or an option do not fit, or an image is flat or has NaN.

    Notes
    -----
    Chambolle and Pock 2011, J. Math. Imaging Vis. 40, 120-145, algorithm 1, as Sidky, Jorgensen and
    Pan 2012, Phys. Med. Biol. 57, 3065-3091, write it for tomography. Steps follow from the norms
    of projector and gradient. What is left of the optimality conditions is computed as in Goldstein
    et al. 2013, arXiv:1305.0546. It holds seven volumes at once: the iterate, its extrapolation,
    what is backprojected, three of the dual of the gradient, and one more while it backprojects.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import tv
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> result = tv(series, volume_shape=(16, 16, 16), strength=0.001, iterations=50)
    >>> bool(result.residuals[-1] < 0.1), bool(result.volume.data.min() >= 0)
    (True, True)
    """
    positive_integer(iterations, "iterations")
    limit = positive_float(tolerance, "tolerance")
    problem = Problem.of(tilt_series, projector, volume_shape, backend=backend)
    iterate = _PrimalDual(problem, positive_float(strength, "strength"), nonnegative, start)
    residuals, stopped_by = [iterate.residual], "iterations"
    for iteration in range(1, iterations + 1):
        left = iterate.advance()
        residuals.append(iterate.residual)
        if callback and callback(iteration, problem.volume(iterate.volume), residuals[-1]):
            stopped_by = "callback"
            break
        if left <= limit:
            stopped_by = "tolerance"
            break
    return Reconstruction(problem.volume(iterate.volume), np.array(residuals), stopped_by)


class _PrimalDual:
    """The state of the method: a volume, and dual variables for images and gradient."""

    def __init__(self, problem: Problem, strength: float, nonnegative: bool, start: Any) -> None:
        self._problem = problem
        self.volume = problem.start(start)
        self._ahead = self.volume.copy()
        self._projected = problem.forward(self.volume)
        self._projected_before = self._projected
        self._dual = np.zeros_like(problem.images)
        pull = problem.adjoint(problem.images)
        self._scale = float(np.sqrt(squared_norm(pull)))
        self._gradient = Gradient(
            self.volume.shape,
            problem.images.dtype,
            spacings=problem.projector.domain.voxel_size,
            limit=strength * float(np.abs(pull).max()),
            least=0.0 if nonnegative else -np.inf,
        )
        norm = problem.projector.norm(tolerance=1e-2)
        require_seen(norm)
        squared = (_SAFETY * norm) ** 2
        # Half of what the product of the steps may be goes to the images, half to the gradient.
        self._image_step = 1.0
        self._step = 0.5 / squared
        self._gradient_step = squared / self._gradient.squared_norm

    @property
    def residual(self) -> float:
        """Of the volume, relative."""
        return relative_norm(self._projected - self._problem.images, self._problem.images)

    def advance(self) -> float:
        """Do one iteration; return what is left of the optimality conditions, relative."""
        ahead = 2 * self._projected - self._projected_before
        dual = (self._dual + self._image_step * (ahead - self._problem.images)) / (
            1 + self._image_step
        )
        self._gradient.ascend(self._ahead, self._gradient_step)
        pull = self._problem.adjoint(dual)
        moved = self._gradient.descend(self.volume, self._ahead, pull, self._step)
        self._projected_before = self._projected
        self._projected = self._problem.forward(self.volume)
        dual_left = (self._dual - dual) / self._image_step + ahead - self._projected
        self._dual = dual
        return max(
            moved / self._step / self._scale,
            relative_norm(dual_left, self._problem.images),
        )
