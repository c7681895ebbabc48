"""The margin of a volume grid, for the parts of a slab that only tilted images show."""

from __future__ import annotations

from itertools import product

import numpy as np

from libtilt.errors.checks import Float64Array
from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid

_STEEPEST = 80.0
"""Degrees between beam and z beyond which a specimen cannot be a slab."""


def add_margin(
    grid: VolumeGrid, images: ImageGrid, geometry: TiltGeometry, margin: int | str
) -> VolumeGrid:
    """Return the grid, widened along x and y to what the images show of a slab as thick.

    "auto" adds as many voxels on each side as the widest ray needs, up to the larger side of the
    images, and none if a tilt is steeper than 80 degrees. A number adds that many voxels along the
    axes on which images show more than the grid. The center is kept.
    """
    if margin != "auto" and not _is_count(margin):
        raise ValueError(f'margin must be "auto" or a number of voxels, 0 or more, got {margin!r}')
    steepest = np.abs(geometry.rotation_matrices[:, 2, 2]).min()
    if margin == 0 or (margin == "auto" and steepest < np.cos(np.radians(_STEEPEST))):
        return grid
    beyond = _visible_beyond(grid, images, geometry)
    longest = max(images.shape) * images.pixel_size
    voxels = np.ceil(np.minimum(beyond, longest) / grid.voxel_size[:2] - 1e-6).astype(int)
    if margin != "auto":
        voxels = np.where(voxels > 0, int(margin), 0)
    depth, height, width = grid.shape
    return grid.pad((depth, height + 2 * int(voxels[1]), width + 2 * int(voxels[0])))


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 0)


def _visible_beyond(grid: VolumeGrid, images: ImageGrid, geometry: TiltGeometry) -> Float64Array:
    """Return how many angstroms beyond the grid the images show, along x and y."""
    corners = np.array(list(product(*(axis[[0, -1]] for axis in images.axes))))
    low, high = grid.corners()[[0, -1]]
    # Samples less than a voxel outside the outermost planes are interpolated against them.
    planes = grid.corners(margin=1.0)[[0, -1], 2]
    beyond = np.zeros(2)
    for turn, shift, magnification in zip(
        geometry.rotation_matrices, geometry.shifts, geometry.magnifications, strict=True
    ):
        plane = (corners - shift) @ np.linalg.inv(magnification).T
        points, beam = plane @ turn[:, :2].T, turn[:, 2]
        for z in planes:
            # Avoids 0 * inf for beams within the slab.
            cosine = beam[2] if abs(beam[2]) > 1e-12 else 1e-12
            met = points + ((z - points[:, 2]) / cosine)[:, np.newaxis] * beam
            most = np.maximum(low - met.min(axis=0), met.max(axis=0) - high)[:2]
            beyond = np.maximum(beyond, most)
    return beyond
