"""Outlier replacement, plane subtraction and edge tapering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from libtilt.errors.checks import (
    Float64Array,
    FloatArray,
    floating_dtype,
    positive_float,
    positive_integer,
    require_kind,
)
from libtilt.preparation.views import lost_fault, nonfinite_fault, require_without_faults
from libtilt.tilt_series import TiltSeries

Series = TypeVar("Series", bound=TiltSeries)


def replace_outliers(tilt_series: Series, *, threshold: float = 6.0, size: int = 5) -> Series:
    """Replace hot, dead and non-finite pixels by their local median.

    Parameters
    ----------
    tilt_series : TiltSeries
        Tilt series, which may have NaN and infinite pixels.
    threshold : float, optional
        Robust standard deviations from the local median beyond which a pixel is replaced.
    size : int, optional
        Odd side in pixels of the square whose median is the local median.

    Raises
    ------
    ValueError
        If an option is invalid, or an image has no finite pixel.

    Notes
    -----
    The robust standard deviation of an image is 1.4826 times the median absolute deviation of the
    differences between its finite pixels and their local medians. If it is 0, as in images of few
    counts, the root mean square of the differences without the largest hundredth (at least one)
    replaces it.

    Non-finite pixels are replaced by the median of the finite pixels in the square, or of the image
    if there are none. Images are padded with their edge pixels.

    Clusters are replaced if they cover less than half of the square. Do not use it on simulated
    images without noise, whose sharpest details look like outliers.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry, TiltSeries
    >>> from libtilt.preparation import replace_outliers
    >>> images = np.ones((1, 8, 8))
    >>> images[0, 2, 3], images[0, 5, 5] = 1000, np.nan
    >>> tilt_series = TiltSeries(images, TiltGeometry.from_tilt_angles([0]))
    >>> bool((replace_outliers(tilt_series).images == 1).all())
    True
    """
    require_kind(tilt_series, TiltSeries, "tilt_series")
    limit, side = positive_float(threshold, "threshold"), positive_integer(size, "size")
    if side < 3 or side % 2 == 0:
        raise ValueError(f"size must be an odd integer of at least 3, got {size!r}")
    require_without_faults(tilt_series, lost_fault)
    return _image_by_image(tilt_series, lambda image: _without_outliers(image, limit, side))


def subtract_plane(tilt_series: Series, *, keep_mean: bool = False) -> Series:
    """Subtract from each image its best-fit plane, such as an illumination gradient.

    Parameters
    ----------
    tilt_series : TiltSeries
        Tilt series without NaN or infinite pixels.
    keep_mean : bool, optional
        Whether to keep the mean of each image; by default it becomes 0.

    Raises
    ------
    ValueError
        If an image has NaN or infinite pixels.

    Notes
    -----
    The plane ``a + b * u + c * v`` is fitted by least squares to all pixels, in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry, TiltSeries
    >>> from libtilt.preparation import subtract_plane
    >>> v, u = np.indices((6, 8))
    >>> tilt_series = TiltSeries(5.0 + 3 * u - 2 * v, TiltGeometry.from_tilt_angles([0]))
    >>> bool(np.allclose(subtract_plane(tilt_series).images, 0))
    True
    """
    require_without_faults(tilt_series, nonfinite_fault)
    return _image_by_image(tilt_series, lambda image: _without_plane(image, keep_mean))


def taper_edges(tilt_series: Series, *, width: int) -> Series:
    """Taper each image to the mean of its border, for continuity across opposite edges.

    Parameters
    ----------
    tilt_series : TiltSeries
        Tilt series without NaN or infinite pixels.
    width : int
        Width of the taper in pixels; at most half of the smaller side.

    Raises
    ------
    ValueError
        If `width` is invalid, or an image has NaN or infinite pixels.

    Notes
    -----
    An image I becomes ``m + w(u) * w(v) * (I - m)``, where m is the mean of its outermost pixels
    and ``w = (1 - cos(pi * d / width)) / 2`` for a pixel that lies ``d < width`` pixels from the
    outermost ones, else 1. Outermost pixels become m; pixels inside the taper keep their values.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry, TiltSeries
    >>> from libtilt.preparation import taper_edges
    >>> images = np.zeros((1, 7, 7))
    >>> images[0, 1:-1, 1:-1] = 1
    >>> tilt_series = TiltSeries(images, TiltGeometry.from_tilt_angles([0]))
    >>> taper_edges(tilt_series, width=2).images[0, 3].round(3).tolist()
    [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]
    """
    require_without_faults(tilt_series, nonfinite_fault)
    pixels, image_shape = positive_integer(width, "width"), tilt_series.shape[1:]
    if 2 * pixels > min(image_shape):
        raise ValueError(
            f"width must be at most half of the smaller side of images {image_shape}, got {pixels}"
        )
    return _image_by_image(tilt_series, lambda image: _tapered(image, pixels))


def _image_by_image(tilt_series: Series, compute: Callable[[FloatArray], NDArray[Any]]) -> Series:
    """Return the series with each image computed on its own, to save memory."""
    images = np.empty(tilt_series.shape, floating_dtype(tilt_series.dtype))
    for target, image in zip(images, tilt_series.images, strict=True):
        target[:] = compute(image.astype(images.dtype, copy=False))
    return tilt_series.evolve(images=images)


def _without_outliers(image: FloatArray, threshold: float, size: int) -> NDArray[Any]:
    finite = np.isfinite(image)
    filled = image if finite.all() else _filled(image, finite, size)
    medians = ndimage.median_filter(filled, size=size, mode="nearest")
    # float64 prevents differences of float32 values from overflowing.
    differences = np.subtract(filled, medians, dtype=np.float64)
    limit = threshold * _robust_deviation(differences[finite])
    return np.where(np.abs(differences) > limit, medians, filled)


def _filled(image: FloatArray, finite: NDArray[np.bool_], size: int) -> FloatArray:
    """Return the image with its non-finite pixels replaced, as in `replace_outliers`."""
    filled = np.where(finite, image, np.median(image[finite]))
    padded = np.pad(np.where(finite, image, np.nan), size // 2, mode="edge")
    squares = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    # Row by row, since the squares of all lost pixels can exceed the stack in size.
    for v in np.flatnonzero(~finite.all(axis=1)):
        u = np.flatnonzero(~finite[v])
        around = squares[v, u].reshape(len(u), -1)
        known = ~np.isnan(around).all(axis=1)
        filled[v, u[known]] = np.nanmedian(around[known], axis=1)
    return filled


def _robust_deviation(differences: Float64Array) -> float:
    """Return the robust standard deviation defined by `replace_outliers`."""
    deviation = 1.4826 * float(np.median(np.abs(differences - np.median(differences))))
    if deviation > 0:
        return deviation
    count = differences.size - max(1, differences.size // 100)
    ordinary = np.partition(np.abs(differences), count)[:count]
    return float(np.sqrt(np.sum(ordinary**2) / max(1, count)))


def _without_plane(image: FloatArray, keep_mean: bool) -> NDArray[Any]:
    mean = image.mean(dtype=np.float64)
    # About the middle of the image 1, u and v are orthogonal, so coefficients are independent.
    v, u = (np.arange(side) - (side - 1) / 2 for side in image.shape)
    rest: Float64Array = np.subtract(image, mean, dtype=np.float64)
    slope_u = u @ rest.mean(axis=0) / ((u @ u) or 1.0)
    slope_v = v @ rest.mean(axis=1) / ((v @ v) or 1.0)
    rest -= slope_u * u + slope_v * v[:, np.newaxis]
    return rest + (mean if keep_mean else 0.0)


def _tapered(image: FloatArray, width: int) -> NDArray[Any]:
    border = (image[0], image[-1], image[1:-1, 0], image[1:-1, -1])
    mean = np.concatenate(border).mean(dtype=np.float64)
    rise = (1 - np.cos(np.pi * np.arange(width) / width)) / 2
    v, u = (np.concatenate([rise, np.ones(side - 2 * width), rise[::-1]]) for side in image.shape)
    tapered: Float64Array = mean + v[:, np.newaxis] * u * np.subtract(image, mean, dtype=np.float64)
    inside = (slice(width, -width), slice(width, -width))
    tapered[inside] = image[inside]
    return tapered
