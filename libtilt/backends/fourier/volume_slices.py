"""Slices in any orientation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from libtilt.backends.base import SamplingSpec
from libtilt.backends.fourier.slices import FourierPlan, Piece, Slices
from libtilt.backends.fourier.volume_nufft import VolumeNufft
from libtilt.backends.threads import locked_cached_property, run_all

_MIN_BATCH = 1 << 24


class VolumeSlicesPlan(FourierPlan):
    """Slices in any orientation, by transforms in three dimensions.

    The two halves of the volume along z become the real and the imaginary part of one array, which
    halves the memory and reduces the time.
    """

    def __init__(self, spec: SamplingSpec, eps: float, threads: int | None) -> None:
        super().__init__(spec, eps, threads, [2, 1, 0], [1, 0])
        depth, height, width = spec.volume_shape
        self.half = (depth + 1) // 2
        self.shape = (self.half, height, width)
        most = max(_MIN_BATCH, math.prod(spec.volume_shape) // 2)
        step = max(1, most // math.prod(self.periods))
        self._batches = [self.visible[i : i + step] for i in range(0, len(self.visible), step)]

    @locked_cached_property
    def _first(self) -> Slices:
        """Slices of the first batch, which are kept."""
        return self._slices(self._batches[0], self.shape, VolumeNufft)

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: transform the folded volume to all points, then invert each slice."""
        folded = np.zeros(self.shape, self.dtype)
        folded.real[:] = volume[: self.half]
        folded.imag[: len(volume) - self.half] = volume[self.half :]
        images = np.zeros(self.spec.images_shape, self.spec.dtype)
        for slices in self._all_slices():
            project = partial(self._project, slices.nufft.to_points(folded), images)
            run_all(project, slices.pieces(), self.threads)
        return images

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject: the transposed steps in reverse order."""
        volume = np.zeros(self.spec.volume_shape, self.spec.dtype)
        for slices in self._all_slices():
            values = np.empty(slices.size, self.dtype)
            run_all(partial(self._backproject, images, values), slices.pieces(), self.threads)
            folded = slices.nufft.to_modes(values)
            volume[: self.half] += folded.real
            volume[self.half :] += folded.imag[: len(volume) - self.half]
        return volume

    def _all_slices(self) -> Iterator[Slices]:
        """Yield the slices of all tilts in batches; a single batch is kept for later calls."""
        if len(self._batches) == 1:
            yield self._first
            return
        for tilts in self._batches:
            yield self._slices(tilts, self.shape, VolumeNufft)

    def _project(self, values: NDArray[Any], images: NDArray[Any], piece: Piece) -> None:
        tilt, kept, place = piece
        height, width = self.spec.image_shape
        plane = np.zeros(kept.shape, self.dtype)
        plane[kept] = values[place]
        plane *= self._factors(tilt)
        rows = fft.ifft(plane, axis=1, overwrite_x=True)[:, :width]
        images[tilt] = fft.ifft(rows, axis=0)[:height].real

    def _backproject(self, images: NDArray[Any], values: NDArray[Any], piece: Piece) -> None:
        tilt, kept, place = piece
        columns = fft.fft(images[tilt], n=kept.shape[0], axis=0, norm="forward")
        plane = fft.fft(columns, n=kept.shape[1], axis=1, norm="forward")
        plane *= self._factors(tilt).conj()
        values[place] = plane[kept]

    def _factors(self, tilt: int) -> NDArray[Any]:
        """Return the factors that turn a slice of the folded volume into that of the volume."""
        shift = self.offsets[tilt] - np.array(self.shape) // 2
        front = self._phases(tilt, shift)
        back = self._phases(tilt, shift - np.array([self.half, 0, 0]))
        factors: NDArray[Any] = self.dtype.type(self.scales[tilt]) * (front - 1j * back)
        return factors
