"""The norm of an operator that is known by its products alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


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

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.projector.power_iteration import operator_norm
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
