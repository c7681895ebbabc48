"""Slices for rays that stay in planes of the volume."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from libtilt.backends.fourier.nufft import PlaneNufft
from libtilt.backends.fourier.slices import FourierPlan, Piece, Slices
from libtilt.backends.single_axis import SingleAxisLayout
from libtilt.backends.threads import locked_cached_property, run_all

_DRIFT = 1e-9
_ROWS = 4
"""Plane rows transformed together, for locality in memory."""


class PlaneSlicesPlan(FourierPlan):
    """Slices for rays that stay in planes: an FFT along the tilt axis, then slices of planes.

    Each frequency along the axis is a plane to slice, and all planes share their points.
    """

    def __init__(
        self, layout: SingleAxisLayout, direction: int, eps: float, threads: int | None
    ) -> None:
        volume_axes = [axis for axis in (2, 1, 0) if axis != layout.axis]
        super().__init__(layout.spec, eps, threads, volume_axes, [1 - layout.detector_axis])
        self.layout = layout
        self.direction = direction
        # One period covers all voxels along the axis.
        least = max(self.periods[layout.detector_axis], layout.line_length)
        self.period = 2 * fft.next_fast_len((least + 1) // 2)
        self.count = self.period // 2
        line = self.spec.grids[:, layout.axis, 3]
        self.line_offsets = line if direction == 1 else line - (layout.detector_shape[0] - 1)

    @locked_cached_property
    def slices(self) -> Slices:
        """Slices of all tilts that see the volume."""
        return self._slices(self.visible, self.layout.plane_shape, PlaneNufft)

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: FFT along the axis, slices of every plane, inverse FFT."""
        view = self.layout.volume_view(volume)
        modes = np.empty((self.count, *self.layout.plane_shape), self.dtype)

        def transform(row: int) -> None:
            some = slice(row, row + _ROWS)
            lines = np.moveaxis(view[some], -1, 0)
            modes[:, some] = fft.rfft(lines, n=self.period, axis=0)[: self.count]

        run_all(transform, range(0, len(view), _ROWS), self.threads)
        slices = self.slices
        values = slices.nufft.to_points(modes)
        images = np.zeros(self.spec.images_shape, self.spec.dtype)
        run_all(partial(self._project, values, self._along(images)), slices.pieces(), self.threads)
        return images

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject: the transposed steps in reverse order."""
        slices = self.slices
        values = np.empty((self.count, slices.size), self.dtype)
        backproject = partial(self._backproject, self._along(images), values)
        run_all(backproject, slices.pieces(), self.threads)
        modes = slices.nufft.to_modes(values)
        volume = np.empty(self.spec.volume_shape, self.spec.dtype)
        view = self.layout.volume_view(volume)

        def transform(row: int) -> None:
            some = slice(row, row + _ROWS)
            lines = fft.irfft(modes[:, some], n=self.period, axis=0, norm="forward")
            view[some] = np.moveaxis(lines[: view.shape[-1]], 0, -1)

        run_all(transform, range(0, len(view), _ROWS), self.threads)
        return volume

    def _along(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the images as tilts, pixels in the direction of the axis, pixels across it."""
        return self.layout.images_view(images)[:, :: self.direction]

    def _project(self, values: NDArray[Any], images: NDArray[Any], piece: Piece) -> None:
        tilt, kept, place = piece
        along, across = images.shape[1:]
        plane = np.zeros((self.count, len(kept)), self.dtype)
        plane[:, kept] = values[:, place]
        plane *= self._factors(tilt)
        lines = fft.ifft(plane, axis=1, overwrite_x=True)[:, :across]
        images[tilt] = fft.irfft(lines, n=self.period, axis=0)[:along]

    def _backproject(self, images: NDArray[Any], values: NDArray[Any], piece: Piece) -> None:
        tilt, kept, place = piece
        # The weights of the omitted half of the frequencies, here and in the inverse transform to
        # the volume, cancel.
        lines = fft.rfft(images[tilt], n=self.period, axis=0, norm="forward")[: self.count]
        plane = fft.fft(lines, n=len(kept), axis=1, norm="forward")
        plane *= self._factors(tilt).conj()
        values[:, place] = plane[:, kept]

    def _factors(self, tilt: int) -> NDArray[Any]:
        """Return the phases that shift the slices of all planes into place, times their scale."""
        shift = self.offsets[tilt] - np.array(self.layout.plane_shape) // 2
        turns = np.exp(2j * np.pi * self.line_offsets[tilt] / self.period * np.arange(self.count))
        line = (self.scales[tilt] * turns).astype(self.dtype)
        factors: NDArray[Any] = np.multiply.outer(line, self._phases(tilt, shift))
        return factors


def axis_direction(layout: SingleAxisLayout) -> int:
    """Return 1 or -1 if pixels match voxels along the axis, in equal or reverse order; else 0."""
    scales = layout.spec.grids[:, layout.axis, layout.detector_axis]
    extent = max(layout.detector_shape[0], layout.line_length)
    return next((s for s in (1, -1) if np.abs(scales - s).max() * extent < _DRIFT), 0)
