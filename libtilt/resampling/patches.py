"""Boxes cut from every image about the projections of points."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from libtilt.errors.checks import (
    finite_array,
    floating_dtype,
    one_of,
    require_finite,
    to_image_shape,
)
from libtilt.geometry import TiltGeometry
from libtilt.resampling.fill import boundary_options, fill_values

# Pixels over which the effect of an edge on a cubic spline, 0.27 per pixel, falls to 1e-7.
MARGIN = 12


@attrs.frozen(eq=False)
class Patch:
    """The boxes cut about the projections of one point.

    Attributes
    ----------
    tilts : ndarray, shape (k,)
        Indices of the tilts whose boxes are kept.
    images : ndarray, shape (k, h, w)
        One box per tilt.
    geometry : TiltGeometry
        Geometry of the boxes, with the point as the specimen's center.
    """

    tilts: NDArray[np.intp]
    images: NDArray[Any]
    geometry: TiltGeometry


def extract_patches(
    images: NDArray[Any],
    geometry: TiltGeometry,
    points_xyz: ArrayLike,
    size: int | tuple[int, ...],
    *,
    pixel_size: float = 1.0,
    outside: str = "drop",
    fill: str | float = "mean",
    resample: bool = False,
    order: int = 3,
) -> Iterator[Patch]:
    """Cut boxes about the projections of points.

    Pixels are copied unchanged: a box starts at a whole pixel, and the remaining fraction
    of a pixel becomes the shift of its geometry, so that no information is lost. With `resample`,
    splines shift the images by that fraction, and the shifts are zero.

    Parameters
    ----------
    images : ndarray, shape (n, h, w)
        Real numbers.
    geometry : TiltGeometry
        Geometry of the n images.
    points_xyz : array_like, shape (m, 3) or (3,)
        Angstroms from the specimen's center.
    size : int or tuple of int
        Box size in pixels, ``(h, w)`` or the side of a square; the point is at ``size // 2``.
    pixel_size : float, optional
        Angstroms.
    outside : {"drop", "pad", "raise"}, optional
        What to do if a box extends beyond its image: drop the tilt, fill the box, or raise.
    fill : "mean", "edge" or float, optional
        Value outside an image: its mean, that of its nearest pixel, or a number.
    resample : bool, optional
        Whether to shift the images by fractions of a pixel.
    order : {1, 3}, optional
        Spline order for `resample`: cubic (the default) or linear.

    Yields
    ------
    Patch
        One per point; its images are float64 for float64 input, else float32.

    Raises
    ------
    ValueError
        If an argument is invalid, an image has NaN, or no image contains the whole box of a point.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry
    >>> from libtilt.resampling import extract_patches
    >>> images = np.arange(64.0).reshape(1, 8, 8)
    >>> patch, = extract_patches(images, TiltGeometry.from_tilt_angles([0]), [1.25, -1, 0], 3)
    >>> patch.images[0].tolist()
    [[20.0, 21.0, 22.0], [28.0, 29.0, 30.0], [36.0, 37.0, 38.0]]
    >>> patch.geometry.shifts.tolist()
    [[0.25, 0.0]]
    """
    points = finite_array(points_xyz, "points_xyz")
    if points.ndim not in (1, 2) or points.shape[-1] != 3 or points.size == 0:
        raise ValueError(f"points_xyz must have shape (m, 3), got {points.shape}")
    box = _box(size)
    one_of(outside, "outside", ("drop", "pad", "raise"))
    one_of(order, "order", (1, 3))
    require_finite(images, "images")
    values = fill_values(images, fill)
    spline = order if resample else None
    center = np.array([side // 2 for side in images.shape[1:]])
    return (
        _patch(images, geometry, place, point, box, pixel_size, outside, values, spline)
        for place, point in zip(
            center
            + geometry.project_points(np.atleast_2d(points)).transpose(1, 0, 2)[..., ::-1]
            / pixel_size,
            np.atleast_2d(points),
            strict=True,
        )
    )


def _box(size: int | tuple[int, ...]) -> tuple[int, ...]:
    try:
        side = operator.index(size)  # type: ignore[arg-type]
    except TypeError:
        return to_image_shape(size)
    return to_image_shape((side, side))


def _patch(
    images: NDArray[Any],
    geometry: TiltGeometry,
    positions: NDArray[np.float64],
    point: NDArray[np.float64],
    box: tuple[int, ...],
    pixel_size: float,
    outside: str,
    values: list[float] | None,
    spline: int | None,
) -> Patch:
    """Return the boxes of one point, whose projections `(n, 2)` are rows and columns."""
    whole = np.rint(positions).astype(int)
    rest = positions - whole
    rest[np.abs(rest) < 1e-9] = 0.0
    starts = whole - [side // 2 for side in box]
    # Resampled pixels lie between pixels, and must not leave the image.
    first = starts + (0 if spline is None else rest)
    inside = ((first >= 0) & (first + box <= images.shape[1:])).all(axis=1)
    kept = np.arange(len(images)) if outside == "pad" else np.flatnonzero(inside)
    if len(kept) < (len(images) if outside == "raise" else 1):
        raise ValueError(
            f"the box of {box} pixels about the point {point.tolist()} does not fit in "
            f"{'any image' if outside == 'drop' else f'image {int(np.argmin(inside))}'}: choose a "
            'smaller size, or outside="pad"'
        )
    cut = np.empty((len(kept), *box), dtype=floating_dtype(images.dtype))
    for into, tilt in zip(cut, kept.tolist(), strict=True):
        if spline is None:
            into[:] = _copy_box(images[tilt], starts[tilt], box, values, tilt)
        else:
            _resample_box(images[tilt], first[tilt], into, spline, boundary_options(values, tilt))
    shifts = rest[kept, ::-1] * pixel_size if spline is None else np.zeros((len(kept), 2))
    return Patch(kept, cut, geometry[kept].evolve(shifts=shifts))


def _copy_box(
    image: NDArray[Any],
    start: NDArray[np.intp],
    box: tuple[int, ...],
    values: list[float] | None,
    tilt: int,
) -> NDArray[Any]:
    """Return the pixels of one box, filled in outside the image."""
    rows, columns = (
        np.arange(begin, begin + side) for begin, side in zip(start.tolist(), box, strict=True)
    )
    height, width = image.shape
    nearest = np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))
    pixels: NDArray[Any] = image[nearest]
    if values is None:
        return pixels
    beyond = ((rows < 0) | (rows >= height))[:, np.newaxis] | (columns < 0) | (columns >= width)
    return np.where(beyond, values[tilt], pixels) if beyond.any() else pixels


def _resample_box(
    image: NDArray[Any],
    first: NDArray[np.float64],
    into: NDArray[Any],
    order: int,
    mode: dict[str, Any],
) -> None:
    """Interpolate the box whose first pixel lies at `first`, a fractional index, into `into`."""
    spans = zip(np.floor(first).astype(int).tolist(), into.shape, image.shape, strict=True)
    window = [
        (min(max(begin - MARGIN, 0), side - 1), min(max(begin + size + 1 + MARGIN, 1), side))
        for begin, size, side in spans
    ]
    part = image[tuple(slice(*ends) for ends in window)].astype(into.dtype, copy=False)
    offset = first - [begin for begin, _ in window]
    scipy.ndimage.affine_transform(
        part, np.eye(2), offset=offset, output_shape=into.shape, output=into, order=order, **mode
    )
