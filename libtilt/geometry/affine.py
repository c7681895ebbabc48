"""Affine matrices ``[A | b]``, which take a point ``(x, 1)`` to ``A x + b``, in stacks of n."""

from __future__ import annotations

import numpy as np

from libtilt.errors.checks import Float64Array


def compose_affine(linear: Float64Array, offset: Float64Array) -> Float64Array:
    """Return `(n, r, c + 1)` matrices from linear parts `(n, r, c)` and offsets `(n, r)`."""
    return np.concatenate([linear, offset[:, :, np.newaxis]], axis=2)


def affine_about(linear: Float64Array, center: Float64Array, image: Float64Array) -> Float64Array:
    """Return the matrices with the given linear parts that take one point to another.

    Parameters
    ----------
    linear : ndarray, shape (n, r, c)
        Linear parts.
    center : ndarray, shape (c,)
        The point.
    image : ndarray, shape (n, r) or (r,)
        Where each matrix takes it.

    Returns
    -------
    ndarray, shape (n, r, c + 1)

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.geometry.affine import affine_about
    >>> affine_about(np.eye(2)[np.newaxis], np.array([1.0, 2.0]), np.array([4.0, 4.0])).tolist()
    [[[1.0, 0.0, 3.0], [0.0, 1.0, 2.0]]]
    """
    return compose_affine(linear, image - linear @ center)


def homogeneous(matrices: Float64Array) -> Float64Array:
    """Return `(n, 3, 4)` matrices as square ones `(n, 4, 4)`, with a last row ``0, 0, 0, 1``."""
    square = np.zeros((len(matrices), 4, 4))
    square[:, :3] = matrices
    square[:, 3, 3] = 1.0
    return square


def invert_affine(matrices: Float64Array) -> Float64Array:
    """Return the inverses `(n, d, d + 1)` of matrices `(n, d, d + 1)`."""
    linear = np.linalg.inv(matrices[:, :, :-1])
    offset = -(linear @ matrices[:, :, -1:])
    return np.concatenate([linear, offset], axis=2)
