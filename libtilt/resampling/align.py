"""Alignment of images: tilt axis along y, through their center."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray

from libtilt.backends.threads import run_all
from libtilt.errors.checks import floating_dtype, one_of, require_finite, to_image_shape
from libtilt.geometry import TiltGeometry
from libtilt.geometry.rotations import axis_rotations, specimen_to_detector
from libtilt.resampling.fill import boundary_options, fill_values

Geometry = TypeVar("Geometry", bound=TiltGeometry)


def align_stack(
    images: NDArray[Any],
    geometry: Geometry,
    *,
    pixel_size: float = 1.0,
    image_shape: tuple[int, ...] | None = None,
    order: int = 3,
    fill: str | float = "mean",
) -> tuple[NDArray[Any], Geometry]:
    """Resample images to the canonical frame: tilt axis along y, no shifts, no magnification.

    Parameters
    ----------
    images : ndarray, shape (n, h, w)
        Real numbers.
    geometry : TiltGeometry
        Geometry of the n images.
    pixel_size : float, optional
        Angstroms.
    image_shape : tuple of int, optional
        ``(h, w)`` of the new images, by default that of the old; for a tilt axis near x,
        ``(w, h)`` may fit better.
    order : {1, 3}, optional
        Spline order: cubic (the default) or linear.
    fill : "mean", "edge" or float, optional
        Value outside an image: its mean, that of its nearest pixel, or a number.

    Returns
    -------
    images : ndarray, shape (n, h, w)
        Interpolated once; float64 for float64 input, else float32. Images that are already
        aligned are not interpolated, and not copied if they are float32 or float64.
    geometry : TiltGeometry
        The same tilt angles and x-tilts, without shifts, magnifications or tilt axis angles.

    Raises
    ------
    ValueError
        If an image has NaN, or an option is invalid.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.resampling import align_stack
    >>> blobs = GaussianBlobs([[5, -4, 3]], sigmas=3)
    >>> turned = TiltGeometry.from_tilt_angles([-30, 30], tilt_axis_angle=12, shifts=(2.5, 1))
    >>> series = blobs.tilt_series(turned, (48, 48))
    >>> images, geometry = align_stack(series.images, turned)
    >>> expected = blobs.tilt_series(geometry, (48, 48)).images
    >>> bool(abs(images - expected)[:, 8:-8, 8:-8].max() < 1e-3 * expected.max())
    True
    """
    one_of(order, "order", (1, 3))
    shape = images.shape[1:] if image_shape is None else to_image_shape(image_shape)
    require_finite(images, "images")
    values = fill_values(images, fill)
    canonical = _canonical_geometry(geometry)
    axes = axis_rotations("z", geometry.tilt_axis_angles)
    rotations = geometry.magnifications @ axes[:, :2, :2]
    shifts = geometry.shifts / pixel_size
    dtype = floating_dtype(images.dtype)
    aligned = np.abs(rotations - np.eye(2)).max() < 1e-12 and np.abs(shifts).max() < 1e-12
    if aligned and shape == images.shape[1:]:
        return images.astype(dtype, copy=False), canonical
    old, new = (np.array([size // 2 for size in pair]) for pair in (images.shape[1:], shape))
    result = np.empty((len(images), *shape), dtype=dtype)

    def resample(tilt: int) -> None:
        matrix = rotations[tilt, ::-1, ::-1]
        scipy.ndimage.affine_transform(
            images[tilt].astype(dtype, copy=False),
            matrix,
            offset=old + shifts[tilt, ::-1] - matrix @ new,
            output_shape=shape,
            output=result[tilt],
            order=order,
            **boundary_options(values, tilt),
        )

    run_all(resample, range(len(images)), None)
    return result, canonical


def _canonical_geometry(geometry: Geometry) -> Geometry:
    """Return a geometry with the same tilt angles and x-tilts, and nothing else."""
    tilts = geometry.tilt_angles
    matrices = specimen_to_detector(np.zeros_like(tilts), tilts, geometry.x_tilts)
    return geometry.evolve(
        rotation_matrices=matrices.transpose(0, 2, 1), shifts=0.0, magnifications=np.eye(2)
    )
