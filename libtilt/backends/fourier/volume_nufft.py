"""Non-uniform fast Fourier transforms in three dimensions, independent of the thread count."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from libtilt.backends.fourier.kernel import Kernel, spreading_plan
from libtilt.backends.fourier.nufft import nufft_options
from libtilt.backends.threads import locked_cached_property, run_all, run_each

_ROWS = 4
_BIN, _BINS = 4, 128
_MIN_SLAB = 12
"""Smallest number of planes in a slab, without those shared with its neighbors."""


@attrs.frozen(eq=False)
class Slab:
    """Some planes of the fine grid, and the points between them.

    `planes` includes the planes on both sides that points reach; `order` holds the indices of the
    points, and `points` `(3, m)` their angles on the grid of these planes.
    """

    planes: NDArray[np.intp]
    order: NDArray[np.int32]
    points: NDArray[Any]


class VolumeNufft:
    """The non-uniform FFT between the modes of an array of `shape` and points, and its adjoint.

    `points` `(3, m)` are angles per index between -pi and pi, with indices counted from
    ``shape // 2``; `eps` is the target relative error.

    Values are spread from points to a finer grid, which is transformed, and vice versa. finufft
    spreads one slab per thread. Neighboring slabs share planes, so every other slab is added first,
    then those between: each plane is summed in the same order for any number of threads.
    """

    def __init__(
        self, points: NDArray[Any], shape: tuple[int, ...], eps: float, threads: int | None
    ) -> None:
        self._count = points.shape[1]
        self._shape = shape
        self._threads = threads
        self._options = nufft_options(eps, points.dtype)
        self._dtype = np.dtype(self._options["dtype"])
        kernel = Kernel.measure(self._options)
        upsampling = self._options["upsampfac"]
        least = [max(math.ceil(upsampling * n), 2 * kernel.width) for n in shape]
        self._fine = tuple(2 * fft.next_fast_len((n + 1) // 2) for n in least)
        self._factors = [
            kernel.factors(n, fine).astype(points.dtype)
            for n, fine in zip(shape, self._fine, strict=True)
        ]
        self._slabs = _cut_into_slabs(points, self._fine[0], kernel.width // 2 + 1, threads)

    def to_points(self, modes: NDArray[Any]) -> NDArray[Any]:
        """Transform an array of `shape` to ``(m,)``."""
        values = np.zeros(self._count, self._dtype)
        if not self._count:
            return values
        grid = np.empty(self._fine, self._dtype)
        rows = range(0, self._shape[1], _ROWS)
        run_all(partial(self._columns_to_fine, modes, grid), rows, self._threads)
        run_all(partial(self._plane_to_fine, grid), range(len(grid)), self._threads)

        def interpolate(index: int) -> None:
            slab = self._slabs[index]
            planes = slab.planes
            # Consecutive planes need no copy.
            wrapped = planes[0] > planes[-1]
            some = grid[planes] if wrapped else grid[planes[0] : planes[-1] + 1]
            values[slab.order] = self._interpolations[index].execute(some)

        run_all(interpolate, self._longest_first(range(len(self._slabs))), self._threads)
        return values

    def to_modes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Transform ``(m,)`` to an array of `shape` by the adjoint of `to_points`."""
        modes = np.zeros(self._shape, self._dtype)
        if not self._count:
            return modes
        grid = np.zeros(self._fine, self._dtype)

        def spread(index: int) -> None:
            slab = self._slabs[index]
            some = self._spreadings[index].execute(values[slab.order])
            for plane, more in zip(slab.planes, some, strict=True):
                grid[plane] += more

        for first in (0, 1):
            slabs = range(first, len(self._slabs), 2)
            run_all(spread, self._longest_first(slabs), self._threads)
        run_all(partial(self._plane_from_fine, grid), range(len(grid)), self._threads)
        rows = range(0, self._shape[1], _ROWS)
        run_all(partial(self._columns_from_fine, modes, grid), rows, self._threads)
        return modes

    def _longest_first(self, slabs: Iterable[int]) -> list[int]:
        """Return the slabs in order of decreasing work, to balance the threads."""
        return sorted(slabs, key=lambda index: -len(self._slabs[index].order))

    @locked_cached_property
    def _interpolations(self) -> list[Any]:
        return self._plans(2)

    @locked_cached_property
    def _spreadings(self) -> list[Any]:
        return self._plans(1)

    def _plans(self, kind: int) -> list[Any]:
        plans: list[Any] = [None] * len(self._slabs)

        def make(index: int) -> None:
            slab = self._slabs[index]
            shape = (len(slab.planes), *self._fine[1:])
            plans[index] = spreading_plan(kind, shape, slab.points, self._options)

        run_all(make, range(len(plans)), self._threads)
        return plans

    def _columns_to_fine(self, modes: NDArray[Any], grid: NDArray[Any], row: int) -> None:
        some = slice(row, row + _ROWS)
        part = modes[:, some] * self._factors[0][:, np.newaxis, np.newaxis]
        columns = fft.fft(_to_fft_order(part, 0, len(grid)), axis=0, overwrite_x=True)
        grid[:, row : row + part.shape[1], : self._shape[2]] = columns

    def _plane_to_fine(self, grid: NDArray[Any], index: int) -> None:
        height, width = self._shape[1:]
        part = grid[index, :height, :width] * np.multiply.outer(*self._factors[1:])
        columns = fft.fft(_to_fft_order(part, 0, grid.shape[1]), axis=0, overwrite_x=True)
        grid[index] = fft.fft(_to_fft_order(columns, 1, grid.shape[2]), axis=1, overwrite_x=True)

    def _plane_from_fine(self, grid: NDArray[Any], index: int) -> None:
        height, width = self._shape[1:]
        rows = fft.ifft(grid[index], axis=1, norm="forward")
        columns = fft.ifft(
            _from_fft_order(rows, 1, width), axis=0, norm="forward", overwrite_x=True
        )
        part = _from_fft_order(columns, 0, height)
        grid[index, :height, :width] = part * np.multiply.outer(*self._factors[1:])

    def _columns_from_fine(self, modes: NDArray[Any], grid: NDArray[Any], row: int) -> None:
        some = slice(row, min(row + _ROWS, self._shape[1]))
        lines = fft.ifft(grid[:, some, : self._shape[2]], axis=0, norm="forward")
        part = _from_fft_order(lines, 0, self._shape[0])
        modes[:, some] = part * self._factors[0][:, np.newaxis, np.newaxis]


def _cut_into_slabs(
    points: NDArray[Any], count: int, reach: int, threads: int | None
) -> list[Slab]:
    """Return the slabs of a grid of `count` planes: an even number of slabs, or one."""
    pairs = count // (2 * max(_MIN_SLAB, 2 * reach))
    if pairs == 0:
        everything = np.arange(points.shape[1], dtype=np.int32)
        return [Slab(np.arange(count), everything, points)]
    edges = np.linspace(0, count, 2 * pairs + 1).astype(int)
    bounds = 2 * np.pi * (edges[1:-1] / count - 0.5)
    numbers = np.searchsorted(bounds, points[0], side="right").astype(np.int16)

    def cut(number: int) -> Slab:
        planes = np.arange(edges[number] - reach, edges[number + 1] + reach)
        chosen = np.flatnonzero(numbers == number).astype(np.int32)
        # Sorted by position on the grid, for the processor's cache.
        lowest = 2 * np.pi * (edges[number] / count - 0.5)
        depths = (points[0, chosen] - lowest) * (count / _BIN / (2 * np.pi))
        heights = points[1, chosen] * (_BINS / (2 * np.pi))
        bins = depths.astype(np.int16) * _BINS + heights.astype(np.int16)
        chosen = chosen[np.argsort(bins, kind="stable")]
        some = points.take(chosen, axis=1)
        places = (some[0].astype(np.float64) / (2 * np.pi) + 0.5) * count - planes[0]
        some[0] = 2 * np.pi * (places / len(planes) - 0.5)
        return Slab(planes % count, chosen, some)

    return list(run_each(cut, range(2 * pairs), threads))


def _to_fft_order(modes: NDArray[Any], axis: int, count: int) -> NDArray[Any]:
    """Return `count` FFT-ordered modes along an axis: from 0 on, zeros, then negative modes."""
    modes = np.moveaxis(modes, axis, 0)
    negative = len(modes) // 2
    result = np.zeros((count, *modes.shape[1:]), modes.dtype)
    result[: len(modes) - negative] = modes[negative:]
    result[count - negative :] = modes[:negative]
    return np.moveaxis(result, 0, axis)


def _from_fft_order(lines: NDArray[Any], axis: int, count: int) -> NDArray[Any]:
    """Return `count` modes around 0 along an axis: the inverse of `_to_fft_order`."""
    lines = np.moveaxis(lines, axis, 0)
    negative = count // 2
    modes = np.concatenate([lines[len(lines) - negative :], lines[: count - negative]])
    return np.moveaxis(modes, 0, axis)
