"""Projecting and backprojecting by whole rows of voxels along one volume axis.

Whatever the plane of the other two axes says is the same for all voxels along that axis. So a chunk
of the axis is laid out contiguously, and each run adds weighted rows of it. A chunk owns its part
of the result, and the sum of one value is taken in one order: threads change no bit of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled
from libtilt.backends.numba.kernels.entries import TILE, VOXELS
from libtilt.backends.numba.kernels.lanes import VECTOR_BYTES, add_rows
from libtilt.backends.numba.kernels.turned import copy_turned

_LINE = 64


@compiled
def project_rows(
    registers: Any,
    chunk: int,
    reach: Any,
    volume: Any,
    axis: int,
    runs: Any,
    images: Any,
    along: int,
) -> None:
    """Project one chunk: `images` have the axis at position `along`, 1 or 2."""
    tiles = runs[4]
    length = len(registers) * VECTOR_BYTES // volume.itemsize
    width = length + reach[1] - reach[0]
    count, across = len(images), images.shape[3 - along]
    begin, size = chunk * length, min(length, images.shape[along] - chunk * length)
    rows = _zeros(VOXELS, width, volume.dtype)
    sums = _zeros(count * across, length, volume.dtype)
    for tile in range(len(tiles) - 1):
        if tiles[tile] < tiles[tile + 1]:
            _load_tile(volume, axis, tile, begin + reach[0], rows)
        _add_runs(registers, tile, runs, rows, sums)
    for image in range(count):
        rows_of_image = sums[image * across : (image + 1) * across]
        if along == 2:
            images[image, :, begin : begin + size] = rows_of_image[:, :size]
        else:
            first = (image * images.shape[1] + begin) * across
            flat = rows_of_image.reshape(-1)
            copy_turned((across, size), flat, 0, length, images.reshape(-1), first, across)


@compiled
def backproject_rows(
    registers: Any,
    chunk: int,
    reach: Any,
    images: Any,
    along: int,
    runs: Any,
    volume: Any,
    axis: int,
) -> None:
    """Backproject one chunk: the transpose of `project_rows`."""
    length = len(registers) * VECTOR_BYTES // images.itemsize
    width = length + reach[1] - reach[0]
    begin = chunk * length
    rows = _chunk_of_images(images, along, begin - reach[1], width)
    sums = _zeros(VOXELS, length, images.dtype)
    for tile in range(len(runs[4]) - 1):
        sums[:] = 0
        _add_runs(registers, tile, runs, rows, sums)
        _store_tile(sums, axis, tile, begin, volume)


@compiled
def _zeros(count: int, width: int, dtype: Any) -> Any:
    """Return rows that begin where a line of the cache does, so that no register straddles two."""
    memory = np.zeros(count * width + _LINE, dtype)
    first = -memory.ctypes.data % _LINE // memory.itemsize
    return memory[first : first + count * width].reshape(count, width)


@compiled
def _add_runs(registers: Any, tile: int, runs: Any, rows: Any, sums: Any) -> None:
    """Add the weighted rows of all runs of a tile to their sums."""
    indices, weights, starts, targets, tiles = runs
    for run in range(tiles[tile], tiles[tile + 1]):
        add_rows(
            registers,
            indices,
            weights,
            starts[run],
            starts[run + 1],
            rows.reshape(-1),
            sums.reshape(-1),
            targets[run] * sums.shape[1],
        )


@compiled
def _chunk_of_images(images: Any, along: int, begin: int, width: int) -> Any:
    """Return a chunk of all images, (images and pixels across) times width, zero outside."""
    length, across = images.shape[along], images.shape[3 - along]
    first, last = max(0, -begin), min(width, length - begin)
    rows = _zeros(len(images) * across, width, images.dtype)
    for image in range(len(images)):
        if along == 2:
            for pixel in range(across):
                for j in range(first, last):
                    rows[image * across + pixel, j] = images[image, pixel, begin + j]
        elif first < last:
            copy_turned(
                (last - first, across),
                images.reshape(-1),
                (image * length + begin + first) * across,
                across,
                rows.reshape(-1),
                image * across * width + first,
                width,
            )
    return rows


@compiled
def _corner(tile: int, shape: Any, axis: int) -> tuple[int, int, int, int]:
    """Return where a tile begins, rows and columns, and how many of each it has."""
    rows = shape[1] if axis == 2 else shape[0]
    columns = shape[1] if axis == 0 else shape[2]
    tiles_across = -(-columns // TILE)
    top, left = tile // tiles_across * TILE, tile % tiles_across * TILE
    return top, left, min(TILE, rows - top), min(TILE, columns - left)


@compiled
def _load_tile(volume: Any, axis: int, tile: int, begin: int, rows: Any) -> None:  # noqa: C901
    """Copy a tile of the volume into rows that begin at `begin` of the axis.

    What lies outside the volume is not touched: there rows stay zero.
    """
    top, left, height, width = _corner(tile, volume.shape, axis)
    first, last = max(0, -begin), min(rows.shape[1], volume.shape[2 - axis] - begin)
    if axis == 0:
        for r in range(height):
            for c in range(width):
                for j in range(first, last):
                    rows[r * TILE + c, j] = volume[top + r, left + c, begin + j]
    elif axis == 1:
        if first < last:
            for r in range(height):
                copy_turned(
                    (last - first, width),
                    volume.reshape(-1),
                    ((top + r) * volume.shape[1] + begin + first) * volume.shape[2] + left,
                    volume.shape[2],
                    rows.reshape(-1),
                    r * TILE * rows.shape[1] + first,
                    rows.shape[1],
                )
    else:
        for j in range(first, last):
            for r in range(height):
                for c in range(width):
                    rows[r * TILE + c, j] = volume[begin + j, top + r, left + c]


@compiled
def _store_tile(sums: Any, axis: int, tile: int, begin: int, volume: Any) -> None:
    """Copy rows of sums into a tile of the volume: the other way of `_load_tile`."""
    top, left, height, width = _corner(tile, volume.shape, axis)
    size = min(sums.shape[1], volume.shape[2 - axis] - begin)
    if axis == 0:
        for r in range(height):
            for c in range(width):
                for j in range(size):
                    volume[top + r, left + c, begin + j] = sums[r * TILE + c, j]
    elif axis == 1:
        for r in range(height):
            copy_turned(
                (width, size),
                sums.reshape(-1),
                r * TILE * sums.shape[1],
                sums.shape[1],
                volume.reshape(-1),
                ((top + r) * volume.shape[1] + begin) * volume.shape[2] + left,
                volume.shape[2],
            )
    else:
        for j in range(size):
            for r in range(height):
                for c in range(width):
                    volume[begin + j, top + r, left + c] = sums[r * TILE + c, j]
