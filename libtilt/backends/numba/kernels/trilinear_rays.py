"""Trilinear samples along rays, for any grid.

Every function computes a piece of the result that no other piece writes to. Pieces do not depend
on the number of threads, and so neither does the order in which a value is summed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled, compiled_within, has_vector_form

PIXELS = 32
"""Side of the squares of pixels whose rays are followed together, so that they share the cache."""

RAYS = PIXELS * PIXELS
"""Of a square."""

_DEPTH = 64
PADDING = 2
"""Planes of zeros around a volume: one that samples reach, one for the rounding of positions."""

_HAIR = 1e-5


@compiled_within
def clip(
    start: float, step: float, low: float, high: float, first: float, last: float
) -> tuple[float, float]:
    """Narrow the steps k from first to last to where ``low < start + k * step < high``."""
    if step == 0.0:
        return (first, last) if low < start < high else (0.0, -1.0)
    one, other = (low - start) / step, (high - start) / step
    return max(first, np.ceil(min(one, other))), min(last, np.floor(max(one, other)))


@compiled_within
def _steps_inside(start: Any, step: Any, low: Any, high: Any) -> tuple[int, int]:
    """Return the first and the last step of a ray in a box, and a hair's breadth around it.

    No sample may be lost to rounding; those beside the box touch nothing but zeros.
    """
    first, last = -1e9, 1e9
    for axis in range(3):
        first, last = clip(
            start[axis], step[axis], low[axis] - _HAIR, high[axis] + _HAIR, first, last
        )
    # Where a ray hardly moves along an axis, steps may be beyond all integers.
    return (int(first), int(last)) if first <= last else (0, -1)


@compiled
def clip_rays(
    grid: Any, image_shape: Any, top: int, plane: int, box: Any, starts: Any, ends: Any, pixels: Any
) -> None:
    """Find where the rays of a row of squares start, and which of their steps lie in a box.

    Parameters
    ----------
    grid : ndarray, shape (3, 4)
        Of the image.
    image_shape : tuple of int
        Rows and columns.
    top : int
        First row of the squares.
    plane : int
        Of the volume, which is the first of the array that samples are taken from.
    box : tuple of float
        Width, height and depth of that array, less `PADDING` on each side.
    starts, ends : ndarray, shapes (n, 3) and (n, 2)
        Become the positions x, y, z in that array, and the first and the last step.
    pixels : ndarray, shape (n,)
        Become the pixels, -1 beside the image. In a square, neighbors along x follow each other:
        they share their lines of the cache.
    """
    step = (grid[0, 2], grid[1, 2], grid[2, 2])
    low, high = (1.0, 1.0, 1.0), (box[0] + 2.0, box[1] + 2.0, box[2] + 2.0)
    down_first = abs(grid[0, 1]) > abs(grid[0, 0])
    for ray in range(len(pixels)):
        slow, fast = ray % RAYS // PIXELS, ray % PIXELS
        v = top + (fast if down_first else slow)
        u = ray // RAYS * PIXELS + (slow if down_first else fast)
        starts[ray, 0] = grid[0, 0] * u + grid[0, 1] * v + grid[0, 3] + 2.0
        starts[ray, 1] = grid[1, 0] * u + grid[1, 1] * v + grid[1, 3] + 2.0
        starts[ray, 2] = grid[2, 0] * u + grid[2, 1] * v + grid[2, 3] + (2.0 - plane)
        ends[ray, 0], ends[ray, 1], pixels[ray] = 0, -1, -1
        if v < image_shape[0] and u < image_shape[1]:
            ends[ray, 0], ends[ray, 1] = _steps_inside(starts[ray], step, low, high)
            pixels[ray] = v * image_shape[1] + u


@compiled
def sum_rays(
    unit: Any, volume: Any, strides: Any, step: Any, rays: Any, sums: Any, image: Any
) -> None:
    """Write the sums of samples along the rays of some squares into an image.

    Parameters
    ----------
    unit : tuple or None
        Of `libtilt.backends.numba.vector_unit`.
    volume, image : ndarray
        Flat.
    strides : tuple of int
        Values from row to row and from plane to plane of the volume.
    step : tuple of float
        Of the rays, x, y, z.
    rays : tuple of ndarray
        Starts, ends and pixels, as `clip_rays` finds them.
    sums : ndarray, shape (RAYS,)
        Memory to work in.
    """
    starts, ends, pixels = rays
    for square in range(0, len(pixels), RAYS):
        first, last = 1 << 40, -(1 << 40)
        for ray in range(RAYS):
            sums[ray] = 0
            if ends[square + ray, 0] <= ends[square + ray, 1]:
                first = min(first, ends[square + ray, 0])
                last = max(last, ends[square + ray, 1])
        for near in range(first, last + 1, _DEPTH):
            for ray in range(RAYS):
                start, end = starts[square + ray], ends[square + ray]
                k, stop = max(near, end[0]), min(near + _DEPTH - 1, end[1])
                if k <= stop:
                    position = (start[0], start[1], start[2])
                    sums[ray] += sum_along(unit, volume, strides, position, step, k, stop)
        for ray in range(RAYS):
            if pixels[square + ray] >= 0:
                image[pixels[square + ray]] = sums[ray]


@compiled
def spread_rays(unit: Any, volume: Any, strides: Any, step: Any, rays: Any, image: Any) -> None:
    """Add an image to a volume along the rays of some squares: the transpose of `sum_rays`."""
    starts, ends, pixels = rays
    for ray in range(len(pixels)):
        first, last = ends[ray, 0], ends[ray, 1]
        if first <= last:
            start = (starts[ray, 0], starts[ray, 1], starts[ray, 2])
            spread_along(unit, volume, strides, start, step, first, last, image[pixels[ray]])


@compiled_within
def _corner(start: Any, step: Any, k: int, strides: Any) -> tuple[int, float, float, float]:
    """Return the flat index of the voxel below sample k, and the fractions x, y, z beyond it."""
    x, y, z = start[0] + k * step[0], start[1] + k * step[1], start[2] + k * step[2]
    column, row, plane = int(x), int(y), int(z)
    return column + row * strides[0] + plane * strides[1], x - column, y - row, z - plane


@has_vector_form
def sum_along(
    unit: Any, volume: Any, strides: Any, start: Any, step: Any, first: int, last: int
) -> Any:
    """Return the sum of trilinear samples at ``start + k * step``, k from first to last.

    `volume` is flat, x fastest; its rows and planes are `strides` apart. Positions x, y, z are not
    negative, and all their neighbors lie inside.
    """
    total = volume.dtype.type(0.0)
    one = volume.dtype.type(1.0)
    for k in range(first, last + 1):
        place, x, y, z = _corner(start, step, k, strides)
        fx, fy, fz = volume.dtype.type(x), volume.dtype.type(y), volume.dtype.type(z)
        for plane in range(2):
            for row in range(2):
                pair = place + row * strides[0] + plane * strides[1]
                weight = (fz if plane else one - fz) * (fy if row else one - fy)
                total += weight * ((one - fx) * volume[pair] + fx * volume[pair + 1])
    return total


@has_vector_form
def spread_along(
    unit: Any, volume: Any, strides: Any, start: Any, step: Any, first: int, last: int, value: Any
) -> None:
    """Add `value` to where `sum_along` samples, with the same weights: its transpose."""
    one = volume.dtype.type(1.0)
    for k in range(first, last + 1):
        place, x, y, z = _corner(start, step, k, strides)
        fx, fy, fz = volume.dtype.type(x), volume.dtype.type(y), volume.dtype.type(z)
        for plane in range(2):
            for row in range(2):
                pair = place + row * strides[0] + plane * strides[1]
                weighted = value * (fz if plane else one - fz) * (fy if row else one - fy)
                volume[pair] += (one - fx) * weighted
                volume[pair + 1] += fx * weighted
