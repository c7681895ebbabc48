"""Weights of pixels, and images without those that are lost."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from libtilt.errors.checks import one_of, real_data, require_finite
from libtilt.preparation import require_usable
from libtilt.preparation.views import is_flat, is_lost, refuse
from libtilt.tilt_series import TiltSeries

ON_NAN = ("raise", "ignore")
_ENOUGH = 0.05
"""Of the weights of a Gaussian that must fall on known pixels."""


def images_and_weights(
    tilt_series: TiltSeries, dtype: np.dtype[Any], weights: ArrayLike | None, nan: str
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return finite images, and what each pixel weighs: None where all weigh the same."""
    one_of(nan, "nan", ON_NAN)
    images = tilt_series.images.astype(dtype, copy=False)
    given = None if weights is None else _checked(weights, images.shape, dtype)
    if nan == "raise":
        require_usable(tilt_series)
        return images, given
    refuse(tilt_series, is_lost, is_flat)
    known = np.isfinite(images)
    if known.all():
        return images, given
    weighed = known.astype(dtype) if given is None else np.where(known, given, 0).astype(dtype)
    return np.where(known, images, 0).astype(dtype, copy=False), weighed


def _checked(weights: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    array = np.asarray(weights)
    require_finite(array, "weights")
    try:
        array = np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"weights must fit images of shape {shape}, as NumPy broadcasts: got {array.shape}"
        ) from None
    array = real_data(array, "weights", 3)
    if array.min() < 0 or array.max() == 0:
        raise ValueError(
            f"weights must be 0 or more, some of them more, got {array.min():g} to {array.max():g}"
        )
    return array.astype(dtype, copy=False)


def filled(image: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
    """Return an image whose unknown pixels are Gaussian means of the known ones around them.

    The Gaussian is the narrowest of those with a sigma of 1, 2, 4, ... pixels that has a twentieth
    of its weight on known pixels.

    Parameters
    ----------
    image : ndarray, shape (h, w)
        Finite.
    known : ndarray of bool, shape (h, w)
        Which pixels stay as they are; at least one.

    Returns
    -------
    ndarray, shape (h, w)

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.reconstruction.pixel_weights import filled
    >>> image = np.full((5, 5), 3.0)
    >>> image[2, 2] = 0
    >>> float(filled(image, image > 0)[2, 2].round(6))
    3.0
    """
    result, left, sigma = image.copy(), ~known, 1.0
    while left.any() and sigma <= 2 * max(image.shape):
        weight = ndimage.gaussian_filter(known.astype(np.float64), sigma, mode="constant")
        total = ndimage.gaussian_filter(np.where(known, image, 0.0), sigma, mode="constant")
        now = left & (weight > _ENOUGH)
        result[now] = total[now] / weight[now]
        left &= ~now
        sigma *= 2
    result[left] = image[known].mean(dtype=np.float64)
    return result
