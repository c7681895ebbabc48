"""The plan of the numba backend for any rotation by shear and warp."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Plan, SamplingSpec
from libtilt.backends.numba.row_sums import RowSums
from libtilt.backends.numba.shear import Shear
from libtilt.backends.numba.spline_warps import sample_splines, spread_splines
from libtilt.backends.threads import run_all
from libtilt.geometry.affine import invert_affine


class FactorizedPlan(Plan):
    """Row sums along sheared rays, and a warp between sheared images and the detector."""

    def __init__(self, spec: SamplingSpec, threads: int | None) -> None:
        self._spec, self._threads = spec, threads
        self._parts = [_ShearOperator(shear, threads) for shear in Shear.from_spec(spec)]

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: row sums, then the warp onto the detector."""
        images = np.empty(self._spec.images_shape, self._spec.dtype)
        for part in self._parts:
            part.forward(volume, images)
        return images

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject: the transposed warp, then the transposed row sums."""
        total, *others = (part.adjoint(images) for part in self._parts)
        for volume in others:
            total += volume
        return total


class _ShearOperator:
    """The operator on the tilts that share a shear."""

    def __init__(self, shear: Shear, threads: int | None) -> None:
        self._shear, self._spec, self._threads = shear, shear.spec, threads
        lengths = self._spec.volume_shape[2 - shear.axis], shear.shape[1]
        self._sums = RowSums(shear.rays, shear.axis, lengths, self._spec.dtype, threads)
        self._to_sheared = shear.matrices
        self._to_detector = invert_affine(shear.matrices)

    def forward(self, volume: NDArray[Any], images: NDArray[Any]) -> None:
        """Write the projections of the tilts into the stack of all images."""
        sheared = np.empty((len(self._shear.tilts), *self._shear.shape), self._spec.dtype)
        self._sums.forward(volume, sheared, 2)

        def warp(number: int) -> None:
            image = images[self._shear.tilts[number]]
            source = self._cut(sheared, number)
            if self._spec.driven == "ray":
                sample_splines(self._to_sheared[number], source, image)
            else:
                spread_splines(self._to_detector[number], source, image)

        run_all(warp, range(len(sheared)), self._threads)

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the backprojection of the tilts."""
        sheared = np.empty((len(self._shear.tilts), *self._shear.shape), self._spec.dtype)

        def warp(number: int) -> None:
            image = images[self._shear.tilts[number]]
            target = self._cut(sheared, number)
            sheared[number, len(target) :] = 0
            sheared[number, :, target.shape[1] :] = 0
            if self._spec.driven == "ray":
                spread_splines(self._to_sheared[number], image, target)
            else:
                sample_splines(self._to_detector[number], image, target)

        run_all(warp, range(len(sheared)), self._threads)
        volume = np.empty(self._spec.volume_shape, self._spec.dtype)
        self._sums.adjoint(sheared, 2, volume)
        return volume

    def _cut(self, sheared: NDArray[Any], number: int) -> NDArray[Any]:
        """Return one sheared image, without the space that only larger ones need."""
        across, along = self._shear.shapes[number]
        view: NDArray[Any] = sheared[number, :across, :along]
        return view
