"""From geometry, shapes and spacings to the index grids that backends sample on.

A grid is a 3 x 4 matrix that takes ``(u, v, k, 1)``, pixel column, pixel row and depth step,
to a voxel index ``(x, y, z)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from libtilt._checks import (
    Float64Array,
)


def centre_xyz(shape: tuple[int, ...]) -> Float64Array:
    """Return the rotation centre ``shape // 2`` of an array, fastest axis (x) first."""
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
    volume_shape: tuple[int, ...],
    image_shape: tuple[int, ...],
    voxel_size: Float64Array,
    pixel_size: float,
    magnifications: Float64Array | None = None,
) -> Float64Array:
    """Return the grids `(n, 3, 4)`.

    Parameters
    ----------
    rotation_matrices : ndarray, shape (n, 3, 3)
        Detector frame to specimen frame.
    shifts : ndarray, shape (n, 2)
        Detector x, y in angstroms.
    volume_shape, image_shape : tuple of int
        ``(d, h, w)`` and ``(h, w)``.
    voxel_size : ndarray, shape (3,)
        x, y, z in angstroms.
    pixel_size : float
        Angstroms.
    magnifications : ndarray, shape (n, 2, 2), optional
        What stretches the detector plane after the rotation; none by default.

    Returns
    -------
    ndarray, shape (n, 3, 4)
        ``(u, v, k, 1)`` to voxel index ``(x, y, z)``.
    """
    count = len(rotation_matrices)
    scales = np.full((count, 3), pixel_size, dtype=np.float64)
    scales[:, 2] = depth_steps(rotation_matrices, voxel_size)
    linear = rotation_matrices * scales[:, np.newaxis, :] / voxel_size[:, np.newaxis]
    if magnifications is not None:
        linear[:, :, :2] = linear[:, :, :2] @ np.linalg.inv(magnifications)
    origin = np.zeros((count, 3))
    origin[:, :2] = centre_xyz(image_shape) + shifts / pixel_size
    offset = centre_xyz(volume_shape) - (linear @ origin[:, :, np.newaxis])[:, :, 0]
    return np.concatenate([linear, offset[:, :, np.newaxis]], axis=2)


def voxels_per_sample(grids: Float64Array, magnifications: Float64Array) -> Float64Array:
    """Return for each tilt how many voxels the box of an unmagnified pixel and a step encloses.

    The inverse of what the voxel-driven images are scaled by, so that both pairs approximate the
    same line integrals. A magnification is left out, so that with equal spacings the voxel-driven
    adjoint is the image value at the projected point, whatever the magnification.
    """
    boxes: Float64Array = np.linalg.det(grids[:, :, :3]) * np.linalg.det(magnifications)
    return np.abs(boxes)


def homogeneous(grids: Float64Array) -> Float64Array:
    """Return the grids as square matrices `(n, 4, 4)`, with a last row ``0, 0, 0, 1``."""
    matrices = np.zeros((len(grids), 4, 4))
    matrices[:, :3] = grids
    matrices[:, 3, 3] = 1.0
    return matrices


def inverse_grids(grids: Float64Array) -> Float64Array:
    """Return `(n, 3, 4)` matrices from voxel index ``(x, y, z, 1)`` to ``(u, v, k)``."""
    linear = np.linalg.inv(grids[:, :, :3])
    offset = -(linear @ grids[:, :, 3:])
    return np.concatenate([linear, offset], axis=2)
