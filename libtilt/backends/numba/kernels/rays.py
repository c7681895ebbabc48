"""The exact kernel along rays, for any grid.

Every function computes a piece of the result that no other piece writes to. Pieces do not depend
on the number of threads, and so neither does the order in which a value is summed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled
from libtilt.backends.numba.kernels.corners import spread_along, sum_along

PIXELS = 32
"""Side of the squares of pixels whose rays are followed together, so that they share the cache."""

_DEPTH = 64
PADDING = 2
"""Planes of zeros around a volume: one that samples reach, one for the rounding of positions."""

_HAIR = 1e-5


@compiled
def clip(
    start: float, step: float, low: float, high: float, first: float, last: float
) -> tuple[float, float]:
    """Narrow the steps k from first to last to where ``low < start + k * step < high``."""
    if step == 0.0:
        return (first, last) if low < start < high else (0.0, -1.0)
    one, other = (low - start) / step, (high - start) / step
    return max(first, np.ceil(min(one, other))), min(last, np.floor(max(one, other)))


@compiled
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
def project_rays(grid: Any, volume: Any, top: int, image: Any) -> None:
    """Project onto the rows of one image from `top` on, `PIXELS` of them.

    `volume` has `PADDING` planes of zeros on each side of each axis.
    """
    depth, height, width = volume.shape
    low, high = (1.0, 1.0, 1.0), (width - 2.0, height - 2.0, depth - 2.0)
    starts, ends, order = np.empty((PIXELS**2, 3)), np.empty((PIXELS**2, 2), np.int64), _order(grid)
    step = (grid[0, 2], grid[1, 2], grid[2, 2])
    sums = np.empty(PIXELS**2, volume.dtype)
    for left in range(0, image.shape[1], PIXELS):
        first, last = _prepare(grid, 0.0, image, top, left, order, low, high, starts, ends)
        sums[:] = 0
        for near in range(first, last + 1, _DEPTH):
            for ray in range(PIXELS**2):
                start = (starts[ray, 0], starts[ray, 1], starts[ray, 2])
                k, end = max(near, ends[ray, 0]), min(near + _DEPTH - 1, ends[ray, 1])
                if k <= end:
                    sums[ray] += sum_along(
                        volume.reshape(-1), width, height * width, start, step, k, end
                    )
        for ray in range(PIXELS**2):
            v, u = top + order[ray, 0], left + order[ray, 1]
            if v < image.shape[0] and u < image.shape[1]:
                image[v, u] = sums[ray]


@compiled
def backproject_rays(grids: Any, images: Any, top: int, volume: Any, planes: int) -> None:
    """Backproject into the planes of the volume from `top` on, `planes` of them.

    Samples near the first and the last of them also touch their neighbours outside, for which
    there are planes at hand that are thrown away.
    """
    _, height, width = volume.shape
    bottom = min(top + planes, len(volume))
    slab = np.zeros((bottom - top + 4, height + 4, width + 4), volume.dtype)
    low, high = (1.0, 1.0, 1.0), (width + 2.0, height + 2.0, bottom - top + 2.0)
    starts, ends = np.empty((PIXELS**2, 3)), np.empty((PIXELS**2, 2), np.int64)
    for tilt in range(len(grids)):
        grid, image, order = grids[tilt], images[tilt], _order(grids[tilt])
        step = (grid[0, 2], grid[1, 2], grid[2, 2])
        for corner in range(0, image.shape[0], PIXELS):
            for left in range(0, image.shape[1], PIXELS):
                _prepare(grid, float(top), image, corner, left, order, low, high, starts, ends)
                for ray in range(PIXELS**2):
                    if ends[ray, 0] <= ends[ray, 1]:
                        start = (starts[ray, 0], starts[ray, 1], starts[ray, 2])
                        spread_along(
                            slab.reshape(-1),
                            width + 4,
                            (height + 4) * (width + 4),
                            start,
                            step,
                            ends[ray, 0],
                            ends[ray, 1],
                            image[corner + order[ray, 0], left + order[ray, 1]],
                        )
    volume[top:bottom] = slab[2:-2, 2:-2, 2:-2]


@compiled
def _order(grid: Any) -> Any:
    """Return row and column in a square of its rays: neighbours along x follow each other.

    They share their lines of the cache.
    """
    order = np.empty((PIXELS**2, 2), np.int64)
    fastest = 0 if abs(grid[0, 1]) > abs(grid[0, 0]) else 1
    for ray in range(PIXELS**2):
        order[ray, 1 - fastest], order[ray, fastest] = ray // PIXELS, ray % PIXELS
    return order


@compiled
def _prepare(
    grid: Any,
    plane: float,
    image: Any,
    top: int,
    left: int,
    order: Any,
    low: Any,
    high: Any,
    starts: Any,
    ends: Any,
) -> tuple[int, int]:
    """Fill in where the rays of a square start, and which of their steps lie in a box.

    Starts are those in a volume with `PADDING` and `plane` as its first plane.
    Return the first and the last step of all.
    """
    step = (grid[0, 2], grid[1, 2], grid[2, 2])
    first, last = 1 << 40, -(1 << 40)
    for ray in range(PIXELS**2):
        v, u = top + order[ray, 0], left + order[ray, 1]
        starts[ray, 0] = grid[0, 0] * u + grid[0, 1] * v + grid[0, 3] + 2.0
        starts[ray, 1] = grid[1, 0] * u + grid[1, 1] * v + grid[1, 3] + 2.0
        starts[ray, 2] = grid[2, 0] * u + grid[2, 1] * v + grid[2, 3] + (2.0 - plane)
        ends[ray, 0], ends[ray, 1] = 0, -1
        if v < image.shape[0] and u < image.shape[1]:
            ends[ray, 0], ends[ray, 1] = _steps_inside(starts[ray], step, low, high)
        if ends[ray, 0] <= ends[ray, 1]:
            first, last = min(first, ends[ray, 0]), max(last, ends[ray, 1])
    return first, last
