"""The plan of the numba backend for rays that stay in planes of the volume."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Plan
from libtilt.backends.numba.csr_weights import (
    CSRWeights,
    PlaneOfRays,
    weights_by_pixel,
    weights_by_voxel,
)
from libtilt.backends.numba.kernels.compiled import as_writable
from libtilt.backends.numba.kernels.csr_weights import TILE, TILE_VOXELS
from libtilt.backends.numba.kernels.row_sums import sum_rows
from libtilt.backends.numba.vector_unit import REGISTERS, select_unit, vector_bytes
from libtilt.backends.single_axis import SingleAxisLayout
from libtilt.backends.threads import locked_cached_property, run_all, thread_count

_CACHE_LINE = 64


def chunk_length(length: int, itemsize: int, threads: int) -> int:
    """Return the values of a row, `length` long, to sum at once: those of some vector registers."""

    def cost(registers: int) -> tuple[int, int]:
        rounds = math.ceil(math.ceil(vectors / registers) / threads)
        # Each round also reads weights and addresses, at about the cost of two registers.
        return rounds * (registers + 2), -registers

    vectors = math.ceil(length * itemsize / vector_bytes())
    return min(REGISTERS, key=cost) * vector_bytes() // itemsize


class RowSums:
    """Weighted sums of rows: from a volume to images whose rows follow a volume axis, and back.

    `axis` is that axis (0 x, 1 y, 2 z), and `lengths` those of volume and images along it.
    """

    def __init__(
        self,
        plane: PlaneOfRays,
        axis: int,
        lengths: tuple[int, int],
        dtype: np.dtype[Any],
        threads: int | None,
    ) -> None:
        self._plane, self._axis, self._lengths, self._threads = plane, axis, lengths, threads
        self._chunk = chunk_length(max(lengths), dtype.itemsize, thread_count(threads))
        self._reach = plane.reach
        self._width = self._chunk + self._reach[1] - self._reach[0]
        self._dtype = dtype
        self._unit = select_unit(sum_rows, _example, dtype)

    @locked_cached_property
    def _by_voxel(self) -> CSRWeights:
        """Weights by voxel, for the adjoint."""
        return weights_by_voxel(self._plane, self._width, dtype=self._dtype, threads=self._threads)

    @locked_cached_property
    def _by_pixel(self) -> CSRWeights:
        """Weights by pixel, for the forward."""
        return weights_by_pixel(self._by_voxel, self._plane, self._width, self._threads)

    def forward(self, volume: NDArray[Any], images: NDArray[Any], along: int) -> None:
        """Write the projections of `volume` into images whose axis `along` follows the rows."""
        matrix, count = self._by_pixel.arrays, images.size // images.shape[along]

        def project(chunk: int) -> None:
            begin = chunk * self._chunk
            rows = _zeros(TILE_VOXELS, self._width, self._dtype)
            sums = _zeros(count, self._chunk, self._dtype)
            source = _layout(volume, 2 - self._axis, begin + self._reach[0], self._width, TILE)
            target = _layout(images, along, begin, self._chunk)
            sum_rows(self._unit, True, matrix, rows, sums, source, target)

        run_all(project, range(-(-self._lengths[1] // self._chunk)), self._threads)

    def adjoint(self, images: NDArray[Any], along: int, volume: NDArray[Any]) -> None:
        """Write the backprojection of `images` into `volume`."""
        matrix, count = self._by_voxel.arrays, images.size // images.shape[along]

        def backproject(chunk: int) -> None:
            begin = chunk * self._chunk
            rows = _zeros(count, self._width, self._dtype)
            sums = _zeros(TILE_VOXELS, self._chunk, self._dtype)
            source = _layout(images, along, begin - self._reach[1], self._width)
            target = _layout(volume, 2 - self._axis, begin, self._chunk, TILE)
            sum_rows(self._unit, False, matrix, rows, sums, target, source)

        run_all(backproject, range(-(-self._lengths[0] // self._chunk)), self._threads)


def _layout(
    array: NDArray[Any], along: int, begin: int, width: int, lines: int | None = None
) -> tuple[Any, ...]:
    """Return the layout that `sum_rows` expects for `width` values of an array from `begin` on.

    `along` is the axis of the values. In memory, an item of the first other axis has `lines` rows,
    by default all of the second.
    """
    others = [axis for axis in range(3) if axis != along]
    steps = (array.shape[1] * array.shape[2], array.shape[2], 1)
    first = max(0, begin)
    size = max(0, min(begin + width, array.shape[along]) - first)
    return (
        as_writable(array).reshape(-1),
        (*(array.shape[axis] for axis in others), size),
        (*(steps[axis] for axis in others), steps[along]),
        ((lines or array.shape[others[1]]) * width, width, 1),
        first * steps[along],
        first - begin,
    )


def _zeros(count: int, width: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return rows of zeros aligned to a cache line, so that no register straddles two."""
    memory = np.zeros(count * width + _CACHE_LINE, dtype)
    first = -memory.ctypes.data % _CACHE_LINE // memory.itemsize
    return memory[first : first + count * width].reshape(count, width)


def _example(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Return arguments for `sum_rows`: a line of voxels, transposed, and an image of two pixels."""
    length = REGISTERS[1] * vector_bytes() // dtype.itemsize
    indices = np.array([0, 3 * length, length], np.uint32)
    starts, targets, tiles = np.array([0, 2, 3]), np.array([0, 1]), np.array([0, 2])
    matrix = indices, np.array([0.5, 2.0, -1.0], dtype), starts, targets, tiles
    volume = np.sqrt(np.arange(TILE * length, dtype=dtype)).reshape(1, length, TILE)
    images = np.zeros((1, 2, length), dtype)
    rows, sums = np.zeros((TILE, length), dtype), np.zeros((2, length), dtype)
    layouts = _layout(volume, 1, 0, length, TILE), _layout(images, 2, 0, length)
    return True, matrix, rows, sums, *layouts


class RowSumsPlan(Plan):
    """Row sums of a layout, and interpolation along the rows if needed."""

    def __init__(self, layout: SingleAxisLayout, threads: int | None) -> None:
        self._layout, self._spec, self._threads = layout, layout.spec, threads
        length = layout.line_length
        plane = PlaneOfRays(
            grids=layout.plane_grids,
            shears=np.zeros((len(self._spec.grids), 2)),
            plane_shape=layout.plane_shape,
            pixels=layout.detector_shape[1],
            driven=self._spec.driven,
        )
        self._sums = RowSums(plane, layout.axis, (length, length), self._spec.dtype, threads)

    @locked_cached_property
    def _lines(self) -> list[Any]:
        """Matrices of each tilt: pixels times voxels along the axis; None for the identity."""
        return [self._layout.line_matrix(tilt) for tilt in range(len(self._spec.grids))]

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: weighted sums of the volume's rows along the axis."""
        layout, lines = self._layout, self._lines
        images = np.empty(self._spec.images_shape, self._spec.dtype)
        if all(line is None for line in lines):
            self._sums.forward(volume, images, 2 - (layout.detector_axis == 1))
            return images
        target = layout.images_view(images)
        across = np.empty(self._row_images_shape, self._spec.dtype)
        self._sums.forward(volume, across, 1)

        def interpolate(tilt: int) -> None:
            line = lines[tilt]
            target[tilt] = across[tilt] if line is None else line @ across[tilt]

        run_all(interpolate, range(len(lines)), self._threads)
        return images

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject with the same weights, transposed."""
        layout, lines = self._layout, self._lines
        volume = np.empty(self._spec.volume_shape, self._spec.dtype)
        if all(line is None for line in lines):
            self._sums.adjoint(images, 2 - (layout.detector_axis == 1), volume)
            return volume
        source = layout.images_view(images)
        across = np.empty(self._row_images_shape, self._spec.dtype)

        def spread(tilt: int) -> None:
            line = lines[tilt]
            across[tilt] = source[tilt] if line is None else line.T @ source[tilt]

        run_all(spread, range(len(lines)), self._threads)
        self._sums.adjoint(across, 1, volume)
        return volume

    @property
    def _row_images_shape(self) -> tuple[int, ...]:
        """Shape of images with a row for each voxel along the axis."""
        layout = self._layout
        return len(self._spec.grids), layout.line_length, layout.detector_shape[1]
