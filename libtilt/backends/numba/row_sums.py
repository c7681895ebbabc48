"""The plan of the numba backend for rays that stay in planes of the volume."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Plan
from libtilt.backends.numba.csr_weights import CSRWeights, PlaneOfRays, by_pixel, by_voxel
from libtilt.backends.numba.kernels.compiled import unlocked
from libtilt.backends.numba.kernels.csr_weights import TILE, VOXELS
from libtilt.backends.numba.kernels.row_sums import sum_rows
from libtilt.backends.numba.vector_unit import REGISTERS, unit_for, vector_bytes
from libtilt.backends.single_axis import SingleAxisLayout
from libtilt.backends.threads import locked_cached_property, run_all, thread_count

_LINE = 64


def chunk_length(length: int, itemsize: int, threads: int) -> int:
    """Return how many values of a row are summed at once: what some vector registers hold.

    Parameters
    ----------
    length : int
        Values of a row.
    itemsize : int
        Bytes of a value.
    threads : int
        That share the chunks.

    Examples
    --------
    >>> from libtilt.backends.numba.row_sums import chunk_length
    >>> chunk_length(336, 4, threads=2) in (88, 176)
    True
    """

    def cost(registers: int) -> tuple[int, int]:
        rounds = math.ceil(math.ceil(vectors / registers) / threads)
        # Each round also reads weights and addresses, which takes about as long as two registers.
        return rounds * (registers + 2), -registers

    vectors = math.ceil(length * itemsize / vector_bytes())
    return min(REGISTERS, key=cost) * vector_bytes() // itemsize


class RowSums:
    """Sums of weighted rows: from a volume to images whose rows follow a volume axis, and back.

    Parameters
    ----------
    plane : PlaneOfRays
        The rays.
    axis : int
        The volume axis that rows follow: 0 x, 1 y, 2 z.
    lengths : tuple of int
        Of the volume and of the images along it.
    dtype : dtype
        Of both.
    threads : int or None
        How many share the work.
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
        self._unit = unit_for(sum_rows, _example, dtype)

    @locked_cached_property
    def _by_voxel(self) -> CSRWeights:
        """What each voxel takes, for the adjoint."""
        return by_voxel(self._plane, self._width, dtype=self._dtype, threads=self._threads)

    @locked_cached_property
    def _by_pixel(self) -> CSRWeights:
        """What each pixel takes, for the forward."""
        return by_pixel(self._by_voxel, self._plane, self._width, self._threads)

    def forward(self, volume: NDArray[Any], images: NDArray[Any], along: int) -> None:
        """Write the projections of `volume` into images whose axis `along` follows the rows."""
        matrix, count = self._by_pixel.arrays, images.size // images.shape[along]

        def project(chunk: int) -> None:
            begin = chunk * self._chunk
            rows = _zeros(VOXELS, self._width, self._dtype)
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
            sums = _zeros(VOXELS, self._chunk, self._dtype)
            source = _layout(images, along, begin - self._reach[1], self._width)
            target = _layout(volume, 2 - self._axis, begin, self._chunk, TILE)
            sum_rows(self._unit, False, matrix, rows, sums, target, source)

        run_all(backproject, range(-(-self._lengths[0] // self._chunk)), self._threads)


def _layout(
    array: NDArray[Any], along: int, begin: int, width: int, lines: int | None = None
) -> tuple[Any, ...]:
    """Return what `sum_rows` is told of an array for `width` values from `begin` on of one axis.

    In memory there are `lines` rows for each item of the first axis beside it, by default all.
    """
    others = [axis for axis in range(3) if axis != along]
    steps = (array.shape[1] * array.shape[2], array.shape[2], 1)
    first = max(0, begin)
    size = max(0, min(begin + width, array.shape[along]) - first)
    return (
        unlocked(array).reshape(-1),
        (*(array.shape[axis] for axis in others), size),
        (*(steps[axis] for axis in others), steps[along]),
        ((lines or array.shape[others[1]]) * width, width, 1),
        first * steps[along],
        first - begin,
    )


def _zeros(count: int, width: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return rows that begin where a line of the cache does, so that no register straddles two."""
    memory = np.zeros(count * width + _LINE, dtype)
    first = -memory.ctypes.data % _LINE // memory.itemsize
    return memory[first : first + count * width].reshape(count, width)


def _example(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Return arguments for `sum_rows`: a line of voxels, turned, and an image of two pixels."""
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
    """Row sums of one layout, and an interpolation along the rows where they need one."""

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
        """For each tilt, pixels along the axis times voxels; None for the identity."""
        return [self._layout.line_matrix(tilt) for tilt in range(len(self._spec.grids))]

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: rows of the volume along the axis, weighted and added."""
        layout, lines = self._layout, self._lines
        images = np.empty(self._spec.images_shape, self._spec.dtype)
        if all(line is None for line in lines):
            self._sums.forward(volume, images, 2 - (layout.detector_axis == 1))
            return images
        target = layout.images_view(images)
        across = np.empty(self._lined_up, self._spec.dtype)
        self._sums.forward(volume, across, 1)

        def interpolate(tilt: int) -> None:
            line = lines[tilt]
            target[tilt] = across[tilt] if line is None else line @ across[tilt]

        run_all(interpolate, range(len(lines)), self._threads)
        return images

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject: the same weights, transposed."""
        layout, lines = self._layout, self._lines
        volume = np.empty(self._spec.volume_shape, self._spec.dtype)
        if all(line is None for line in lines):
            self._sums.adjoint(images, 2 - (layout.detector_axis == 1), volume)
            return volume
        source = layout.images_view(images)
        across = np.empty(self._lined_up, self._spec.dtype)

        def spread(tilt: int) -> None:
            line = lines[tilt]
            across[tilt] = source[tilt] if line is None else line.T @ source[tilt]

        run_all(spread, range(len(lines)), self._threads)
        self._sums.adjoint(across, 1, volume)
        return volume

    @property
    def _lined_up(self) -> tuple[int, ...]:
        """Shape of images with a row for each voxel along the axis."""
        layout = self._layout
        return len(self._spec.grids), layout.line_length, layout.detector_shape[1]
