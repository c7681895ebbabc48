"""Detection and exclusion of unusable views."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from libtilt.errors import ArgumentError
from libtilt.errors.checks import require_kind
from libtilt.tilt_series import TiltSeries

Series = TypeVar("Series", bound=TiltSeries)


_NAMED = 8
"""Maximum number of images in a message."""


def exclude_views(tilt_series: Series, views: Iterable[int]) -> Series:
    """Return a tilt series without the given views.

    Parameters
    ----------
    tilt_series : TiltSeries
        Images with their geometry.
    views : sequence of int
        Indices from 0, negative from the end. Repetitions are allowed.

    Returns
    -------
    TiltSeries
        The remaining views in their order.

    Raises
    ------
    IndexError
        If a view does not exist.
    ValueError
        If `views` are not integers, or contain all images.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry, TiltSeries
    >>> from libtilt.preparation import exclude_views
    >>> tilt_series = TiltSeries(np.zeros((4, 8, 8)), TiltGeometry.from_tilt_angles([-3, 0, 3, 6]))
    >>> exclude_views(tilt_series, [0, -1]).geometry.tilt_angles.round(6).tolist()
    [0.0, 3.0]
    """
    require_kind(tilt_series, TiltSeries, "tilt_series")
    excluded = _view_numbers(views, len(tilt_series))
    kept = [i for i in range(len(tilt_series)) if i not in excluded]
    if not kept:
        raise ValueError(
            f"views must leave at least one of {len(tilt_series)} images, got all of them"
        )
    # A slice returns a view of the data, a list a copy.
    return tilt_series.subset(kept if excluded else slice(None))


def find_flat_views(tilt_series: TiltSeries) -> tuple[int, ...]:
    """Find blank images: views whose finite pixels are all equal, or that have none.

    Parameters
    ----------
    tilt_series : TiltSeries
        Tilt series, which may have NaN and infinite pixels.

    Returns
    -------
    tuple of int
        Indices for `exclude_views`.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry, TiltSeries
    >>> from libtilt.preparation import find_flat_views
    >>> images = np.arange(3 * 16.0).reshape(3, 4, 4)
    >>> images[1] = 7
    >>> find_flat_views(TiltSeries(images, TiltGeometry.from_tilt_angles([-3, 0, 3])))
    (1,)
    """
    require_kind(tilt_series, TiltSeries, "tilt_series")
    return tuple(i for i, image in enumerate(tilt_series.images) if flat_fault(image))


def require_usable(tilt_series: TiltSeries) -> None:
    """Raise an error if an image is flat or has NaN or infinite pixels.

    Parameters
    ----------
    tilt_series : TiltSeries
        Tilt series to be reconstructed.

    Raises
    ------
    ValueError
        If images are unusable; the message names them with their tilt angles.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry, TiltSeries
    >>> from libtilt.preparation import require_usable
    >>> images = np.arange(2 * 16.0).reshape(2, 4, 4)
    >>> require_usable(TiltSeries(images, TiltGeometry.from_tilt_angles([0, 3])))
    """
    require_without_faults(tilt_series, lost_fault, flat_fault, nonfinite_fault)


def lost_fault(image: NDArray[Any]) -> str:
    """Return the fault of an image without finite pixels, else an empty string."""
    return "" if np.isfinite(image).any() else "has no finite pixel"


def nonfinite_fault(image: NDArray[Any]) -> str:
    """Return the fault of an image with non-finite pixels, else an empty string."""
    return "" if np.isfinite(image).all() else "has NaN or infinite pixels"


def flat_fault(image: NDArray[Any]) -> str:
    """Return the fault of an image whose finite pixels are all equal, else an empty string."""
    values = image[np.isfinite(image)]
    return "is flat" if values.size == 0 or values.min() == values.max() else ""


def require_without_faults(tilt_series: TiltSeries, *faults: Callable[[NDArray[Any]], str]) -> None:
    """Raise an `ArgumentError` that names faulty images, each with its first fault."""
    require_kind(tilt_series, TiltSeries, "tilt_series")
    found = [next(filter(None, (f(image) for f in faults)), "") for image in tilt_series.images]
    bad = [view for view, fault in enumerate(found) if fault]
    if not bad:
        return
    angles = tilt_series.geometry.tilt_angles
    named = [f"image {view} (tilt angle {angles[view]:.2f}) {found[view]}" for view in bad[:_NAMED]]
    rest = f", and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    fixes = {"replace_outliers": "replace pixels (replace_outliers)"}
    if len(bad) < len(found):
        exclude = f"exclude them (exclude_views(tilt_series, {bad}))"
        fixes = {"exclude_views": exclude} | fixes
    if nonfinite_fault in faults:
        fixes["nan"] = 'give non-finite pixels weight zero (nan="ignore")'
    raise ArgumentError(
        f"images of tilt_series must be usable, but {', '.join(named)}{rest}; "
        f"{', or '.join(fixes.values())}",
        arguments=tuple(fixes),
    )


def _view_numbers(views: Iterable[int], count: int) -> set[int]:
    """Return the distinct indices, all counted from the start."""
    try:
        given = list(views)
        if any(isinstance(view, bool | np.bool_) for view in given):
            raise TypeError  # A mask is not a list of indices 0 and 1.
        numbers = [operator.index(view) for view in given]
    except TypeError:
        raise ValueError(
            f"views must be a sequence of integers, got {views!r}; "
            "pass [3] for one image, numpy.flatnonzero(mask) for a mask"
        ) from None
    unknown = [number for number in numbers if not -count <= number < count]
    if unknown:
        raise IndexError(
            f"views must lie between {-count} and {count - 1} for {count} images, got {unknown}; "
            "indices start at zero"
        )
    return {number % count for number in numbers}
