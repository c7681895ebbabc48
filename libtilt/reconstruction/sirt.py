"""SIRT, simultaneous or by subsets of the tilts."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt._checks import positive_float, positive_integer
from libtilt.backends.base import Backend
from libtilt.backends.threads import run_all
from libtilt.power_iteration import operator_norm
from libtilt.projector import Projector
from libtilt.reconstruction.arrays import relative_norm, require_seen, slabs, squared_norm
from libtilt.reconstruction.problem import Callback, Problem
from libtilt.reconstruction.result import Reconstruction
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

Bounds = tuple[float | None, float | None]
_LEAST = 1e-3
"""Sums below this part of the greatest one are left out."""

_LEAST_RINGING = 0.1
"""The same for operators that ring, whose small sums say nothing."""


def sirt(
    tilt_series: TiltSeries,
    *,
    volume_shape: tuple[int, ...] | None = None,
    projector: Projector | None = None,
    iterations: int = 20,
    relaxation: float = 1.0,
    bounds: Bounds = (None, None),
    start: Volume | ArrayLike | None = None,
    mask: Volume | ArrayLike | None = None,
    subsets: int = 1,
    callback: Callback | None = None,
    backend: str | type[Backend] | Backend = "auto",
) -> Reconstruction:
    """Reconstruct by the simultaneous iterative reconstruction technique.

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
        Each projects and backprojects all images once.
    relaxation : float, optional
        Of each step, more than 0 and less than 2.
    bounds : tuple of float or None, optional
        Least and greatest density: ``(0, None)`` keeps it from being negative.
    start : Volume or array_like, shape (d, h, w), optional
        Where to start, by default from zero.
    mask : Volume or array_like, shape (d, h, w), optional
        Weights between 0 and 1: each voxel's steps are multiplied by it, so that where it is 0
        the volume stays as it started.
    subsets : int, optional
        Steps in an iteration, each for every so-many-th tilt: ordered subsets, nearly as many
        times faster at first; later they keep circling around the solution.
    callback : callable, optional
        Called as ``callback(iteration, volume, residual)`` after each iteration, counted from 1;
        the volume is not a copy. If it returns True, that was the last one.
    backend : str, type or Backend, optional
        Where no projector is given.

    Returns
    -------
    Reconstruction
        With subsets, residuals are those that each subset met in turn before its step, but for
        the last one, which is the final volume's.

    Raises
    ------
    ValueError
        If shapes or an option do not fit, or an image is flat or has NaN.

    Notes
    -----
    ``x += relaxation * C A^T R (b - A x)`` with R one over the row sums of A and C one over its
    column sums (Gilbert 1972, J. Theor. Biol. 36, 105-117; Gregor and Benson 2008, IEEE Trans.
    Med. Imaging 27, 918-924). With subsets (Hudson and Larkin 1994, IEEE Trans. Med. Imaging 13,
    601-609) C is one over the largest column sum of a subset, which no step can overshoot. Where an
    operator rings, as the Fourier backend's does, sums are no bound: there C is divided by the
    norm of a step.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import sirt
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> result = sirt(series, volume_shape=(16, 16, 16), iterations=10, bounds=(0, None))
    >>> bool(result.residuals[-1] < 0.15)
    True
    """
    positive_integer(iterations, "iterations")
    _check(relaxation, bounds)
    problem = Problem.of(tilt_series, projector, volume_shape, backend=backend)
    parts = _parts(problem, subsets)
    rows, pace = _normalisation(problem, parts)
    pace *= _weights(problem, mask) * pace.dtype.type(relaxation)
    volume, total = problem.start(start), squared_norm(problem.images)
    residual = parts[0].images if start is None else _residual(parts[0], volume)
    residuals, stopped_by = [], "iterations"
    for iteration in range(1, iterations + 1):
        met = _sweep(parts, rows, residual, volume, pace, bounds)
        residuals.append(float(np.sqrt(met / total)))
        residual = _residual(parts[0], volume)
        now = residuals[-1] if subsets > 1 else relative_norm(residual, problem.images)
        if callback and callback(iteration, problem.volume(volume), now):
            stopped_by = "callback"
            break
    last = residual if subsets == 1 else _residual(problem, volume)
    residuals.append(relative_norm(last, problem.images))
    return Reconstruction(problem.volume(volume), np.array(residuals), stopped_by)


def _check(relaxation: float, bounds: Bounds) -> None:
    if not positive_float(relaxation, "relaxation") < 2:
        raise ValueError(f"relaxation must be more than 0 and less than 2, got {relaxation!r}")
    low, high = check_bounds(bounds)
    if low is not None and high is not None and low >= high:
        raise ValueError(f"bounds must rise, got {bounds!r}")


def check_bounds(bounds: Any) -> Bounds:
    """Return two bounds, each a number or None."""
    if not isinstance(bounds, Sequence) or len(bounds) != 2:
        raise ValueError(f"bounds must be two, such as (0, None), got {bounds!r}")
    for bound in bounds:
        if bound is not None and not (isinstance(bound, Real) and np.isfinite(float(bound))):
            raise ValueError(f"bounds must be finite or None, got {bounds!r}")
    return bounds[0], bounds[1]


def _parts(problem: Problem, subsets: int) -> list[Problem]:
    """Return the problem of every so-many-th tilt, from the first, the second, and so on."""
    count = positive_integer(subsets, "subsets")
    if count > len(problem.images):
        raise ValueError(
            f"subsets must be at most as many as there are images, {len(problem.images)}, "
            f"got {subsets}"
        )
    return [problem.subset(slice(i, None, count)) for i in range(count)] if count > 1 else [problem]


def _normalisation(
    problem: Problem, parts: list[Problem]
) -> tuple[list[NDArray[Any]], NDArray[Any]]:
    """Return one over the row sums of each part, and one over the column sums."""
    rows = [part.forward(problem.zeros() + 1) for part in parts]
    columns = problem.zeros()
    for part in parts:
        np.maximum(columns, part.adjoint(np.ones_like(part.images)), out=columns)
    require_seen(float(columns.max()))
    rings = any(sums.min() < -_LEAST * sums.max() for sums in rows)
    for sums in (*rows, columns):
        _invert(sums, _LEAST_RINGING if rings else _LEAST)
    if rings:
        columns /= max(
            _step_norm(part, row, columns) for part, row in zip(parts, rows, strict=True)
        )
    return rows, columns


def _invert(sums: NDArray[Any], least: float) -> None:
    """Put one over the sums in their place, and zero where next to nothing was summed."""
    seen = sums > least * sums.max()
    np.divide(1, sums, out=sums, where=seen)
    sums[~seen] = 0


def _step_norm(part: Problem, rows: NDArray[Any], columns: NDArray[Any]) -> float:
    """Return how far a step may overshoot, where weights are not all positive.

    Otherwise it is 1 at most. The estimate comes from below.
    """
    roots = np.sqrt(columns)
    norm = operator_norm(
        lambda volume: part.forward(roots * volume) * np.sqrt(rows),
        lambda images: part.adjoint(images * np.sqrt(rows)) * roots,
        np.ones_like(columns),
        tolerance=1e-3,
        iterations=20,
    )
    return 1.1 * norm**2


def _weights(problem: Problem, mask: Any) -> Any:
    """Return the mask, checked, or 1."""
    if mask is None:
        return problem.images.dtype.type(1)
    weights = problem.like_volume(mask, "mask")
    if weights.min() < 0 or weights.max() > 1:
        raise ValueError(
            f"mask must be between 0 and 1, got {weights.min():g} to {weights.max():g}"
        )
    return weights


def _residual(part: Problem, volume: NDArray[Any]) -> NDArray[Any]:
    residual: NDArray[Any] = part.images - part.forward(volume)
    return residual


def _sweep(
    parts: list[Problem],
    rows: list[NDArray[Any]],
    residual: NDArray[Any],
    volume: NDArray[Any],
    pace: NDArray[Any],
    bounds: Bounds,
) -> float:
    """Do a step for each part; return the sum of squares of the residuals that were met."""
    met = 0.0
    for part, weights in zip(parts, rows, strict=True):
        if part is not parts[0]:
            residual = _residual(part, volume)
        met += squared_norm(residual)
        _step(volume, part.adjoint(residual * weights), pace, bounds)
    return met


def _step(
    volume: NDArray[Any], direction: NDArray[Any], pace: NDArray[Any], bounds: Bounds
) -> None:
    """Move the volume, and keep it in its bounds."""

    def move(planes: slice) -> None:
        here = volume[planes]
        here += direction[planes] * pace[planes]
        if bounds != (None, None):
            np.clip(here, *bounds, out=here)

    run_all(move, slabs(volume), None)
