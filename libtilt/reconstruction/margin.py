"""The margin of a volume grid: what a slab's images see beside it, at high tilt."""

from __future__ import annotations

from itertools import product

import numpy as np

from libtilt.errors.checks import Float64Array
from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid

_STEEPEST = 80.0
"""Degrees between beam and z: nobody sees through a slab at more, so that there is none."""


def widened(
    grid: VolumeGrid, images: ImageGrid, geometry: TiltGeometry, margin: int | str
) -> VolumeGrid:
    """Return a grid that holds what images see of a slab as thick as `grid`.

    Parameters
    ----------
    grid : VolumeGrid
        Where the volume is wanted; its faces along z are those of the slab.
    images : ImageGrid
        Shape and pixel size of the images.
    geometry : TiltGeometry
        How they saw the slab.
    margin : "auto" or int
        "auto": as many voxels at each side along x and y as the widest ray needs, up to the larger
        side of the images; none where a tilt is steeper than 80 degrees to z, at which nobody sees
        through a slab. A number: as many, along the axes on which more is seen than is wanted.

    Returns
    -------
    VolumeGrid
        With the same center and the same voxels in its middle.

    Raises
    ------
    ValueError
        If `margin` is neither.

    Examples
    --------
    At 60 degrees a ray that meets the end of an image of 40 pixels has gone far in a slab of 8:

    >>> from libtilt import ImageGrid, TiltGeometry, VolumeGrid
    >>> from libtilt.reconstruction.margin import widened
    >>> slab, images = VolumeGrid((8, 40, 40)), ImageGrid((40, 40))
    >>> widened(slab, images, TiltGeometry.from_tilt_angles([-60, 0, 60]), "auto").shape
    (8, 40, 98)
    """
    if margin != "auto" and not _is_count(margin):
        raise ValueError(f'margin must be "auto" or a number of voxels, 0 or more, got {margin!r}')
    steepest = np.abs(geometry.rotation_matrices[:, 2, 2]).min()
    if margin == 0 or (margin == "auto" and steepest < np.cos(np.radians(_STEEPEST))):
        return grid
    beyond = _seen_beyond(grid, images, geometry)
    longest = max(images.shape) * images.pixel_size
    voxels = np.ceil(np.minimum(beyond, longest) / grid.voxel_size[:2] - 1e-6).astype(int)
    if margin != "auto":
        voxels = np.where(voxels > 0, int(margin), 0)
    depth, height, width = grid.shape
    return grid.pad((depth, height + 2 * int(voxels[1]), width + 2 * int(voxels[0])))


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 0)


def _seen_beyond(grid: VolumeGrid, images: ImageGrid, geometry: TiltGeometry) -> Float64Array:
    """Return by how many angstroms more is seen than the grid holds, along x and y."""
    corners = np.array(list(product(*(axis[[0, -1]] for axis in images.axes))))
    low, high = grid.corners()[[0, -1]]
    # Samples up to a voxel above the outermost voxels of the slab have a part of them.
    planes = grid.corners(margin=1.0)[[0, -1], 2]
    beyond = np.zeros(2)
    for turn, shift, magnification in zip(
        geometry.rotation_matrices, geometry.shifts, geometry.magnifications, strict=True
    ):
        plane = (corners - shift) @ np.linalg.inv(magnification).T
        points, beam = plane @ turn[:, :2].T, turn[:, 2]
        for z in planes:
            # Of a beam along the slab nothing infinite, where it goes nowhere along an axis.
            cosine = beam[2] if abs(beam[2]) > 1e-12 else 1e-12
            met = points + ((z - points[:, 2]) / cosine)[:, np.newaxis] * beam
            most = np.maximum(low - met.min(axis=0), met.max(axis=0) - high)[:2]
            beyond = np.maximum(beyond, most)
    return beyond
