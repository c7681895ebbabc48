"""Projection and backprojection by whole rows of voxels along one volume axis.

Weights in the plane of the other two axes are the same for all voxels along the axis. A chunk of
the axis is copied to contiguous memory, and weighted rows of it are added. A chunk owns its part
of the result and sums in a fixed order, so results do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

from libtilt.backends.numba.kernels.block_copies import copy_block
from libtilt.backends.numba.kernels.compiled import compiled, compiled_helper, has_vector_form
from libtilt.backends.numba.kernels.csr_weights import TILE


@compiled
def sum_rows(
    unit: Any, forward: bool, matrix: Any, rows: Any, sums: Any, volume: Any, images: Any
) -> None:
    """Project or backproject one chunk of the axis.

    `matrix` holds the arrays of `libtilt.backends.numba.csr_weights.CSRWeights`. `rows` and `sums`
    are zeros: rows of a tile and sums of all images (`forward`), or rows of all images and sums of
    a tile. `volume` and `images` are layouts: a flat array; its shape, with the chunk along the
    rows last; steps in values along each axis, in the array and in `rows` or `sums`; and the index
    at which the chunk begins, in both.
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


@compiled_helper
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

    `rows` and `sums` are flat; the sums are the `length` values from ``sums[place]`` on.
    """
    total = sums[place : place + length]
    for j in range(start, stop):
        first, weight = int(indices[j]), weights[j]
        row = rows[first : first + length]
        for value in range(length):
            total[value] += weight * row[value]
