"""`Acquisition`: how the images of a tilt series were taken."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
from attrs.converters import optional
from numpy.typing import ArrayLike, NDArray

from libtilt.errors.checks import (
    Float64Array,
    finite_array,
    finite_number,
    locked,
    one_of,
    positive_float,
)

_SAME_ANGLE = 0.5
"""Degrees within which a stage returns to an angle."""


def _per_image(value: ArrayLike) -> Float64Array:
    return locked(np.array(value, dtype=np.float64))


def _voltage(value: Any) -> float:
    return positive_float(value, "voltage")


def _spherical_aberration(value: Any) -> float:
    number = finite_number(value, "spherical_aberration")
    if number < 0:
        raise ValueError(f"spherical_aberration must be at least 0, got {number:g}")
    return number


def _amplitude_contrast(value: Any) -> float:
    number = finite_number(value, "amplitude_contrast")
    if not 0 <= number <= 1:
        raise ValueError(f"amplitude_contrast must lie between 0 and 1, got {number:g}")
    return number


def _hand(value: Any) -> int:
    return int(one_of(value, "hand", (1, -1)))


@attrs.frozen(eq=False, kw_only=True)
class Acquisition:
    """Acquisition order, exposures and microscope parameters; None or NaN where unknown.

    Arrays have one entry per tilt of the `Alignment` that they belong to.

    Parameters
    ----------
    times : array_like, shape (n,), optional
        Time or rank of each image: numbers that increase in the order of acquisition.
    exposures : array_like, shape (n,), optional
        Exposure of each image, in electrons per square angstrom.
    pre_exposures : array_like, shape (n,), optional
        Exposure of the specimen before each image, in electrons per square angstrom.
    voltage : float, optional
        Acceleration voltage in kilovolts.
    spherical_aberration : float, optional
        Spherical aberration in millimeters.
    amplitude_contrast : float, optional
        Amplitude contrast, between 0 and 1.
    hand : int, optional
        Handedness of the defocus, 1 or -1, as RELION's ``rlnTomoHand``: the sign of the change of
        defocus with depth.

    Examples
    --------
    >>> from libtilt.alignment import Acquisition
    >>> acquisition = Acquisition(times=[20, 0, 10], exposures=[3.0, 3.0, 2.5])
    >>> acquisition.order.tolist()
    [2, 0, 1]
    >>> acquisition.accumulated().pre_exposures.tolist()
    [5.5, 0.0, 3.0]
    """

    times: Float64Array | None = attrs.field(default=None, converter=optional(_per_image))
    exposures: Float64Array | None = attrs.field(default=None, converter=optional(_per_image))
    pre_exposures: Float64Array | None = attrs.field(default=None, converter=optional(_per_image))
    voltage: float | None = attrs.field(default=None, converter=optional(_voltage))
    spherical_aberration: float | None = attrs.field(
        default=None, converter=optional(_spherical_aberration)
    )
    amplitude_contrast: float | None = attrs.field(
        default=None, converter=optional(_amplitude_contrast)
    )
    hand: int | None = attrs.field(default=None, converter=optional(_hand))

    @property
    def order(self) -> NDArray[np.intp] | None:
        """Rank of each image in order of acquisition, from 0; None if times lack or are equal."""
        if self.times is None or not np.isfinite(self.times).all():
            return None
        if len(np.unique(self.times)) < len(self.times):
            return None
        return np.argsort(np.argsort(self.times, kind="stable"), kind="stable")

    def accumulated(self) -> Self:
        """Return a copy with `pre_exposures` summed from exposures in order of acquisition.

        The copy is unchanged if the order or an exposure is unknown, or pre-exposures are known.
        """
        known = self.exposures is not None and np.isfinite(self.exposures).all()
        if self.order is None or not known or self.pre_exposures is not None:
            return self
        assert self.exposures is not None
        in_order = self.exposures[np.argsort(self.order)]
        before = np.concatenate([[0.0], np.cumsum(in_order)[:-1]])
        return attrs.evolve(self, pre_exposures=before[self.order])

    def describe_scheme(self, tilt_angles: ArrayLike) -> str:
        """Return the tilt scheme by the order of acquisition.

        Parameters
        ----------
        tilt_angles : array_like, shape (n,)
            Degrees.

        Returns
        -------
        str
            "unidirectional" from one end to the other; "bidirectional" from a middle angle to one
            end, then from there to the other; "dose-symmetric" alternately to both sides, singly
            or in groups; "irregular"; or "unknown" if the order is.

        Raises
        ------
        ValueError
            If the number of angles is not that of the images.

        Examples
        --------
        >>> from libtilt.alignment import Acquisition
        >>> Acquisition(times=[3, 1, 0, 2, 4]).describe_scheme([-6, -3, 0, 3, 6])
        'dose-symmetric'
        """
        if self.order is None:
            return "unknown"
        angles = finite_array(tilt_angles, "tilt_angles")
        self.require_count(len(angles))
        angles = angles[np.argsort(self.order)]
        away = angles - angles[0]
        away = away[np.abs(away) > _SAME_ANGLE]
        positive, negative = away[away > 0], -away[away < 0]
        if (np.diff(positive) < -_SAME_ANGLE).any() or (np.diff(negative) < -_SAME_ANGLE).any():
            return "irregular"
        turns = int(np.count_nonzero(np.diff(np.sign(away))))
        return ("unidirectional", "bidirectional", "dose-symmetric")[min(turns, 2)]

    def describe_exposure(self) -> str:
        """Return the exposure of an image and of all, in electrons per square angstrom.

        Examples
        --------
        >>> from libtilt.alignment import Acquisition
        >>> Acquisition(exposures=[3.0, 3.0, 2.5]).describe_exposure()
        '2.5 to 3 e/Å² per image, 8.5 e/Å² in all'
        >>> Acquisition().describe_exposure()
        'unknown'
        """
        each = self.exposures
        if each is None or not np.isfinite(each).all() or not each.any():
            before = self.pre_exposures
            if before is None or not np.isfinite(before).all() or not before.any():
                return "unknown"
            return f"{before.max():.4g} e/Å² before the last image"
        low, high = f"{each.min():.4g}", f"{each.max():.4g}"
        span = low if low == high else f"{low} to {high}"
        return f"{span} e/Å² per image, {each.sum():.4g} e/Å² in all"

    def require_count(self, count: int) -> None:
        """Raise a ValueError unless every array has one entry per tilt."""
        for name in ("times", "exposures", "pre_exposures"):
            array = getattr(self, name)
            if array is not None and array.shape != (count,):
                raise ValueError(
                    f"{name} must have one entry per tilt: expected ({count},), got {array.shape}"
                )
