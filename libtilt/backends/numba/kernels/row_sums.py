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
    are buffers of zeros with one line of a chunk's length each for a voxel or a pixel. Forward,
    `rows` hold the voxels of one tile and `sums` the pixels of all images; backward, `rows` hold
    the pixels and `sums` the voxels.

    `volume` and `images` are tuples: the flat array; the shape of its part in this chunk, the axis
    of the chunk last; the distances in values between neighbors along each axis in the array, and
    the same in the buffer; where the part begins in the array, and in the buffer.
    """
    first_rows = matrix[4]
    voxels, (down, across, size), steps, buffer_steps, begin, buffer_begin = volume
    pixels, shape, pixel_steps, pixel_buffer_steps, pixel_begin, pixel_buffer_begin = images
    flat_rows, flat_sums = rows.reshape(-1), sums.reshape(-1)
    in_images = pixels, pixel_begin, pixel_steps
    if not forward:
        copy_block(unit, shape, *in_images, flat_rows, pixel_buffer_begin, pixel_buffer_steps)
    tiles_across = -(-across // TILE)
    for tile in range(len(first_rows) - 1):
        top, left = tile // tiles_across * TILE, tile % tiles_across * TILE
        block = (min(TILE, down - top), min(TILE, across - left), size)
        corner = begin + top * steps[0] + left * steps[1]
        if forward and first_rows[tile] < first_rows[tile + 1]:
            copy_block(unit, block, voxels, corner, steps, flat_rows, buffer_begin, buffer_steps)
        if not forward:
            for value in range(len(flat_sums)):
                flat_sums[value] = 0
        _add_tile(unit, tile, matrix, flat_rows, flat_sums, sums.shape[1])
        if not forward:
            copy_block(unit, block, flat_sums, buffer_begin, buffer_steps, voxels, corner, steps)
    if forward:
        copy_block(unit, shape, flat_sums, pixel_buffer_begin, pixel_buffer_steps, *in_images)


@compiled_helper
def _add_tile(unit: Any, tile: int, matrix: Any, rows: Any, sums: Any, length: int) -> None:
    indices, weights, starts, targets, first_rows = matrix
    for matrix_row in range(first_rows[tile], first_rows[tile + 1]):
        start, stop = starts[matrix_row], starts[matrix_row + 1]
        target = targets[matrix_row] * length
        add_rows(unit, length, indices, weights, start, stop, rows, sums, target)


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
    target: int,
) -> None:
    """Add ``weights[j]`` times the row at ``rows[indices[j]]``, for j from start to stop.

    `rows` and `sums` are flat, and `indices` and `target` count values in them: a row and the sums
    have `length` values. The vector form is in ``vector_unit/row_sums.py``.
    """
    total = sums[target : target + length]
    for j in range(start, stop):
        first, weight = int(indices[j]), weights[j]
        row = rows[first : first + length]
        for value in range(length):
            total[value] += weight * row[value]
