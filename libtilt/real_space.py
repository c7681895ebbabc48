"""Projection and backprojection of plain arrays, on top of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.backends.base import Backend
from libtilt.geometry import TiltGeometry
from libtilt.projector import Projector

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation


def project(
    volume: ArrayLike,
    rotation_matrices: Rotation | ArrayLike,
    *,
    backend: str | type[Backend] | Backend = "auto",
) -> NDArray[Any]:
    """Project a volume along the z axis of sampling grids rotated about its center.

    Parameters
    ----------
    volume : array_like, shape (d, h, w)
        Volume indexed z, y, x.
    rotation_matrices : array_like, shape (n, 3, 3) or (3, 3), or Rotation
        Rotations from detector to specimen frame, acting on x, y, z.
    backend : str, type or Backend, optional
        As in `libtilt.Projector`.

    Returns
    -------
    ndarray, shape (n, h, w)
        Sums of samples along each ray.

    Raises
    ------
    ValueError
        If a matrix is not a rotation, or the volume is not 3-D or has NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.spatial.transform import Rotation
    >>> from libtilt.real_space import project
    >>> project(np.ones((4, 4, 4)), Rotation.from_euler("y", [[0], [90]], degrees=True)).shape
    (2, 4, 4)
    """
    geometry = TiltGeometry.from_rotations(rotation_matrices)
    return np.asarray(Projector(geometry, backend=backend).forward(np.asarray(volume)))


def backproject(
    images: ArrayLike,
    rotation_matrices: Rotation | ArrayLike,
    volume_shape: tuple[int, ...],
    *,
    backend: str | type[Backend] | Backend = "auto",
) -> NDArray[Any]:
    """Backproject images: each voxel is the sum of image values at its projected points.

    This is the voxel-driven adjoint, not that of `project`, which is ray-driven.

    Parameters
    ----------
    images : array_like, shape (n, h, w)
        Images indexed tilt, y, x.
    rotation_matrices, backend
        As in `project`.
    volume_shape : tuple of int
        Shape ``(d, h, w)`` of the result.

    Returns
    -------
    ndarray, shape (d, h, w)

    Raises
    ------
    ValueError
        If the numbers of images and matrices differ, a matrix is not a rotation, or the images
        have NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.real_space import backproject
    >>> backproject(np.ones((2, 4, 4)), np.stack([np.eye(3)] * 2), (3, 4, 4))[1, 2, 2].item()
    2.0
    """
    projector = Projector(
        TiltGeometry.from_rotations(rotation_matrices),
        volume_shape=volume_shape,
        driven="voxel",
        backend=backend,
    )
    return np.asarray(projector.adjoint(np.asarray(images)))
