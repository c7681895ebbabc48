"""Stacks of n affine matrices ``[A | b]``, which map a point ``(x, 1)`` to ``A x + b``."""

from __future__ import annotations

import numpy as np

from libtilt.errors.checks import Float64Array


def compose_affine(linear: Float64Array, offset: Float64Array) -> Float64Array:
    """Return matrices `(n, r, c + 1)` from linear parts `(n, r, c)` and offsets `(n, r)`."""
    return np.concatenate([linear, offset[:, :, np.newaxis]], axis=2)


def affine_about(linear: Float64Array, center: Float64Array, image: Float64Array) -> Float64Array:
    """Return matrices `(n, r, c + 1)` that map the point `center` `(c,)` to `image`.

    `linear` `(n, r, c)` holds their linear parts; `image` has shape `(n, r)` or `(r,)`.
    """
    return compose_affine(linear, image - linear @ center)


def to_homogeneous(matrices: Float64Array) -> Float64Array:
    """Return matrices `(n, 3, 4)` as `(n, 4, 4)`, with the last row ``0, 0, 0, 1``."""
    square = np.zeros((len(matrices), 4, 4))
    square[:, :3] = matrices
    square[:, 3, 3] = 1.0
    return square


def invert_affine(matrices: Float64Array) -> Float64Array:
    """Return the inverses of matrices `(n, d, d + 1)`, in the same shape."""
    linear = np.linalg.inv(matrices[:, :, :-1])
    offset = -(linear @ matrices[:, :, -1:])
    return np.concatenate([linear, offset], axis=2)
