"""Projecting and backprojecting by whole rows of voxels along one volume axis.

Whatever the plane of the other two axes says is the same for all voxels along that axis. So a chunk
of the axis is laid out contiguously, and weighted rows of it are added. A chunk owns its part of
the result, and the sum of one value is taken in one order: threads change no bit of it.
"""

from __future__ import annotations

from typing import Any

from libtilt.backends.numba.kernels.block_copies import copy_block
from libtilt.backends.numba.kernels.compiled import compiled, compiled_within, has_vector_form
from libtilt.backends.numba.kernels.csr_weights import TILE


@compiled
def sum_rows(
    unit: Any, forward: bool, matrix: Any, rows: Any, sums: Any, volume: Any, images: Any
) -> None:
    """Project or backproject one chunk of the axis.

    Parameters
    ----------
    unit : tuple or None
        Of `libtilt.backends.numba.vector_unit`.
    forward : bool
        Whether rows of the volume are added to sums of all images, else the other way round.
    matrix : tuple of ndarray
        Indices, weights, starts, targets, tiles: see `libtilt.backends.numba.csr_weights`.
    rows, sums : ndarray
        Zeros: rows of a tile and sums of all images, or rows of all images and sums of a tile.
    volume, images : tuple
        A flat array; how long its axes are, that of the rows last and only as far as the chunk
        goes; the steps in values along each of them, in the array and as rows in memory; where the
        chunk begins, in both.
    """
    tiles = matrix[4]
    data, (down, across, size), steps, own_steps, begin, place = volume
    pixels, shape, pixel_steps, row_steps, first, there = images
    flat_rows, flat_sums = rows.reshape(-1), sums.reshape(-1)
    if not forward:
        copy_block(unit, shape, pixels, first, pixel_steps, flat_rows, there, row_steps)
    tiles_across = -(-across // TILE)
    for tile in range(len(tiles) - 1):
        top, left = tile // tiles_across * TILE, tile % tiles_across * TILE
        block = (min(TILE, down - top), min(TILE, across - left), size)
        corner = begin + top * steps[0] + left * steps[1]
        if forward and tiles[tile] < tiles[tile + 1]:
            copy_block(unit, block, data, corner, steps, flat_rows, place, own_steps)
        if not forward:
            for value in range(len(flat_sums)):
                flat_sums[value] = 0
        _add_tile(unit, tile, matrix, flat_rows, flat_sums, sums.shape[1])
        if not forward:
            copy_block(unit, block, flat_sums, place, own_steps, data, corner, steps)
    if forward:
        copy_block(unit, shape, flat_sums, there, row_steps, pixels, first, pixel_steps)


@compiled_within
def _add_tile(unit: Any, tile: int, matrix: Any, rows: Any, sums: Any, length: int) -> None:
    indices, weights, starts, targets, tiles = matrix
    for row in range(tiles[tile], tiles[tile + 1]):
        start, stop, place = starts[row], starts[row + 1], targets[row] * length
        add_rows(unit, length, indices, weights, start, stop, rows, sums, place)


@has_vector_form
def add_rows(
    unit: Any,
    length: int,
    indices: Any,
    weights: Any,
    start: int,
    stop: int,
    rows: Any,
    sums: Any,
    place: int,
) -> None:
    """Add ``weights[j]`` times the row at ``rows[indices[j]]``, for j from start to stop.

    `rows` and `sums` are flat; the sums begin at ``sums[place]``, and are `length` values.
    """
    total = sums[place : place + length]
    for j in range(start, stop):
        first, weight = int(indices[j]), weights[j]
        row = rows[first : first + length]
        for value in range(length):
            total[value] += weight * row[value]
