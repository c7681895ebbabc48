"""Rotation matrices: checks, Euler angles in degrees, and decomposition into tilt angles.

All matrices are right-handed and act on column vectors x, y, z from the left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

from libtilt.errors.checks import LARGEST_ANGLE, Float64Array, finite_array

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

TOLERANCE = 1e-6


def as_rotation_matrices(rotations: Rotation | ArrayLike, name: str) -> Float64Array:
    """Return `(n, 3, 3)` matrices from a SciPy `Rotation`, one matrix or a stack of matrices."""
    # Arrays skip SciPy's rotations, which are slow to import.
    if not isinstance(rotations, np.ndarray) and isinstance(
        rotations, scipy.spatial.transform.Rotation
    ):
        return np.atleast_3d(np.asarray(rotations.as_matrix())).reshape(-1, 3, 3)
    matrices = finite_array(rotations, name)
    if matrices.ndim == 2:
        matrices = matrices[np.newaxis]
    if matrices.shape[1:] != (3, 3) or len(matrices) == 0:
        raise ValueError(f"{name} must have shape (n, 3, 3) with n >= 1, got {matrices.shape}")
    return matrices


def require_rotations(matrices: Float64Array, name: str) -> None:
    """Raise a ValueError naming the first tilt whose matrix is not a proper rotation."""
    products = matrices @ matrices.transpose(0, 2, 1)
    deviations = np.abs(products - np.eye(3)).max(axis=(1, 2))
    determinants = np.linalg.det(matrices)
    for tilt, (deviation, determinant) in enumerate(zip(deviations, determinants, strict=True)):
        if deviation > TOLERANCE:
            raise ValueError(
                f"{name}[{tilt}] is not a rotation: R @ R.T differs from the identity by "
                f"{deviation:.2g}, more than {TOLERANCE:g}"
            )
        if determinant < 0:
            raise ValueError(
                f"{name}[{tilt}] is not a rotation: its determinant is {determinant:.6g}, "
                "expected +1 (it mirrors the specimen)"
            )


def require_affine(matrices: Float64Array, name: str) -> None:
    """Raise a ValueError naming the first tilt whose 4 x 4 matrix is singular or not affine."""
    for tilt, matrix in enumerate(matrices):
        if np.abs(matrix[3] - (0, 0, 0, 1)).max() > TOLERANCE:
            raise ValueError(
                f"{name}[{tilt}] must have the last row 0, 0, 0, 1 (columns are points), "
                f"got {matrix[3].tolist()}"
            )
        if np.linalg.matrix_rank(matrix[:3, :3]) < 3:
            raise ValueError(f"{name}[{tilt}] must be invertible, but its 3 x 3 part is singular")


def euler_rotations(seq: str, angles: ArrayLike, degrees: bool) -> Rotation:
    """Return SciPy rotations, reading a one-dimensional array as n angles if `seq` is one letter.

    SciPy releases read n angles about one axis differently; a column always means n rotations.
    """
    values = finite_array(angles, "angles", largest=LARGEST_ANGLE)
    if len(seq) == 1 and values.ndim == 1:
        values = values[:, np.newaxis]
    return scipy.spatial.transform.Rotation.from_euler(seq, values, degrees=degrees)


def axis_rotations(axis: str, degrees: Float64Array) -> Float64Array:
    """Return `(n, 3, 3)` matrices of rotations by `degrees` about "x", "y" or "z".

    Sine and cosine are exact at multiples of 90 degrees, so right angles permute axes exactly.
    """
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrices = np.tile(np.eye(3), (len(degrees), 1, 1))
    cosine, sine = scipy.special.cosdg(degrees), scipy.special.sindg(degrees)
    matrices[:, i, i] = matrices[:, j, j] = cosine
    matrices[:, i, j], matrices[:, j, i] = -sine, sine
    return matrices


def specimen_to_detector(
    tilt_axis_angles: Float64Array, tilt_angles: Float64Array, x_tilts: Float64Array
) -> Float64Array:
    """Return ``Rz(tilt_axis_angle) @ Ry(tilt_angle) @ Rx(x_tilt)`` for each tilt, in degrees."""
    tilts = axis_rotations("y", tilt_angles) @ axis_rotations("x", x_tilts)
    return axis_rotations("z", tilt_axis_angles) @ tilts


def decompose_zyx(matrices: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return the angles z, y, x in degrees with ``matrices = Rz(z) @ Ry(y) @ Rx(x)``.

    Two sets of angles give each rotation; the one with x within +-90 is returned, so that tilt
    angles beyond 90 degrees read back as given. At y = +-90, where only the sum or difference of z
    and x is defined, x is 0.
    """
    cos_y = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    y = np.arctan2(-matrices[:, 2, 0], cos_y)
    z = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    x = np.arctan2(matrices[:, 2, 1], matrices[:, 2, 2])
    gimbal_lock = cos_y < 1e-9
    z = np.where(gimbal_lock, np.arctan2(-matrices[:, 0, 1], matrices[:, 1, 1]), z)
    x = np.where(gimbal_lock, 0.0, x)
    beyond = np.abs(x) > np.pi / 2
    y = np.where(beyond, np.pi - y, y)
    z, x = np.where(beyond, z + np.pi, z), np.where(beyond, x + np.pi, x)
    return _wrap_degrees(z), _wrap_degrees(y), _wrap_degrees(x)


def _wrap_degrees(radians: Float64Array) -> Any:
    """Return radians as degrees in (-180, 180], without negative zeros."""
    degrees = np.rad2deg(radians) + 0.0
    return np.where(degrees > 180, degrees - 360, np.where(degrees <= -180, degrees + 360, degrees))
