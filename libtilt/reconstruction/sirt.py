"""SIRT, simultaneous or by subsets of the tilts."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.threads import run_all
from libtilt.errors.checks import positive_float, positive_integer
from libtilt.errors.options import checked, option
from libtilt.projector.norms import eigenvalue_bound
from libtilt.reconstruction.arrays import require_seen, slabs
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress
from libtilt.reconstruction.subsets import spread_subsets

Bounds = tuple[float | None, float | None]
_LEAST = 1e-3
"""Sums below this part of the greatest one are left out."""

_LEAST_RINGING = 0.1
"""The same for operators that ring, whose small sums say nothing."""


def _check_relaxation(value: Any, name: str) -> None:
    if not positive_float(value, name) < 2:
        raise ValueError(f"{name} must be more than 0 and less than 2, got {value!r}")


def _check_bounds(value: Any, name: str) -> None:
    if not isinstance(value, Sequence) or len(value) != 2:
        raise ValueError(f"{name} must be two, such as (0, None), got {value!r}")
    for bound in value:
        if bound is not None and not (isinstance(bound, Real) and np.isfinite(float(bound))):
            raise ValueError(f"{name} must be finite or None, got {value!r}")
    low, high = value
    if low is not None and high is not None and low >= high:
        raise ValueError(f"{name} must rise, got {value!r}")


@attrs.frozen(kw_only=True)
class SIRT(Method):
    """The simultaneous iterative reconstruction technique.

    Parameters
    ----------
    iterations : int, optional
        Each projects and backprojects all images once.
    relaxation : float, optional
        Of each step, more than 0 and less than 2.
    bounds : tuple of float or None, optional
        Least and greatest density: ``(0, None)`` keeps it from being negative.
    subsets : int, optional
        Steps in an iteration, each for every so-many-th tilt by its angle, in an order that jumps
        by a golden section of them: nearly as many times faster at first; later they keep circling
        around the solution.

    Notes
    -----
    ``x += relaxation * C A^T W R (b - A x)`` with W the weights, R one over the row sums of A and
    C one over the column sums of W A (Gilbert 1972, J. Theor. Biol. 36, 105-117; Gregor and Benson
    2008, IEEE Trans. Med. Imaging 27, 918-924). With subsets (Hudson and Larkin 1994, IEEE Trans.
    Med. Imaging 13, 601-609) C is one over the largest column sum of a subset, which no step can
    overshoot; residuals are then those that each subset met in turn before its step, but for the
    last one, which is the final volume's. Where an operator rings, as the Fourier backend's does,
    sums are no bound: there C is divided by one.

    Examples
    --------
    >>> from libtilt.reconstruction import SIRT
    >>> SIRT(iterations=8, bounds=(0, None))
    SIRT(iterations=8, relaxation=1.0, bounds=(0, None), subsets=1)
    """

    takes: ClassVar[tuple[str, ...]] = ("start", "mask", "weights", "margin", "callback")

    iterations: int = attrs.field(
        default=20,
        validator=checked(positive_integer),
        metadata=option("number of iterations", int),
    )
    relaxation: float = attrs.field(
        default=1.0,
        validator=checked(_check_relaxation),
        metadata=option("relaxation factor of each step, less than 2", float),
    )
    bounds: Bounds = attrs.field(
        default=(None, None),
        validator=checked(_check_bounds),
        metadata=option("no negative density", bool, flag=("nonnegative", (0, None))),
    )
    subsets: int = attrs.field(
        default=1,
        validator=checked(positive_integer),
        metadata=option("number of subsets, each one step of an iteration", int),
    )

    def _solve(self, problem: LeastSquares, progress: Progress) -> NDArray[Any]:
        parts = _parts(problem, self.subsets)
        rows, pace = _normalization(problem, parts)
        pace = problem.masked(pace)
        pace *= pace.dtype.type(self.relaxation)
        volume = problem.begin()
        residual = parts[0].images if problem.start is None else parts[0].residual(volume)
        total = problem.squared_norm(problem.images) or 1.0
        if self.subsets == 1:
            progress.record(problem.misfit(residual))
        for _ in range(self.iterations):
            met = self._sweep(parts, rows, residual, volume, pace)
            residual = parts[0].residual(volume)
            now = problem.misfit(residual) if self.subsets == 1 else np.sqrt(met / total)
            if progress.step(volume, now):
                break
        if self.subsets > 1:
            progress.record(problem.misfit(problem.residual(volume)))
        return volume

    def _sweep(
        self,
        parts: list[LeastSquares],
        rows: list[NDArray[Any]],
        residual: NDArray[Any],
        volume: NDArray[Any],
        pace: NDArray[Any],
    ) -> float:
        """Do a step for each part; return the sum of squares of the residuals that were met."""
        met = 0.0
        for part, weights in zip(parts, rows, strict=True):
            if part is not parts[0]:
                residual = part.residual(volume)
            met += part.squared_norm(residual)
            self._step(volume, part.adjoint(residual * weights), pace, part.mask)
        return met

    def _step(
        self,
        volume: NDArray[Any],
        direction: NDArray[Any],
        pace: NDArray[Any],
        mask: NDArray[Any] | None,
    ) -> None:
        """Move the volume, and keep it in its bounds where it may move."""

        def move(planes: slice) -> None:
            here = volume[planes]
            here += direction[planes] * pace[planes]
            if tuple(self.bounds) != (None, None):
                free = True if mask is None else mask[planes] > 0
                np.clip(here, *self.bounds, out=here, where=free)

        run_all(move, slabs(volume), None)


def _parts(problem: LeastSquares, count: int) -> list[LeastSquares]:
    """Return the problem of each subset, in the order in which they are taken."""
    if count > len(problem.images):
        raise ValueError(
            f"subsets must be at most as many as there are images, {len(problem.images)}, "
            f"got {count}"
        )
    if count == 1:
        return [problem]
    return [problem.subset(some) for some in spread_subsets(problem.projector.geometry, count)]


def _normalization(
    problem: LeastSquares, parts: list[LeastSquares]
) -> tuple[list[NDArray[Any]], NDArray[Any]]:
    """Return weights over the row sums of each part, and one over the column sums."""
    rows = [part.forward(problem.zeros() + 1) for part in parts]
    columns = problem.zeros()
    for part in parts:
        np.maximum(columns, part.descent(np.ones_like(part.images)), out=columns)
    require_seen(float(columns.max()))
    rings = any(sums.min() < -_LEAST * sums.max() for sums in rows)
    for sums in (*rows, columns):
        _invert(sums, _LEAST_RINGING if rings else _LEAST)
    rows = [part.weigh(row) for part, row in zip(parts, rows, strict=True)]
    if rings:
        columns /= max(
            _overshoot(part, row, columns) for part, row in zip(parts, rows, strict=True)
        )
    return rows, columns


def _invert(sums: NDArray[Any], least: float) -> None:
    """Put one over the sums in their place, and zero where next to nothing was summed."""
    seen = sums > least * sums.max()
    np.divide(1, sums, out=sums, where=seen)
    sums[~seen] = 0


def _overshoot(part: LeastSquares, rows: NDArray[Any], columns: NDArray[Any]) -> float:
    """Return how far a step may overshoot at most, where weights are not all positive.

    Otherwise it is 1 at most.
    """
    roots = np.sqrt(columns)
    return eigenvalue_bound(
        lambda volume: part.adjoint(part.forward(roots * volume) * rows) * roots, columns
    )
