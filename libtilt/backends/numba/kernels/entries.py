"""The loops that list weights: what each voxel of a plane gives to each pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled

TILE = 16
"""Voxels along each side of a tile."""

VOXELS = TILE * TILE
"""Of a tile."""

TILTS = 14
"""Listed together for a tile: what neighbouring voxels take from them stays in the first cache."""

_MOST_TAPS = 16


@compiled
def _taps(
    grid: Any, inverse: Any, shear: Any, row: int, column: int, pixel: int, ray: bool, taps: Any
) -> tuple[int, int]:
    """Fill in what a voxel gives to a pixel across, by offset along the axis.

    Return the least offset, and how many there are.
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
    taps[:count] = 0.0
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


@compiled
def _pixel_range(inverse: Any, row: int, column: int, pixels: int, ray: bool) -> tuple[int, int]:
    """Return the first pixel that may have something of a voxel, and the one after the last."""
    across = inverse[0, 0] * row + inverse[0, 1] * column + inverse[0, 2]
    reach = abs(inverse[0, 0]) + abs(inverse[0, 1]) if ray else 1.0
    first = max(0.0, np.ceil(across - reach))
    last = min(pixels - 1.0, np.floor(across + reach))
    return int(min(first, float(pixels))), int(max(last, -1.0)) + 1


@compiled
def _voxel(run: int, tiles_across: int, groups: int) -> tuple[int, int]:
    """Return row and column in the plane of the voxel of a run."""
    tile, inside = run // (groups * VOXELS), run % VOXELS
    return tile // tiles_across * TILE + inside // TILE, tile % tiles_across * TILE + inside % TILE


@compiled
def count_entries(first_tile: int, last_tile: int, rays: Any, counts: Any) -> None:
    """Count the entries of each run of some tiles."""
    grids, inverse, shears, sizes, ray = rays
    rows, columns, tiles_across, pixels, _, _ = sizes
    groups = -(-len(grids) // TILTS)
    taps = np.zeros(_MOST_TAPS)
    for run in range(first_tile * groups * VOXELS, last_tile * groups * VOXELS):
        row, column = _voxel(run, tiles_across, groups)
        group = run // VOXELS % groups
        count = 0
        if row < rows and column < columns:
            for tilt in range(group * TILTS, min((group + 1) * TILTS, len(grids))):
                grid, back, shear = grids[tilt], inverse[tilt], shears[tilt]
                first, end = _pixel_range(back, row, column, pixels, ray)
                for pixel in range(first, end):
                    _, length = _taps(grid, back, shear, row, column, pixel, ray, taps)
                    for tap in range(length):
                        count += taps[tap] > 0.0
        counts[run + 1] = count


@compiled
def fill_entries(
    first_tile: int, last_tile: int, rays: Any, starts: Any, indices: Any, weights: Any
) -> None:
    """Fill in the entries of each run of some tiles."""
    grids, inverse, shears, sizes, ray = rays
    rows, columns, tiles_across, pixels, width, furthest = sizes
    groups = -(-len(grids) // TILTS)
    taps = np.zeros(_MOST_TAPS)
    for run in range(first_tile * groups * VOXELS, last_tile * groups * VOXELS):
        row, column = _voxel(run, tiles_across, groups)
        group = run // VOXELS % groups
        entry = starts[run]
        if row < rows and column < columns:
            for tilt in range(group * TILTS, min((group + 1) * TILTS, len(grids))):
                grid, back, shear = grids[tilt], inverse[tilt], shears[tilt]
                first, end = _pixel_range(back, row, column, pixels, ray)
                for pixel in range(first, end):
                    lowest, length = _taps(grid, back, shear, row, column, pixel, ray, taps)
                    place = (tilt * pixels + pixel) * width + furthest - lowest
                    for tap in range(length):
                        if taps[tap] > 0.0:
                            indices[entry] = place - tap
                            weights[entry] = taps[tap]
                            entry += 1


@compiled
def count_pixels(
    first_run: int, end_run: int, rows: int, width: int, indices: Any, starts: Any
) -> int:
    """Return how many pixels take something from a tile, which has some runs by voxel."""
    seen = np.zeros(rows, np.bool_)
    for entry in range(starts[first_run], starts[end_run]):
        seen[indices[entry] // width] = True
    count: int = seen.sum()
    return count


@compiled
def sort_by_pixel(
    first_run: int, end_run: int, rows: int, width: int, shift: int, old: Any, run: int, new: Any
) -> None:
    """Sort the entries of one tile by pixel, keeping the order of voxels."""
    indices, weights, starts = old
    new_indices, new_weights, new_starts, targets = new
    begin, end = starts[first_run], starts[end_run]
    places = np.zeros(rows, np.int64)
    for entry in range(begin, end):
        places[indices[entry] // width] += 1
    place = begin
    for pixel in range(rows):
        if places[pixel]:
            new_starts[run], targets[run] = place, pixel
            place, places[pixel], run = place + places[pixel], place, run + 1
    for voxel in range(first_run, end_run):
        inside = voxel % VOXELS
        for entry in range(starts[voxel], starts[voxel + 1]):
            pixel = indices[entry] // width
            place = places[pixel]
            new_indices[place] = inside * width + shift - (indices[entry] - pixel * width)
            new_weights[place] = weights[entry]
            places[pixel] = place + 1
