"""Sparse matrix of weights by rows (CSR): contributions of voxels of a plane to pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled, compiled_helper

TILE = 16
"""Voxels along each side of a tile."""

TILE_VOXELS = TILE * TILE
"""Voxels of a tile."""

GROUP_TILTS = 14
"""Tilts listed together for a tile, so that their values stay in the first-level cache."""

MAX_TAPS = 16
"""Largest number of offsets along the axis between a voxel and a pixel."""


@compiled_helper
def _taps(
    grid: Any, inverse: Any, shear: Any, row: int, column: int, pixel: int, ray: bool, taps: Any
) -> tuple[int, int]:
    """Fill in the weights of a voxel for a pixel across, by offset along the axis.

    Return the least offset, and the number of weights.
    """
    across = inverse[0, 0] * row + inverse[0, 1] * column + inverse[0, 2]
    depth = inverse[1, 0] * row + inverse[1, 1] * column + inverse[1, 2]
    reach = abs(inverse[1, 0]) + abs(inverse[1, 1])
    first, last = int(np.ceil(depth - reach)), int(np.floor(depth + reach))
    if not ray:
        along = shear[0] * depth + shear[1]
        lowest = int(np.floor(along))
        weight = max(0.0, 1.0 - abs(pixel - across))
        taps[0], taps[1] = weight * (1.0 - (along - lowest)), weight * (along - lowest)
        return lowest, 2
    start, end = shear[0] * first + shear[1], shear[0] * last + shear[1]
    lowest = int(np.floor(min(start, end)))
    count = int(np.floor(max(start, end))) - lowest + 2
    for tap in range(count):
        taps[tap] = 0.0
    for k in range(first, last + 1):
        down = grid[0, 0] * pixel + grid[0, 1] * k + grid[0, 2] - row
        right = grid[1, 0] * pixel + grid[1, 1] * k + grid[1, 2] - column
        weight = max(0.0, 1.0 - abs(down)) * max(0.0, 1.0 - abs(right))
        along = shear[0] * k + shear[1]
        tap = int(np.floor(along)) - lowest
        fraction = along - lowest - tap
        taps[tap] += weight * (1.0 - fraction)
        taps[tap + 1] += weight * fraction
    return lowest, count


@compiled_helper
def _pixel_range(inverse: Any, row: int, column: int, pixels: int, ray: bool) -> tuple[int, int]:
    """Return the first pixel that a voxel may contribute to, and the one after the last."""
    across = inverse[0, 0] * row + inverse[0, 1] * column + inverse[0, 2]
    reach = abs(inverse[0, 0]) + abs(inverse[0, 1]) if ray else 1.0
    first = max(0.0, np.ceil(across - reach))
    last = min(pixels - 1.0, np.floor(across + reach))
    return int(min(first, float(pixels))), int(max(last, -1.0)) + 1


@compiled_helper
def _voxel(run: int, tiles_across: int, groups: int) -> tuple[int, int]:
    """Return row and column in the plane of the voxel of matrix row `run`."""
    tile, inside = run // (groups * TILE_VOXELS), run % TILE_VOXELS
    return tile // tiles_across * TILE + inside // TILE, tile % tiles_across * TILE + inside % TILE


@compiled
def list_entries(
    first_row: int, rays: Any, taps: Any, counts: Any, indices: Any, weights: Any
) -> None:
    """Count the entries of rows from `first_row` on, and list them if `indices` has room.

    `taps` is scratch memory.
    """
    grids, inverse, shears, sizes, ray = rays
    rows, columns, tiles_across, pixels, width, furthest = sizes
    groups = -(-len(grids) // GROUP_TILTS)
    entry = 0
    for run in range(first_row, first_row + len(counts)):
        row, column = _voxel(run, tiles_across, groups)
        group = run // TILE_VOXELS % groups
        before = entry
        if row < rows and column < columns:
            for tilt in range(group * GROUP_TILTS, min((group + 1) * GROUP_TILTS, len(grids))):
                grid, back, shear = grids[tilt], inverse[tilt], shears[tilt]
                first, end = _pixel_range(back, row, column, pixels, ray)
                for pixel in range(first, end):
                    lowest, length = _taps(grid, back, shear, row, column, pixel, ray, taps)
                    place = (tilt * pixels + pixel) * width + furthest - lowest
                    for tap in range(length):
                        if taps[tap] > 0.0:
                            if len(indices):
                                indices[entry] = place - tap
                                weights[entry] = taps[tap]
                            entry += 1
        counts[run - first_row] = entry - before


@compiled
def sort_by_pixel(
    width: int, shift: int, places: Any, starts: Any, indices: Any, order: Any, runs: Any
) -> int:
    """Sort the entries of one tile by pixel, keeping the order of voxels; return the pixel count.

    `starts` and `indices` are the entries by voxel. `width` is the length of a row of images and
    volume, `shift` the difference of their first offsets. Results: `order` `(2, n)`, the old place
    and the new index of each entry, and `runs` `(2, m)`, the first entry and the number of each
    pixel with entries. `places` holds a zero per pixel.
    """
    for entry in range(len(indices)):
        places[indices[entry] // width] += 1
    place, count = 0, 0
    for pixel in range(len(places)):
        if places[pixel]:
            runs[0, count], runs[1, count] = place, pixel
            place, places[pixel], count = place + places[pixel], place, count + 1
    for voxel in range(len(starts) - 1):
        inside = voxel % TILE_VOXELS
        for entry in range(starts[voxel], starts[voxel + 1]):
            pixel = indices[entry] // width
            place = places[pixel]
            order[0, place] = entry
            order[1, place] = inside * width + shift - (indices[entry] - pixel * width)
            places[pixel] = place + 1
    return count
