"""Conversion between a geometry and matrices, the common ground of all formats.

Every format is affine: each tilt is a 2 x 4 matrix from the voxel index ``(x, y, z, 1)`` of its
tomogram to the pixel index ``(u, v)`` of the raw image.
"""

from __future__ import annotations

import numpy as np

from libtilt.alignment.sizes import KnownSizes
from libtilt.errors.checks import Float64Array
from libtilt.geometry import TiltGeometry
from libtilt.geometry.rotations import specimen_to_detector
from libtilt.geometry.sampling import center_xyz
from libtilt.geometry.tolerances import MAGNIFICATION_TOLERANCE

# Rotations from angles are exact to about 1e-16; numbers in files have fewer digits.
ROUNDING = 1e-13


def geometry_from_matrices(
    matrices: Float64Array, sizes: KnownSizes, *, source: str = "the alignment"
) -> TiltGeometry:
    """Return the geometry of matrices `(n, 2, 4)` from voxel index to pixel index, both from 0.

    The left polar decomposition (Higham, SIAM J. Sci. Stat. Comput. 7, 1986) splits the linear part
    into a rotation and a symmetric magnification, which holds only what no rotation can. Raises a
    ValueError, which names `source` and the tilt, for a matrix of rank 1.
    """
    linear = matrices[:, :, :3] * (sizes.pixel_size / sizes.voxel_size)
    left, scales, right = np.linalg.svd(linear, full_matrices=False)
    for tilt, (largest, smallest) in enumerate(scales):
        if smallest <= 1e-6 * largest:
            raise ValueError(
                f"{source}: the matrix of tilt {tilt} is singular, it maps the specimen to a line"
            )
    rows = left @ right
    rotations = np.concatenate([rows, np.cross(rows[:, :1], rows[:, 1:])], axis=1)
    scales[np.abs(scales - 1) < ROUNDING] = 1.0
    plain = (scales == 1.0).all(axis=1)
    magnifications = (left * scales[:, np.newaxis]) @ left.transpose(0, 2, 1)
    magnifications[plain] = np.eye(2)
    center = np.append(center_xyz(sizes.volume_shape), 1.0)
    seen = matrices @ center - center_xyz(sizes.image_shape)
    return TiltGeometry(
        rotations.transpose(0, 2, 1), shifts=seen * sizes.pixel_size, magnifications=magnifications
    )


def has_magnification(geometry: TiltGeometry) -> bool:
    """Whether any tilt has a magnification beyond the digits of files, which round rotations."""
    return bool(np.abs(geometry.magnifications - np.eye(2)).max() > MAGNIFICATION_TOLERANCE)


def with_tilt_axis(geometry: TiltGeometry, tilt_axis_angle: float) -> TiltGeometry:
    """Return the same tilt angles and x-tilts about another tilt axis."""
    axes = np.full(len(geometry), tilt_axis_angle)
    matrices = specimen_to_detector(axes, geometry.tilt_angles, geometry.x_tilts)
    return geometry.evolve(rotation_matrices=matrices.transpose(0, 2, 1))
