"""Boxes around points of the specimen, cut from every image."""

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
from libtilt.resampling.fill import fill_values, spline_mode

# Beyond this distance a cubic spline has forgotten an edge: 0.27 per pixel, so 1e-7 after 12.
MARGIN = 12


@attrs.frozen(eq=False)
class Patch:
    """The boxes of one point: which tilts, their images, and where the point lies in them.

    Attributes
    ----------
    tilts : ndarray, shape (k,)
        Of the tilts that are kept.
    images : ndarray, shape (k, h, w)
        The boxes.
    geometry : TiltGeometry
        Whose specimen center is the point.
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

    Pixels are copied as they are: a box begins at a whole pixel, and the rest of the way to the
    point is kept in the shifts of its geometry, so that nothing is lost. With `resample` splines
    move the images by that rest, and the shifts are zero.

    Parameters
    ----------
    images : ndarray, shape (n, h, w)
        Real numbers.
    geometry : TiltGeometry
        With n tilts.
    points_xyz : array_like, shape (m, 3) or (3,)
        Angstroms from the specimen's center.
    size : int or tuple of int
        Pixels of a box, ``(h, w)`` or a square; the point lies at its center ``size // 2``.
    pixel_size : float, optional
        Angstroms.
    outside : {"drop", "pad", "raise"}, optional
        What becomes of a box that does not lie in its image: the tilt is left out, the box is
        filled up, or it is an error.
    fill : "mean", "edge" or float, optional
        What a box is filled up with: its image's mean, the value of the nearest pixel, or a number.
    resample : bool, optional
        Whether to move by parts of a pixel.
    order : {1, 3}, optional
        Of the splines that do so: cubic (the default) or linear.

    Yields
    ------
    Patch
        One per point; its images are float32, or float64 where they were.

    Raises
    ------
    ValueError
        If an argument does not fit, the images have NaN, or no tilt shows a point in a whole box.

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
    places: NDArray[np.float64],
    point: NDArray[np.float64],
    box: tuple[int, ...],
    pixel_size: float,
    outside: str,
    values: list[float] | None,
    spline: int | None,
) -> Patch:
    """Return the boxes of one point, whose places `(n, 2)` are rows and columns."""
    whole = np.rint(places).astype(int)
    rest = places - whole
    rest[np.abs(rest) < 1e-9] = 0.0
    starts = whole - [side // 2 for side in box]
    # What is resampled lies between pixels, and has to lie between two of the image.
    first = starts + (0 if spline is None else rest)
    inside = ((first >= 0) & (first + box <= images.shape[1:])).all(axis=1)
    kept = np.arange(len(images)) if outside == "pad" else np.flatnonzero(inside)
    if len(kept) < (len(images) if outside == "raise" else 1):
        raise ValueError(
            f"the box of {box} pixels about the point {point.tolist()} does not lie in "
            f"{'any image' if outside == 'drop' else f'image {int(np.argmin(inside))}'}: choose a "
            'smaller size, or outside="pad"'
        )
    cut = np.empty((len(kept), *box), dtype=floating_dtype(images.dtype))
    for into, tilt in zip(cut, kept.tolist(), strict=True):
        if spline is None:
            into[:] = _copied(images[tilt], starts[tilt], box, values, tilt)
        else:
            _resample(images[tilt], first[tilt], into, spline, spline_mode(values, tilt))
    shifts = rest[kept, ::-1] * pixel_size if spline is None else np.zeros((len(kept), 2))
    return Patch(kept, cut, geometry[kept].evolve(shifts=shifts))


def _copied(
    image: NDArray[Any],
    start: NDArray[np.intp],
    box: tuple[int, ...],
    values: list[float] | None,
    tilt: int,
) -> NDArray[Any]:
    """Return the pixels of one box, filled up where the image ends."""
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


def _resample(
    image: NDArray[Any],
    first: NDArray[np.float64],
    into: NDArray[Any],
    order: int,
    mode: dict[str, Any],
) -> None:
    """Write the box whose first pixel lies at `first`, between pixels of the image."""
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
