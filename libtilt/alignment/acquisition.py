"""`Acquisition`: how the images of a tilt series were taken."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
from attrs.converters import optional
from numpy.typing import ArrayLike, NDArray

from libtilt.errors.checks import Float64Array, finite_number, locked, one_of, positive_float


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

    def require_count(self, count: int) -> None:
        """Raise a ValueError unless every array has one entry per tilt."""
        for name in ("times", "exposures", "pre_exposures"):
            array = getattr(self, name)
            if array is not None and array.shape != (count,):
                raise ValueError(
                    f"{name} must have one entry per tilt: expected ({count},), got {array.shape}"
                )
