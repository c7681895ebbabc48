"""The gradient of a volume, as primal-dual methods need it: plane by plane, in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt._checks import Float64Array
from libtilt.backends.threads import run_all, run_each

Array = NDArray[Any]


class Gradient:
    """Forward differences, their dual variable, and the steps of both.

    Parameters
    ----------
    shape : tuple of int
        ``(d, h, w)`` of the volume.
    dtype : dtype
        Of everything.
    spacings : ndarray, shape (3,)
        Voxel size x, y, z; differences are per smallest one.
    limit : float
        Length of the dual vector of a voxel, at most: the weight of total variation.
    least : float
        No density is below it.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        spacings: Float64Array,
        limit: float,
        least: float,
    ) -> None:
        self._dual = np.zeros((3, *shape), dtype)  # z, y, x
        self._factors = (spacings.min() / spacings[::-1]).astype(dtype)
        self._limit, self._least = dtype.type(limit), dtype.type(least)

    @property
    def squared_norm(self) -> float:
        """An upper bound of the square of the gradient's norm."""
        return float(4 * np.square(self._factors).sum())

    def ascend(self, volume: Array, step: float) -> None:
        """Move the dual along the gradient of `volume`, and back to the ball of its limit."""

        def move(z: int) -> None:
            dual = self._dual[:, z]
            scaled = self._factors * self._dual.dtype.type(step)
            if z + 1 < len(volume):
                dual[0] += scaled[0] * (volume[z + 1] - volume[z])
            dual[1, :-1] += scaled[1] * np.diff(volume[z], axis=0)
            dual[2, :, :-1] += scaled[2] * np.diff(volume[z], axis=1)
            length = np.sqrt(np.square(dual).sum(axis=0))
            np.maximum(length, self._limit, out=length)
            dual *= self._limit / length

        run_all(move, range(len(volume)), None)

    def descend(self, volume: Array, ahead: Array, pull: Array, step: float) -> float:
        """Move `volume` against pull and dual, keep it above the least, and extrapolate `ahead`.

        Return how far it moved (2-norm).
        """
        size = volume.dtype.type(step)

        def move(z: int) -> float:
            before = volume[z].copy()
            volume[z] -= size * (pull[z] + self._adjoint(z))
            np.maximum(volume[z], self._least, out=volume[z])
            np.subtract(volume[z], before, out=before)
            np.add(volume[z], before, out=ahead[z])
            return float(np.vdot(before, before))

        return float(np.sqrt(sum(run_each(move, range(len(volume)), None))))

    def _adjoint(self, z: int) -> Array:
        """Return a plane of the transposed gradient of the dual."""
        down, across = self._factors[1] * self._dual[1, z], self._factors[2] * self._dual[2, z]
        plane: Array = -self._factors[0] * self._dual[0, z]
        if z:
            plane += self._factors[0] * self._dual[0, z - 1]
        plane -= down + across
        plane[1:] += down[:-1]
        plane[:, 1:] += across[:, :-1]
        return plane
