"""SIRT, simultaneous or with ordered subsets."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import attrs
import numpy as np

from libtilt.backends.threads import run_all
from libtilt.errors.checks import positive_float, positive_integer
from libtilt.errors.options import checked, option
from libtilt.projector.norms import eigenvalue_bound
from libtilt.reconstruction.arrays import Array, require_visible, slabs
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress
from libtilt.reconstruction.subsets import ordered_subsets

Bounds = tuple[float | None, float | None]
_LEAST = 1e-3
"""Row and column sums below this fraction of the largest are ignored."""

_LEAST_RINGING = 0.1
"""The same fraction for operators that ring, whose small sums are unreliable."""


def _check_relaxation(value: Any, name: str) -> None:
    if not positive_float(value, name) < 2:
        raise ValueError(f"{name} must be more than 0 and less than 2, got {value!r}")


def _check_bounds(value: Any, name: str) -> None:
    if not isinstance(value, Sequence) or len(value) != 2:
        raise ValueError(f"{name} must be a pair (low, high) such as (0, None), got {value!r}")
    for bound in value:
        if bound is not None and not (isinstance(bound, Real) and np.isfinite(float(bound))):
            raise ValueError(f"{name} must be finite or None, got {value!r}")
    low, high = value
    if low is not None and high is not None and low >= high:
        raise ValueError(f"{name} must increase from low to high, got {value!r}")


@attrs.frozen(kw_only=True)
class SIRT(Method):
    """The simultaneous iterative reconstruction technique.

    Parameters
    ----------
    iterations : int, optional
        Number of iterations; each projects and backprojects all images once.
    relaxation : float, optional
        Factor of each step, more than 0 and less than 2.
    bounds : tuple of float or None, optional
        Least and largest density: ``(0, None)`` for non-negative densities.
    subsets : int, optional
        Number of ordered subsets n. Each holds every n-th tilt by angle; they are updated in turn,
        a golden section apart. Convergence is at first faster by nearly this factor, but ends in
        a limit cycle around the solution.

    Notes
    -----
    ``x += relaxation * C A^T W R (b - A x)`` with W the weights, R one over the row sums of A and
    C one over the column sums of W A (Gilbert 1972, J. Theor. Biol. 36, 105-117; Gregor and Benson
    2008, IEEE Trans. Med. Imaging 27, 918-924). With subsets (Hudson and Larkin 1994, IEEE Trans.
    Med. Imaging 13, 601-609) C is one over the largest column sum of any subset, so that no step
    overshoots; the residual of an iteration then combines those of the subsets before their steps,
    except the last one, which is that of the final volume. If an operator rings, as that of the
    Fourier backend does, column sums are no bound, and C is divided by an eigenvalue bound.

    Examples
    --------
    >>> from libtilt.reconstruction import SIRT
    >>> SIRT(iterations=8, bounds=(0, None))
    SIRT(iterations=8, relaxation=1.0, bounds=(0, None), subsets=1)
    """

    supports: ClassVar[tuple[str, ...]] = ("start", "mask", "weights", "margin", "callback")

    iterations: int = attrs.field(
        default=20,
        validator=checked(positive_integer),
        metadata=option("number of iterations", int),
    )
    relaxation: float = attrs.field(
        default=1.0,
        validator=checked(_check_relaxation),
        metadata=option("relaxation factor of each step, between 0 and 2", float),
    )
    bounds: Bounds = attrs.field(
        default=(None, None),
        validator=checked(_check_bounds),
        metadata=option("keep densities at or above 0", bool, flag=("nonnegative", (0, None))),
    )
    subsets: int = attrs.field(
        default=1,
        validator=checked(positive_integer),
        metadata=option("number of ordered subsets; each iteration does one step per subset", int),
    )

    def _solve(self, problem: LeastSquares, progress: Progress) -> Array:
        parts = _subset_problems(problem, self.subsets)
        rows, columns = _normalization(problem, parts)
        columns = problem.apply_mask(columns)
        columns *= columns.dtype.type(self.relaxation)
        volume = problem.initial_volume()
        residual = parts[0].images if problem.start is None else parts[0].residual(volume)
        total = problem.squared_norm(problem.images) or 1.0
        if self.subsets == 1:
            progress.record(problem.misfit(residual))
        for _ in range(self.iterations):
            squares = self._sweep(parts, rows, residual, volume, columns)
            residual = parts[0].residual(volume)
            now = problem.misfit(residual) if self.subsets == 1 else np.sqrt(squares / total)
            if progress.step(volume, now):
                break
        if self.subsets > 1:
            progress.record(problem.misfit(problem.residual(volume)))
        return volume

    def _sweep(
        self,
        parts: list[LeastSquares],
        rows: list[Array],
        residual: Array,
        volume: Array,
        columns: Array,
    ) -> float:
        """Do a step for each subset; return the sum of squares of the residuals before them."""
        squares = 0.0
        for part, weights in zip(parts, rows, strict=True):
            if part is not parts[0]:
                residual = part.residual(volume)
            squares += part.squared_norm(residual)
            self._step(volume, part.adjoint(residual * weights), columns, part.mask)
        return squares

    def _step(self, volume: Array, direction: Array, columns: Array, mask: Array | None) -> None:
        """Update the volume in place, within the bounds where the mask is not zero."""

        def move(planes: slice) -> None:
            here = volume[planes]
            here += direction[planes] * columns[planes]
            if tuple(self.bounds) != (None, None):
                free = True if mask is None else mask[planes] > 0
                np.clip(here, *self.bounds, out=here, where=free)

        run_all(move, slabs(volume), None)


def _subset_problems(problem: LeastSquares, count: int) -> list[LeastSquares]:
    """Return the problem of each subset, in order."""
    if count > len(problem.images):
        raise ValueError(
            f"subsets must be at most the number of images, {len(problem.images)}, got {count}"
        )
    if count == 1:
        return [problem]
    return [problem.subset(tilts) for tilts in ordered_subsets(problem.projector.geometry, count)]


def _normalization(problem: LeastSquares, parts: list[LeastSquares]) -> tuple[list[Array], Array]:
    """Return weights over row sums for each subset, and one over the largest column sums."""
    rows = [part.forward(problem.zeros() + 1) for part in parts]
    columns = problem.zeros()
    for part in parts:
        np.maximum(columns, part.descent(np.ones_like(part.images)), out=columns)
    require_visible(float(columns.max()))
    rings = any(sums.min() < -_LEAST * sums.max() for sums in rows)
    for sums in (*rows, columns):
        _invert(sums, _LEAST_RINGING if rings else _LEAST)
    rows = [part.apply_weights(row) for part, row in zip(parts, rows, strict=True)]
    if rings:
        columns /= max(
            _overshoot(part, row, columns) for part, row in zip(parts, rows, strict=True)
        )
    return rows, columns


def _invert(sums: Array, least: float) -> None:
    """Invert sums in place, and set those below `least` times the largest to zero."""
    valid = sums > least * sums.max()
    np.divide(1, sums, out=sums, where=valid)
    sums[~valid] = 0


def _overshoot(part: LeastSquares, rows: Array, columns: Array) -> float:
    """Return an eigenvalue bound of a step's operator, at most 1 if no weight is negative."""
    roots = np.sqrt(columns)
    return eigenvalue_bound(
        lambda volume: part.adjoint(part.forward(roots * volume) * rows) * roots, columns
    )
