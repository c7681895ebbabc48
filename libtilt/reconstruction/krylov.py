"""CGLS and LSMR: least squares in the fewest projections."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator
from scipy.sparse.linalg import lsmr as scipy_lsmr

from libtilt._checks import Float64Array, finite_array, positive_float, positive_integer
from libtilt.backends.base import Backend
from libtilt.backends.threads import run_all
from libtilt.projector import Projector
from libtilt.reconstruction.arrays import relative_norm, require_seen, slabs, squared_norm
from libtilt.reconstruction.problem import Callback, Problem
from libtilt.reconstruction.result import Reconstruction
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


def cgls(
    tilt_series: TiltSeries,
    *,
    volume_shape: tuple[int, ...] | None = None,
    projector: Projector | None = None,
    iterations: int = 10,
    damping: float = 0.0,
    tolerance: float = 1e-6,
    start: Volume | ArrayLike | None = None,
    callback: Callback | None = None,
    backend: str | type[Backend] | Backend = "auto",
) -> Reconstruction:
    """Reconstruct by conjugate gradients on the least-squares problem.

    The residual falls faster than that of any other method that projects as often; with noise,
    few iterations are the better ones.

    Parameters
    ----------
    tilt_series : TiltSeries
        ``n`` images of shape ``(h, w)``.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of the volume; needed where there is no projector that knows it.
    projector : Projector, optional
        Or a subclass; by default one is made for the series, ray-driven, with voxels as large as
        its pixels.
    iterations : int, optional
        At most; each projects and backprojects once.
    damping : float, optional
        Adds ``damping ** 2`` times the sum of squares of the voxels to what is minimised
        (Tikhonov); compare it with the projector's `norm`.
    tolerance : float, optional
        Stop when the gradient's norm has fallen to this part of the first one.
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
    Hestenes and Stiefel 1952, J. Res. Nat. Bur. Standards 49, 409-436, in the form of Bjorck 1996,
    "Numerical Methods for Least Squares Problems", algorithm 7.4.1.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import cgls
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> bool(cgls(series, volume_shape=(16, 16, 16), iterations=10).residuals[-1] < 0.02)
    True
    """
    positive_integer(iterations, "iterations")
    limit, damping = positive_float(tolerance, "tolerance"), _check_damping(damping)
    problem = Problem.of(tilt_series, projector, volume_shape, backend=backend)
    volume = problem.start(start)
    residual = problem.images.copy() if start is None else problem.images - problem.forward(volume)
    direction = _gradient(problem, residual, volume, damping)
    first = size = squared_norm(direction)
    if start is None:
        require_seen(size)
    residuals, stopped_by = [relative_norm(residual, problem.images)], "iterations"
    for iteration in range(1, iterations + 1):
        if size <= limit**2 * first:
            stopped_by = "tolerance"
            break
        projected = problem.forward(direction)
        curvature = squared_norm(projected) + damping**2 * squared_norm(direction)
        _add(volume, size / curvature, direction)
        _add(residual, -size / curvature, projected)
        gradient = _gradient(problem, residual, volume, damping)
        size, before = squared_norm(gradient), size
        _turn(direction, size / before, gradient)
        del gradient  # Not to be kept while the next one is made.
        residuals.append(relative_norm(residual, problem.images))
        if callback and callback(iteration, problem.volume(volume), residuals[-1]):
            stopped_by = "callback"
            break
    return Reconstruction(problem.volume(volume), np.array(residuals), stopped_by)


def lsmr(
    tilt_series: TiltSeries,
    *,
    volume_shape: tuple[int, ...] | None = None,
    projector: Projector | None = None,
    iterations: int = 10,
    damping: float = 0.0,
    tolerance: float = 1e-6,
    backend: str | type[Backend] | Backend = "auto",
) -> Reconstruction:
    """Reconstruct by SciPy's LSMR on the projector as a linear operator, in float64.

    Where conjugate gradients lower the residual, it lowers the norm of the gradient, at every
    iteration: it can be stopped earlier. It takes about twice the memory of `cgls`.

    Parameters
    ----------
    tilt_series, volume_shape, projector, iterations, damping, tolerance, backend
        As in `cgls`; `tolerance` is both ``atol`` and ``btol`` of `scipy.sparse.linalg.lsmr`.

    Returns
    -------
    Reconstruction
        Its residuals are computed from the bidiagonal matrix of the process, without projecting
        again. The volume is of the images' dtype.

    Raises
    ------
    ValueError
        If shapes or an option do not fit, or an image is flat or has NaN.

    Notes
    -----
    Fong and Saunders 2011, SIAM J. Sci. Comput. 33, 2950-2971.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import lsmr
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> bool(lsmr(series, volume_shape=(16, 16, 16), iterations=10).residuals[-1] < 0.02)
    True
    """
    positive_integer(iterations, "iterations")
    limit, damping = positive_float(tolerance, "tolerance"), _check_damping(damping)
    problem = Problem.of(tilt_series, projector, volume_shape, backend=backend)
    images = problem.images.astype(np.float64).ravel()
    process = Bidiagonalization(problem.projector.linear_operator("float64"))
    solution, reason, done, *_ = scipy_lsmr(
        process.operator,
        images,
        damp=damping,
        atol=limit,
        btol=limit,
        conlim=0,
        maxiter=iterations,
    )
    data = solution.reshape(problem.projector.domain.shape).astype(problem.images.dtype, copy=False)
    residuals = process.residuals(damping, done)
    stopped_by = "iterations" if reason == 7 else "tolerance"
    return Reconstruction(problem.volume(data), residuals, stopped_by)


class Bidiagonalization:
    """The numbers of a Golub-Kahan process, taken down while a solver of SciPy runs it.

    Parameters
    ----------
    operator : LinearOperator
        What the process multiplies by; give `operator` of this object to the solver.
    """

    def __init__(self, operator: LinearOperator) -> None:
        self._inner = operator
        self._alphas: list[float] = []
        self._betas: list[float] = [0.0]
        self.operator = LinearOperator(
            operator.shape, matvec=self._matvec, rmatvec=self._rmatvec, dtype=operator.dtype
        )

    def _matvec(self, v: NDArray[Any]) -> NDArray[Any]:
        image: NDArray[Any] = self._inner.matvec(v)
        self._betas.append(_leg(float(np.linalg.norm(image)), self._alphas[-1]))
        return image

    def _rmatvec(self, u: NDArray[Any]) -> NDArray[Any]:
        volume: NDArray[Any] = self._inner.rmatvec(u)
        self._alphas.append(_leg(float(np.linalg.norm(volume)), self._betas[-1]))
        return volume

    def residuals(self, damping: float, iterations: int) -> Float64Array:
        """Return the relative residual of the start and of each iterate of LSMR.

        The k-th one minimises the gradient among all vectors that k steps of the process reach:
        a least-squares problem of k unknowns.
        """
        result = [1.0]
        for k in range(1, iterations + 1):
            bidiagonal = np.zeros((k + 1, k))
            bidiagonal[range(k), range(k)] = self._alphas[:k]
            bidiagonal[range(1, k + 1), range(k)] = self._betas[1 : k + 1]
            gradient = np.zeros((k + 1, k))
            gradient[:k] = bidiagonal.T @ bidiagonal + damping**2 * np.eye(k)
            gradient[k, k - 1] = self._alphas[k] * self._betas[k]
            wanted = np.zeros(k + 1)
            wanted[0] = self._alphas[0]
            step = np.linalg.lstsq(gradient, wanted, rcond=None)[0]
            left = -bidiagonal @ step
            left[0] += 1.0
            result.append(float(np.linalg.norm(left)))
        return np.array(result)


def _leg(hypotenuse: float, other: float) -> float:
    """Return the part of a vector beside another one: it is at a right angle to the rest."""
    return math.sqrt(max(hypotenuse**2 - other**2, 0.0))


def _check_damping(damping: float) -> float:
    value = finite_array(damping, "damping")
    if value.size != 1 or value.item() < 0:
        raise ValueError(f"damping must be a number of at least 0, got {damping!r}")
    return float(value.item())


def _gradient(
    problem: Problem, residual: NDArray[Any], volume: NDArray[Any], damping: float
) -> NDArray[Any]:
    """Return the direction of steepest descent."""
    gradient = problem.adjoint(residual)
    if damping:
        _add(gradient, -(damping**2), volume)
    return gradient


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
