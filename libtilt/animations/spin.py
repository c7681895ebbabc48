"""`Spin`: a volume that turns: its projections, its maxima, or its surface."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.animations.look import Look
from libtilt.animations.surface import level_of_sigma, shaded, surface_level
from libtilt.animations.turntable import Turntable
from libtilt.drawing import Panel, Style
from libtilt.errors import ArgumentError
from libtilt.errors.checks import (
    finite_number,
    floating_dtype,
    one_of,
    positive_integer,
    require_finite,
)
from libtilt.errors.options import checked, option
from libtilt.volume import Volume

AXES = ("y", "x")
RENDERS = ("projection", "maximum", "surface")
_MOST_FRAMES = 10_000
# Light shows every edge of a voxel: small surfaces are drawn more finely.
_SURFACE_SIDE = 128


def _check_count(value: Any, name: str) -> None:
    if positive_integer(value, name) > _MOST_FRAMES:
        raise ValueError(f"{name} must be at most {_MOST_FRAMES}, got {value}")


_optional_number = attrs.validators.optional(checked(finite_number))


@attrs.frozen(kw_only=True)
class Spin(Look):
    """A full turn of a volume, about its own center.

    It turns as positive tilts do. Pictures have x to the right and y downward, so that z points
    away from who looks: of a surface, what has the smallest z is in front, and hands are kept. The
    volume is averaged down first, to about 256 voxels along its longest side.

    Parameters
    ----------
    count : int, optional
        How many frames, at most 10000.
    axis : {"y", "x"}, optional
        About which it turns.
    render : {"projection", "maximum", "surface"}, optional
        Line integrals along the beam over the pixel size (the default), the largest values along
        it, or the surface of one level lit from the upper left, darker where it is farther away: in
        0 to 1, and 0 where there is none.
    level : float, optional
        Of the surface; by default `libtilt.animations.surface_level` finds it.
    sigma : float, optional
        The same, in standard deviations above the mean.

    Raises
    ------
    ValueError
        If an option does not fit.

    Examples
    --------
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.animations import Spin
    >>> volume = GaussianBlobs.ribosome_like().volume((24, 24, 24), voxel_size=14.0)
    >>> Spin(count=8).frames(volume).shape
    (8, 24, 34)
    >>> bool(Spin(count=2, render="surface").frames(volume).max() <= 1)
    True
    """

    shows: ClassVar[type[Volume]] = Volume

    count: int = attrs.field(
        default=36, validator=checked(_check_count), metadata=option("frames of a turn", int)
    )
    axis: str = attrs.field(
        default="y",
        validator=checked(lambda value, name: one_of(value, name, AXES)),
        metadata=option("about which it turns", AXES),
    )
    render: str = attrs.field(
        default="projection",
        validator=checked(lambda value, name: one_of(value, name, RENDERS)),
        metadata=option("sums along the beam, maxima, or a surface in light", RENDERS),
    )
    level: float | None = attrs.field(
        default=None,
        validator=_optional_number,
        metadata=option("of a surface; found where it is not given", float),
    )
    sigma: float | None = attrs.field(
        default=None,
        validator=_optional_number,
        metadata=option("the same, in deviations above the mean", float),
    )

    def __attrs_post_init__(self) -> None:
        if self.render != "surface" and not (self.level is None and self.sigma is None):
            raise ArgumentError(
                f'level and sigma are of render="surface", got render={self.render!r}',
                arguments=("render",),
            )
        if self.level is not None and self.sigma is not None:
            raise ArgumentError("give level or sigma, not both", arguments=("level", "sigma"))

    def _panel(self, what: Volume) -> Panel:
        require_finite(what.data, "volume")
        surface = self.render == "surface"
        table = Turntable.of(what, self.axis, least_side=_SURFACE_SIDE if surface else 1)
        style = Style(pixel_size=table.grid.pixel_size, contrast=(0.0, 1.0) if surface else None)
        return Panel(self._pictures(table), style)

    def _pictures(self, table: Turntable) -> NDArray[Any]:
        angles = np.arange(self.count) * 360 / self.count
        if self.render == "projection":
            return table.project(angles)
        # From 0 to 1: what lies outside is then the least value, and no square can overflow.
        unit, least, extent = _from_0_to_1(table.volume.data)
        turns = table.rotate(unit, angles)
        if self.render == "maximum":
            ordinary = 1e-30 < extent < 1e30 and abs(least) < 1e30
            dtype = np.dtype(np.float32 if ordinary else np.float64)
            maxima: NDArray[Any] = np.stack([data.max(axis=0) for data in turns]).astype(dtype)
            maxima *= extent
            maxima += least
            return maxima
        threshold = self._threshold(table.volume.data, unit, least, extent)
        return np.stack([shaded(data, threshold) for data in turns])

    def _threshold(
        self, data: NDArray[Any], unit: NDArray[Any], least: float, extent: float
    ) -> float:
        """Return the level of the surface where values go from 0 to 1."""
        if self.sigma is not None:
            return level_of_sigma(unit, self.sigma)
        if self.level is None:
            return surface_level(unit)
        low, high = float(data.min()), float(data.max())
        if not low <= self.level < high:
            raise ArgumentError(
                f"level must lie below the largest value {high:.6g} and not below the least "
                f"{low:.6g}, got {self.level:.6g}",
                arguments=("level",),
            )
        return (self.level - least) / extent


def _from_0_to_1(data: NDArray[Any]) -> tuple[NDArray[np.float32], float, float]:
    """Return the data from 0 to 1, the least value and by how much the largest is larger."""
    low, high = float(data.min()) / 2, float(data.max()) / 2
    dtype = floating_dtype(data.dtype)
    # One value throughout has no range; and the smallest ones are no divisor in float32.
    half = max(high - low, float(np.finfo(dtype).tiny)) if low < high else 0.5
    # Halves, since the difference of two finite numbers need not be one.
    unit = data.astype(dtype) / 2
    unit -= low
    unit /= half
    return unit.astype(np.float32, copy=False), 2 * low, 2 * half
