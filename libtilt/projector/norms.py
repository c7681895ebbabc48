"""Norms and eigenvalue bounds of matrix-free operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LEAST = 12
"""Minimum of Lanczos iterations: earlier estimates may miss the largest eigenvalue."""


def operator_norm(
    forward: Callable[[Array], Array],
    adjoint: Callable[[Array], Array],
    start: Array,
    *,
    tolerance: float,
    iterations: int,
) -> float:
    """Return the largest singular value, by power iteration on ``adjoint(forward(x))``.

    `start` must not be orthogonal to the first singular vector: take a positive one for a positive
    operator. Iteration stops after `iterations`, or once the estimate, a lower bound, rises by
    less than the relative `tolerance`.
    """
    vector = start / np.linalg.norm(start)
    norm = 0.0
    for _ in range(iterations):
        vector = adjoint(forward(vector))
        size = float(np.linalg.norm(vector))
        if size == 0.0:
            return 0.0
        vector /= size
        before, norm = norm, size**0.5
        if norm - before <= tolerance * norm:
            break
    return norm


def eigenvalue_bound(
    apply: Callable[[Array], Array], like: Array, *, tolerance: float = 0.02, iterations: int = 60
) -> float:
    """Return an upper bound of the largest eigenvalue of a positive semidefinite operator.

    `like` has the shape and dtype of its argument. Lanczos iteration from a random vector stops
    once the residual of the eigenvector is below a fifth of the relative `tolerance`. The bound is
    the estimate plus the residual (Zhou and Li 2011, "Bounding the spectrum of large Hermitian
    matrices", Linear Algebra and its Applications 435, 480-493), plus the tolerance for an
    eigenvalue hidden by a near one.
    """
    # Neither orthogonal to a positive eigenvector nor equal to one.
    vector = (1 + np.random.default_rng(0).standard_normal(like.shape)).astype(like.dtype)
    vector /= np.linalg.norm(vector)
    before, beta = np.zeros_like(vector), 0.0
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    bound = 0.0
    for _ in range(iterations):
        moved = apply(vector) - like.dtype.type(beta) * before
        diagonal.append(float(np.vdot(moved, vector)))
        moved -= like.dtype.type(diagonal[-1]) * vector
        beta = float(np.linalg.norm(moved))
        matrix = np.diag(diagonal) + np.diag(off_diagonal, 1) + np.diag(off_diagonal, -1)
        values, vectors = np.linalg.eigh(matrix)
        largest = abs(float(values[-1]))
        residual = beta * abs(float(vectors[-1, -1]))
        bound = (largest + residual) * (1 + tolerance)
        ended = beta <= 10 * np.finfo(like.dtype).eps * largest
        if ended or (len(diagonal) >= _LEAST and residual <= 0.2 * tolerance * largest):
            break
        before, vector = vector, moved / like.dtype.type(beta)
        off_diagonal.append(beta)
    return bound
