"""The gradient of a volume, as primal-dual methods need it: a few planes at a time, in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.threads import run_all, run_each
from libtilt.errors.checks import Float64Array
from libtilt.reconstruction.arrays import slabs, squared_norm

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
    mask : ndarray, shape (d, h, w), optional
        Between 0 and 1: what the steps of each voxel are multiplied by.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        spacings: Float64Array,
        limit: float,
        least: float,
        mask: Array | None = None,
    ) -> None:
        self._dual = np.zeros((3, *shape), dtype)  # z, y, x
        self._factors = (spacings.min() / spacings[::-1]).astype(dtype)
        self._limit, self._least = dtype.type(limit), dtype.type(least)
        self._mask = mask

    @property
    def squared_norm(self) -> float:
        """An upper bound of the square of the gradient's norm."""
        return float(4 * np.square(self._factors).sum())

    def ascend(self, volume: Array, step: float) -> None:
        """Move the dual along the gradient of `volume`, and back to the ball of its limit."""
        down, along, across = self._factors * self._dual.dtype.type(step)

        def move(planes: slice) -> None:
            dual, here = self._dual[:, planes], volume[planes]
            above = volume[planes.start + 1 : planes.stop + 1]
            dual[0, : len(above)] += down * (above - here[: len(above)])
            dual[1, :, :-1] += along * np.diff(here, axis=1)
            dual[2, :, :, :-1] += across * np.diff(here, axis=2)
            # Relative to the limit: the squares of float32 values may be none.
            length = np.sqrt(np.square(dual / self._limit).sum(axis=0))
            dual /= np.maximum(length, 1, out=length)

        run_all(move, slabs(volume), None)

    def descend(self, volume: Array, ahead: Array, pull: Array, step: float) -> float:
        """Move `volume` against pull and dual, keep it above the least, and extrapolate `ahead`.

        Return how far it moved (2-norm).
        """
        size = volume.dtype.type(step)

        def move(planes: slice) -> float:
            here = volume[planes]
            moved = here.copy()
            step_here = size * (pull[planes] + self._adjoint(planes))
            free: Any = True
            if self._mask is not None:
                step_here *= self._mask[planes]
                free = self._mask[planes] > 0
            here -= step_here
            np.maximum(here, self._least, out=here, where=free)
            np.subtract(here, moved, out=moved)
            np.add(here, moved, out=ahead[planes])
            return squared_norm(moved)

        return float(np.sqrt(sum(run_each(move, slabs(volume), None))))

    def _adjoint(self, planes: slice) -> Array:
        """Return some planes of the transposed gradient of the dual."""
        down, along, across = (
            factor * dual for factor, dual in zip(self._factors, self._dual[:, planes], strict=True)
        )
        result: Array = -(down + along + across)
        result[1:] += down[:-1]
        if planes.start:
            result[0] += self._factors[0] * self._dual[0, planes.start - 1]
        result[:, 1:] += along[:, :-1]
        result[:, :, 1:] += across[:, :, :-1]
        return result
