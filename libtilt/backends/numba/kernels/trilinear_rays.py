"""Trilinear samples along rays, for any grids.

Each call writes a part of the result that no other call writes to. Parts and the order of sums do
not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled, compiled_helper, has_vector_form

SQUARE_SIDE = 32
"""Side of the squares of pixels whose rays are traced together, to share the cache."""

SQUARE_RAYS = SQUARE_SIDE * SQUARE_SIDE
"""Rays of a square."""

_DEPTH = 64
PADDING = 2
"""Planes of zeros around a volume: one that samples reach, one for rounding of positions."""

_TOLERANCE = 1e-5


@compiled_helper
def clip(
    start: float, step: float, low: float, high: float, first: float, last: float
) -> tuple[float, float]:
    """Narrow the steps k from first to last to those with ``low < start + k * step < high``."""
    if step == 0.0:
        return (first, last) if low < start < high else (0.0, -1.0)
    one, other = (low - start) / step, (high - start) / step
    return max(first, np.ceil(min(one, other))), min(last, np.floor(max(one, other)))


@compiled_helper
def _steps_inside(start: Any, step: Any, low: Any, high: Any) -> tuple[int, int]:
    """Return the first and the last step of a ray in a box, with a small tolerance.

    Rounding must not lose samples; extra samples beside the box read only zeros.
    """
    first, last = -1e9, 1e9
    for axis in range(3):
        first, last = clip(
            start[axis], step[axis], low[axis] - _TOLERANCE, high[axis] + _TOLERANCE, first, last
        )
    # If a ray hardly moves along an axis, bounds may exceed the range of integers.
    return (int(first), int(last)) if first <= last else (0, -1)


@compiled
def clip_rays(
    grid: Any, image_shape: Any, top: int, plane: int, box: Any, starts: Any, ends: Any, pixels: Any
) -> None:
    """Compute start, step range and pixel of each ray of a row of squares of an image.

    `top` is the first row of the squares, `plane` the volume plane at which the sampled array
    begins, and `box` width, height and depth of that array without `PADDING`. Results, per ray:
    `starts` `(n, 3)`, positions x, y, z in the array; `ends` `(n, 2)`, the first and last step in
    the box; `pixels` `(n,)`, -1 beside the image. Rays of a square are ordered so that neighbors
    along x, which share cache lines, follow each other.
    """
    step = (grid[0, 2], grid[1, 2], grid[2, 2])
    low, high = (1.0, 1.0, 1.0), (box[0] + 2.0, box[1] + 2.0, box[2] + 2.0)
    down_first = abs(grid[0, 1]) > abs(grid[0, 0])
    for ray in range(len(pixels)):
        slow, fast = ray % SQUARE_RAYS // SQUARE_SIDE, ray % SQUARE_SIDE
        v = top + (fast if down_first else slow)
        u = ray // SQUARE_RAYS * SQUARE_SIDE + (slow if down_first else fast)
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
    """Write the sums of samples along the rays of some squares into a flat image.

    `strides` are the distances between rows and planes of the flat volume, `step` x, y, z of a
    depth step, `rays` the results of `clip_rays`, and `sums` `(SQUARE_RAYS,)` scratch memory.
    """
    starts, ends, pixels = rays
    for square in range(0, len(pixels), SQUARE_RAYS):
        first, last = 1 << 40, -(1 << 40)
        for ray in range(SQUARE_RAYS):
            sums[ray] = 0
            if ends[square + ray, 0] <= ends[square + ray, 1]:
                first = min(first, ends[square + ray, 0])
                last = max(last, ends[square + ray, 1])
        for near in range(first, last + 1, _DEPTH):
            for ray in range(SQUARE_RAYS):
                start, end = starts[square + ray], ends[square + ray]
                k, stop = max(near, end[0]), min(near + _DEPTH - 1, end[1])
                if k <= stop:
                    position = (start[0], start[1], start[2])
                    sums[ray] += sum_along(unit, volume, strides, position, step, k, stop)
        for ray in range(SQUARE_RAYS):
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


@compiled_helper
def _corner(start: Any, step: Any, k: int, strides: Any, volume: Any) -> tuple[int, Any, Any, Any]:
    """Return the flat index of the voxel below sample k, and the fractions x, y, z beyond it."""
    kind = volume.dtype.type
    x, y, z = start[0] + k * step[0], start[1] + k * step[1], start[2] + k * step[2]
    column, row, plane = int(x), int(y), int(z)
    place = column + row * strides[0] + plane * strides[1]
    return place, kind(x - column), kind(y - row), kind(z - plane)


@has_vector_form
def sum_along(
    unit: Any, volume: Any, strides: Any, start: Any, step: Any, first: int, last: int
) -> Any:
    """Return the sum of trilinear samples at ``start + k * step``, k from first to last.

    `volume` is flat, x fastest; its rows and planes are `strides` apart. Positions x, y, z are not
    negative, and all their neighbors lie inside the volume.
    """
    total = volume.dtype.type(0.0)
    one = volume.dtype.type(1.0)
    for k in range(first, last + 1):
        place, fx, fy, fz = _corner(start, step, k, strides, volume)
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
    """Add `value` where `sum_along` samples, with the same weights: its transpose."""
    one = volume.dtype.type(1.0)
    for k in range(first, last + 1):
        place, fx, fy, fz = _corner(start, step, k, strides, volume)
        for plane in range(2):
            for row in range(2):
                pair = place + row * strides[0] + plane * strides[1]
                weighted = value * (fz if plane else one - fz) * (fy if row else one - fy)
                volume[pair] += (one - fx) * weighted
                volume[pair + 1] += fx * weighted
