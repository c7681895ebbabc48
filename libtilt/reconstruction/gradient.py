"""The gradient of a volume for primal-dual methods, computed in place by slabs."""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.threads import run_all, run_each
from libtilt.errors.checks import Float64Array
from libtilt.reconstruction.arrays import Array, slabs, squared_norm


class Gradient:
    """Forward differences, their dual variable, and the steps of both.

    Differences are divided by the voxel size (`spacings`, x, y, z) relative to the smallest one.
    `limit`, the weight of total variation, bounds the dual vector of a voxel; `least` bounds the
    densities from below; `mask`, between 0 and 1, scales the steps of each voxel.
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
        """Upper bound of the squared operator norm."""
        return float(4 * np.square(self._factors).sum())

    def ascend(self, volume: Array, step: float) -> None:
        """Move the dual along the gradient of `volume`, and project it onto its limit."""
        down, along, across = self._factors * self._dual.dtype.type(step)

        def move(planes: slice) -> None:
            dual, here = self._dual[:, planes], volume[planes]
            above = volume[planes.start + 1 : planes.stop + 1]
            dual[0, : len(above)] += down * (above - here[: len(above)])
            dual[1, :, :-1] += along * np.diff(here, axis=1)
            dual[2, :, :, :-1] += across * np.diff(here, axis=2)
            # Relative to the limit, since squares of small float32 values underflow.
            length = np.sqrt(np.square(dual / self._limit).sum(axis=0))
            dual /= np.maximum(length, 1, out=length)

        run_all(move, slabs(volume), None)

    def descend(
        self, volume: Array, extrapolated: Array, backprojection: Array, step: float
    ) -> float:
        """Take a step of gradient descent in place, extrapolate, and return its 2-norm."""
        size = volume.dtype.type(step)

        def move(planes: slice) -> float:
            here = volume[planes]
            moved = here.copy()
            step_here = size * (backprojection[planes] + self._adjoint(planes))
            free: Any = True
            if self._mask is not None:
                step_here *= self._mask[planes]
                free = self._mask[planes] > 0
            here -= step_here
            np.maximum(here, self._least, out=here, where=free)
            np.subtract(here, moved, out=moved)
            np.add(here, moved, out=extrapolated[planes])
            return squared_norm(moved)

        return float(np.sqrt(sum(run_each(move, slabs(volume), None))))

    def _adjoint(self, planes: slice) -> Array:
        """Return planes of the gradient's transpose applied to the dual."""
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
