"""Bilinear samples of the images at projected voxels, for any grids.

Each call writes a part of the result that no other call writes to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.backends.numba.kernels.compiled import compiled, compiled_helper
from libtilt.backends.numba.kernels.trilinear_rays import clip

_STRIDE = 4
_TOLERANCE = 1e-10


@compiled_helper
def _row_of_voxels(
    inverse: Any, y: int, z: int, width: int, image: Any
) -> tuple[float, float, int, int]:
    """Return u and v, in a padded image, of voxel x = 0 of a row.

    Also return the first voxel of the row inside the image, and the one after the last.
    """
    u = inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3] + 1.0
    v = inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3] + 1.0
    first, last = 0.0, width - 1.0
    first, last = clip(u, inverse[0, 0], _TOLERANCE, image.shape[1] - 1.0 - _TOLERANCE, first, last)
    first, last = clip(v, inverse[1, 0], _TOLERANCE, image.shape[0] - 1.0 - _TOLERANCE, first, last)
    # If a row hardly moves along an axis, bounds may exceed the range of integers.
    return (u, v, int(first), int(last) + 1) if first <= last else (u, v, 0, 0)


@compiled
def backproject_voxels(inverse: Any, images: Any, z: int, volume: Any) -> None:
    """Backproject into one plane of the volume; `images` have a border of zeros."""
    _, height, width = volume.shape
    one = images.dtype.type(1.0)
    for y in range(height):
        row = volume[z, y]
        for x in range(width):
            row[x] = 0
        for tilt in range(len(images)):
            image = images[tilt]
            u, v, first, last = _row_of_voxels(inverse[tilt], y, z, width, image)
            du, dv = inverse[tilt, 0, 0], inverse[tilt, 1, 0]
            for x in range(first, last):
                across, down = u + x * du, v + x * dv
                # Unsigned indices skip the check for negative ones.
                column, line = np.int64(across), np.int64(down)
                fu, fv = images.dtype.type(across - column), images.dtype.type(down - line)
                c, r = np.uint64(column), np.uint64(line)
                c1, r1 = np.uint64(column + 1), np.uint64(line + 1)
                upper = (one - fu) * image[r, c] + fu * image[r, c1]
                lower = (one - fu) * image[r1, c] + fu * image[r1, c1]
                row[x] += (one - fv) * upper + fv * lower


@compiled
def project_voxels(inverse: Any, volume: Any, image: Any) -> None:
    """Splat a volume onto one image of zeros, with a border for contributions beside it.

    Voxels of a row are taken a few apart, so that none waits for its neighbor's write to the same
    pixel.
    """
    depth, height, width = volume.shape
    one = volume.dtype.type(1.0)
    for z in range(depth):
        for y in range(height):
            u, v, first, last = _row_of_voxels(inverse, y, z, width, image)
            du, dv = inverse[0, 0], inverse[1, 0]
            for phase in range(_STRIDE):
                for x in range(first + phase, last, _STRIDE):
                    across, down = u + x * du, v + x * dv
                    column, line = np.int64(across), np.int64(down)
                    fu, fv = volume.dtype.type(across - column), volume.dtype.type(down - line)
                    c, r = np.uint64(column), np.uint64(line)
                    c1, r1 = np.uint64(column + 1), np.uint64(line + 1)
                    value = volume[z, y, x]
                    upper, lower = (one - fv) * value, fv * value
                    image[r, c] += (one - fu) * upper
                    image[r, c1] += fu * upper
                    image[r1, c] += (one - fu) * lower
                    image[r1, c1] += fu * lower
