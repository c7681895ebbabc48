"""Which images can be used, and leaving some of them out."""

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
"""Images that a message names."""


def exclude_views(tilt_series: Series, views: Iterable[int]) -> Series:
    """Leave some images out, with everything that belongs to their tilts.

    Parameters
    ----------
    tilt_series : TiltSeries
        Its pixels are not looked at.
    views : sequence of int
        Which ones, counted from zero; negative ones from the end. Naming one twice does no harm.

    Returns
    -------
    TiltSeries
        The others in their order, of the same dtype.

    Raises
    ------
    IndexError
        If there is no such image.
    ValueError
        If `views` are not integers, or all images.

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
    # A slice of everything is a view, a list of everything a copy.
    return tilt_series.subset(kept if excluded else slice(None))


def find_flat_views(tilt_series: TiltSeries) -> tuple[int, ...]:
    """Return which images tell nothing: all their finite pixels are equal, or they have none.

    Parameters
    ----------
    tilt_series : TiltSeries
        NaN and infinite pixels are welcome.

    Returns
    -------
    tuple of int
        Counted from zero, for `exclude_views`.

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
    """Raise where an image is flat or has NaN or infinite pixels.

    Parameters
    ----------
    tilt_series : TiltSeries
        What is to be reconstructed.

    Raises
    ------
    ValueError
        If an image is not usable; the message names all of them with their tilt angles.

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
    """Return what is wrong with an image without a finite pixel, else nothing."""
    return "" if np.isfinite(image).any() else "has no finite pixel"


def nonfinite_fault(image: NDArray[Any]) -> str:
    """Return what is wrong with an image with non-finite pixels, else nothing."""
    return "" if np.isfinite(image).all() else "has NaN or infinite pixels"


def flat_fault(image: NDArray[Any]) -> str:
    """Return what is wrong with an image whose finite pixels are all equal, else nothing."""
    values = image[np.isfinite(image)]
    return "is flat" if values.size == 0 or values.min() == values.max() else ""


def require_without_faults(tilt_series: TiltSeries, *faults: Callable[[NDArray[Any]], str]) -> None:
    """Raise an `ArgumentError` that names images at fault, each with the first of its faults."""
    require_kind(tilt_series, TiltSeries, "tilt_series")
    found = [next(filter(None, (f(image) for f in faults)), "") for image in tilt_series.images]
    bad = [view for view, fault in enumerate(found) if fault]
    if not bad:
        return
    angles = tilt_series.geometry.tilt_angles
    named = [f"{view} (tilt angle {angles[view]:.2f}) {found[view]}" for view in bad[:_NAMED]]
    rest = f", and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    mends = {"replace_outliers": "mend pixels (replace_outliers)"}
    if len(bad) < len(found):
        leave_out = f"leave them out (exclude_views(tilt_series, {bad}))"
        mends = {"exclude_views": leave_out} | mends
    if nonfinite_fault in faults:
        mends["nan"] = 'give non-finite pixels weight zero (nan="ignore")'
    raise ArgumentError(
        f"images of tilt_series must be usable, but {', '.join(named)}{rest}; "
        f"{', or '.join(mends.values())}",
        arguments=tuple(mends),
    )


def _view_numbers(views: Iterable[int], count: int) -> set[int]:
    """Return the indices without sign and repetition."""
    try:
        given = list(views)
        if any(isinstance(view, bool | np.bool_) for view in given):
            raise TypeError  # Python would take a mask for indices 0 and 1.
        numbers = [operator.index(view) for view in given]
    except TypeError:
        raise ValueError(
            f"views must be a sequence of integers, got {views!r}; "
            "write [3] for one image, numpy.flatnonzero(mask) for a mask"
        ) from None
    unknown = [number for number in numbers if not -count <= number < count]
    if unknown:
        raise IndexError(
            f"views must lie between {-count} and {count - 1} for {count} images, got {unknown}; "
            "they count from zero"
        )
    return {number % count for number in numbers}
