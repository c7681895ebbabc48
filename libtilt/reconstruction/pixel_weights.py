"""Pixel weights, and interpolation of unusable pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from libtilt.errors.checks import one_of, real_data, require_finite
from libtilt.preparation import require_usable
from libtilt.preparation.views import flat_fault, lost_fault, require_without_faults
from libtilt.tilt_series import TiltSeries

ON_NAN = ("raise", "ignore")
_ENOUGH = 0.05
"""Fraction of a Gaussian's weight that must fall on known pixels."""


def usable_images_and_weights(
    tilt_series: TiltSeries, dtype: np.dtype[Any], weights: ArrayLike | None, nan: str
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return finite images and the weights of their pixels, or None if all are equal."""
    one_of(nan, "nan", ON_NAN)
    images = tilt_series.images.astype(dtype, copy=False)
    given = None if weights is None else _check_weights(weights, images.shape, dtype)
    if nan == "raise":
        require_usable(tilt_series)
        return images, given
    require_without_faults(tilt_series, lost_fault, flat_fault)
    known = np.isfinite(images)
    if known.all():
        return images, given
    combined = known.astype(dtype) if given is None else np.where(known, given, 0).astype(dtype)
    return np.where(known, images, 0).astype(dtype, copy=False), combined


def _check_weights(
    weights: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    array = np.asarray(weights)
    require_finite(array, "weights")
    try:
        array = np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"weights must broadcast to the images' shape {shape}, got {array.shape}"
        ) from None
    array = real_data(array, "weights", 3)
    if array.min() < 0 or array.max() == 0:
        raise ValueError(
            f"weights must be 0 or more, and not all 0, got {array.min():g} to {array.max():g}"
        )
    return array.astype(dtype, copy=False)


def fill_pixels(image: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
    """Return a finite image with its unknown pixels replaced by Gaussian means of known ones.

    Sigma is 1, 2, 4, ... pixels: the smallest for which a twentieth of the Gaussian's weight falls
    on known pixels, of which there must be at least one.
    """
    result, unknown, sigma = image.copy(), ~known, 1.0
    while unknown.any() and sigma <= 2 * max(image.shape):
        weight = ndimage.gaussian_filter(known.astype(np.float64), sigma, mode="constant")
        total = ndimage.gaussian_filter(np.where(known, image, 0.0), sigma, mode="constant")
        near = unknown & (weight > _ENOUGH)
        result[near] = total[near] / weight[near]
        unknown &= ~near
        sigma *= 2
    result[unknown] = image[known].mean(dtype=np.float64)
    return result
