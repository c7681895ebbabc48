"""Index grids for backends, computed from a geometry, shapes and spacings.

A grid is a 3 x 4 matrix that maps ``(u, v, k, 1)`` (pixel column, pixel row, depth step) to a
voxel index ``(x, y, z)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import compose_affine
from libtilt.geometry.image_grid import ImageGrid
from libtilt.geometry.volume_grid import VolumeGrid


def center_xyz(shape: tuple[int, ...]) -> Float64Array:
    """Return the rotation center ``shape // 2`` of an array, fastest axis (x) first."""
    return np.array([n // 2 for n in reversed(shape)], dtype=np.float64)


def depth_steps(rotation_matrices: Float64Array, voxel_size: ArrayLike) -> Float64Array:
    """Return the length in angstroms of one depth step along the beam, for each tilt.

    A step moves by one voxel in index space: its length is the voxel size of an axis along which
    the beam runs, and the common voxel size of cubic voxels in any direction.
    """
    beams = rotation_matrices[:, :, 2]
    steps: Float64Array = 1.0 / np.linalg.norm(beams / np.asarray(voxel_size), axis=1)
    return steps


def sampling_grids(
    rotation_matrices: Float64Array,
    shifts: Float64Array,
    magnifications: Float64Array,
    volume: VolumeGrid,
    images: ImageGrid,
) -> Float64Array:
    """Return the index grid of each tilt.

    Parameters
    ----------
    rotation_matrices : ndarray, shape (n, 3, 3)
        Detector frame to specimen frame.
    shifts : ndarray, shape (n, 2)
        Detector x, y in angstroms.
    magnifications : ndarray, shape (n, 2, 2)
        Linear maps of the detector plane, applied after the rotation.
    volume : VolumeGrid
        Grid of the volume.
    images : ImageGrid
        Grid of the images.

    Returns
    -------
    ndarray, shape (n, 3, 4)
        ``(u, v, k, 1)`` to voxel index ``(x, y, z)``; depth step 0 is the plane through the
        rotation center, wherever the volume lies.
    """
    count = len(rotation_matrices)
    scales = np.full((count, 3), images.pixel_size, dtype=np.float64)
    scales[:, 2] = depth_steps(rotation_matrices, volume.voxel_size)
    linear = rotation_matrices * scales[:, np.newaxis, :] / volume.voxel_size[:, np.newaxis]
    linear[:, :, :2] = linear[:, :, :2] @ np.linalg.inv(magnifications)
    center = np.zeros((count, 3))
    center[:, :2] = center_xyz(images.shape) + shifts / images.pixel_size
    rotation_center = center_xyz(volume.shape) - volume.center / volume.voxel_size
    offset = rotation_center - (linear @ center[:, :, np.newaxis])[:, :, 0]
    return compose_affine(linear, offset)


def image_scales(
    rotation_matrices: Float64Array, volume: VolumeGrid, images: ImageGrid, driven: str
) -> Float64Array:
    """Return the factor for each tilt that turns a backend's sums into projection values.

    A projection value is the line integral over the pixel size. For ``driven="ray"`` the factor is
    the depth step over the pixel size; for ``driven="voxel"`` it is the volume of a voxel over that
    of a cube of the pixel size. Magnifications do not enter: with equal spacings the voxel-driven
    adjoint samples the image itself.

    Parameters
    ----------
    rotation_matrices : ndarray, shape (n, 3, 3)
        Detector frame to specimen frame.
    volume : VolumeGrid
        Grid of the volume.
    images : ImageGrid
        Grid of the images.
    driven : {"ray", "voxel"}
        Projector pair.

    Returns
    -------
    ndarray, shape (n,)
        All 1 for voxels that are cubes of the pixel size.
    """
    if driven == "ray":
        return depth_steps(rotation_matrices, volume.voxel_size) / images.pixel_size
    size = float(np.prod(volume.voxel_size / images.pixel_size))
    return np.full(len(rotation_matrices), size)
