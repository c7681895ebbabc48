"""From geometry, shapes and spacings to the index grids that backends sample on.

A grid is a 3 x 4 matrix that takes ``(u, v, k, 1)``, pixel column, pixel row and depth step,
to a voxel index ``(x, y, z)``.
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
    """Return for each tilt the length in angstroms of one depth step along the beam.

    One step moves by one voxel, measured in voxel indices: with the same voxel size along all
    axes it is that size, and along an axis of the volume it is that axis's voxel size.
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
    """Return the grids `(n, 3, 4)`.

    Parameters
    ----------
    rotation_matrices : ndarray, shape (n, 3, 3)
        Detector frame to specimen frame.
    shifts : ndarray, shape (n, 2)
        Detector x, y in angstroms.
    magnifications : ndarray, shape (n, 2, 2)
        What stretches the detector plane after the rotation.
    volume : VolumeGrid
        Where the voxels lie.
    images : ImageGrid
        Shape and pixel size of the images.

    Returns
    -------
    ndarray, shape (n, 3, 4)
        ``(u, v, k, 1)`` to voxel index ``(x, y, z)``; depth step 0 lies in the plane through the
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
    """Return for each tilt what turns a backend's sums into line integrals over the pixel size.

    A sample along a ray weighs its step's length over the pixel size. Of the voxel-driven pair a
    voxel weighs its volume over that of a cube of the pixel size; a magnification does not enter,
    so that with equal spacings its adjoint is the image's own value at the projected point.

    Parameters
    ----------
    rotation_matrices : ndarray, shape (n, 3, 3)
        Detector frame to specimen frame.
    volume : VolumeGrid
        Where the voxels lie.
    images : ImageGrid
        Shape and pixel size of the images.
    driven : {"ray", "voxel"}
        Which pair.

    Returns
    -------
    ndarray, shape (n,)
        All 1 where the voxels are cubes of the pixel size.
    """
    if driven == "ray":
        return depth_steps(rotation_matrices, volume.voxel_size) / images.pixel_size
    size = float(np.prod(volume.voxel_size / images.pixel_size))
    return np.full(len(rotation_matrices), size)
