"""Norm and greatest eigenvalue of an operator that is known by its products alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LEAST = 12
"""Lanczos iterations before anything is believed: the largest eigenvalue may hide for some."""


def operator_norm(
    forward: Callable[[Array], Array],
    adjoint: Callable[[Array], Array],
    start: Array,
    *,
    tolerance: float,
    iterations: int,
) -> float:
    """Return the largest singular value, by power iteration on ``adjoint(forward(x))``.

    Parameters
    ----------
    forward, adjoint : callable
        The operator and its transpose.
    start : ndarray
        Not perpendicular to the first singular vector: positive, for an operator that is.
    tolerance : float
        Stop when the estimate, which rises, does so by less than this part of itself.
    iterations : int
        At most.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.projector.norms import operator_norm
    >>> matrix = np.diag([3.0, 2.0, 1.0])
    >>> norm = operator_norm(
    ...     matrix.dot, matrix.T.dot, np.ones(3), tolerance=1e-9, iterations=100
    ... )
    >>> round(norm, 6)
    3.0
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
    apply: Callable[[Array], Array],
    like: Array,
    *,
    tolerance: float = 0.02,
    iterations: int = 60,
) -> float:
    """Return an upper bound of the largest eigenvalue of a symmetric operator.

    Parameters
    ----------
    apply : callable
        The operator; no eigenvalue is negative.
    like : ndarray
        Of the shape and dtype of what it takes.
    tolerance : float, optional
        What the bound is above the estimate by, as a part of it; to stop, a fifth of it must be
        more than what is left of the eigenvector's equation.
    iterations : int, optional
        At most; each applies the operator once.

    Returns
    -------
    float
        The estimate, which comes from below, plus what is left, plus the tolerance.

    Notes
    -----
    Lanczos, from a random vector. Within what is left there is an eigenvalue, and with a random
    start it is one of the largest but for chance (Zhou and Li 2011, "Bounding the spectrum of
    large Hermitian matrices", Linear Algebra and its Applications 435, 480-493); the tolerance
    makes up for one that is hidden behind a near one.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.projector.norms import eigenvalue_bound
    >>> values = np.linspace(0, 3, 100)
    >>> bool(3 <= eigenvalue_bound(lambda vector: values * vector, values) < 3.08)
    True
    """
    # Neither perpendicular to a positive eigenvector, as that of plain sums is, nor one itself.
    vector = (1 + np.random.default_rng(0).standard_normal(like.shape)).astype(like.dtype)
    vector /= np.linalg.norm(vector)
    before, beta = np.zeros_like(vector), 0.0
    diagonal: list[float] = []
    beside: list[float] = []
    bound = 0.0
    for _ in range(iterations):
        moved = apply(vector) - like.dtype.type(beta) * before
        diagonal.append(float(np.vdot(moved, vector)))
        moved -= like.dtype.type(diagonal[-1]) * vector
        beta = float(np.linalg.norm(moved))
        matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        values, vectors = np.linalg.eigh(matrix)
        largest = abs(float(values[-1]))
        left = beta * abs(float(vectors[-1, -1]))
        bound = (largest + left) * (1 + tolerance)
        ended = beta <= 10 * np.finfo(like.dtype).eps * largest
        if ended or (len(diagonal) >= _LEAST and left <= 0.2 * tolerance * largest):
            break
        before, vector = vector, moved / like.dtype.type(beta)
        beside.append(beta)
    return bound
