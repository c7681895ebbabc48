"""`Spin`: a full turn of a volume, as projections, maxima or a surface."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.animations.look import Look
from libtilt.animations.surface import hide_dust, level_from_sigma, shade_surface, surface_level
from libtilt.animations.turntable import Turntable
from libtilt.drawing import Panel, Style
from libtilt.errors import ArgumentError
from libtilt.errors.checks import (
    Float64Array,
    finite_number,
    floating_dtype,
    one_of,
    positive_integer,
    require_finite,
)
from libtilt.errors.options import checked, option
from libtilt.volume import Volume

AXES = ("z", "y", "x")
RENDERS = ("projection", "maximum", "surface")
_MOST_FRAMES = 10_000
# Lighting shows the edges of voxels, so surfaces of small volumes are sampled more finely.
_SURFACE_SIDE = 128


def _check_count(value: Any, name: str) -> None:
    if positive_integer(value, name) > _MOST_FRAMES:
        raise ValueError(f"{name} must be at most {_MOST_FRAMES}, got {value}")


def _check_dust(value: Any, name: str) -> None:
    if not 0 <= finite_number(value, name) <= 1:
        raise ValueError(f"{name} must be a part of the longest piece, 0 to 1, got {value}")


_optional_number = attrs.validators.optional(checked(finite_number))


@attrs.frozen(kw_only=True)
class Spin(Look):
    """A full turn of a volume about its own center.

    About y and x, the volume turns in the sense of positive tilts. Pictures have x to the right and
    y downward, so z points away from the viewer: the side with the smallest z is in front. About
    z, it stands upright and turns counterclockwise as seen from the top: pictures have z upward,
    and y points away from the viewer. Handedness is kept. The volume is first binned to about 256
    voxels along its longest side.

    Parameters
    ----------
    count : int, optional
        Number of frames, at most 10000.
    axis : {"z", "y", "x"}, optional
        Rotation axis, by default y: vertical in the pictures for z and y, horizontal for x.
    render : {"projection", "maximum", "surface"}, optional
        Line integrals along the beam over the pixel size (the default); maxima along the beam; or
        an isosurface, lit from the upper left and darker with distance, from 0 (background) to 1.
        Pictures of a surface are as large as what it covers in the whole turn, with a margin;
        others hold the whole volume.
    level : float, optional
        Isosurface level; by default `libtilt.animations.surface_level`.
    sigma : float, optional
        Isosurface level in standard deviations above the mean.
    dust : float, optional
        Pieces of a surface that are shorter than this part of the longest piece, 0 to 1, are
        hidden; 0.1 hides most specks of noise. By default all pieces are shown.

    Raises
    ------
    ValueError
        If an option is invalid.

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
        default=36, validator=checked(_check_count), metadata=option("number of frames", int)
    )
    axis: str = attrs.field(
        default="y",
        validator=checked(lambda value, name: one_of(value, name, AXES)),
        metadata=option("rotation axis, which is upright for z", AXES),
    )
    render: str = attrs.field(
        default="projection",
        validator=checked(lambda value, name: one_of(value, name, RENDERS)),
        metadata=option("line integrals or maxima along the beam, or a shaded isosurface", RENDERS),
    )
    level: float | None = attrs.field(
        default=None,
        validator=_optional_number,
        metadata=option(
            "isosurface level in density units; by default chosen automatically", float
        ),
    )
    sigma: float | None = attrs.field(
        default=None,
        validator=_optional_number,
        metadata=option("isosurface level, in standard deviations above the mean", float),
    )

    dust: float = attrs.field(
        default=0.0,
        validator=checked(_check_dust),
        metadata=option("hide pieces shorter than this part of the longest, 0 to 1", float),
    )

    def __attrs_post_init__(self) -> None:
        if self.render != "surface" and {self.level, self.sigma, self.dust or None} != {None}:
            raise ArgumentError(
                f'level, sigma and dust require render="surface", got render={self.render!r}',
                arguments=("render",),
            )
        if self.level is not None and self.sigma is not None:
            raise ArgumentError("pass level or sigma, not both", arguments=("level", "sigma"))

    def _panel(self, volume: Volume, /) -> Panel:
        require_finite(volume.data, "volume")
        surface = self.render == "surface"
        least_side = _SURFACE_SIDE if surface else 1
        standing, axis = (_upright(volume), "y") if self.axis == "z" else (volume, self.axis)
        table = Turntable.from_volume(standing, axis, least_side=least_side)
        # The y axis of the upright volume points downward, against z.
        angles = np.arange(self.count) * (-360 if self.axis == "z" else 360) / self.count
        if surface:
            return self._surface(table, angles)
        style = Style(pixel_size=table.grid.pixel_size)
        return Panel(self._pictures(table, angles), style, periodic=True)

    def _pictures(self, table: Turntable, angles: Float64Array) -> NDArray[Any]:
        """Return projections or maxima."""
        if self.render == "projection":
            return table.project(angles)
        # In 0 to 1, the zeros outside are the minimum, and squares cannot overflow.
        unit, least, extent = _scale_to_unit_range(table.volume.data)
        turns = table.rotate(unit, angles)
        ordinary = 1e-30 < extent < 1e30 and abs(least) < 1e30
        dtype = np.dtype(np.float32 if ordinary else np.float64)
        maxima: NDArray[Any] = np.stack([data.max(axis=0) for data in turns]).astype(dtype)
        maxima *= extent
        maxima += least
        return maxima

    def _surface(self, table: Turntable, angles: Float64Array) -> Panel:
        unit, least, extent = _scale_to_unit_range(table.volume.data)
        threshold = self._threshold(table.volume.data, unit, least, extent)
        mean, deviation = float(unit.mean(dtype=float)), float(unit.std(dtype=float))
        above = (threshold - mean) / (deviation or 1.0)
        note = (
            f"surface at the level {least + extent * threshold:.4g}, {above:.3g} standard "
            "deviations above the mean"
        )
        if self.dust:
            unit = hide_dust(unit, threshold, table.volume.voxel_size, self.dust)
        shaded = [shade_surface(data, threshold) for data in table.rotate(unit, angles)]
        frames, opacity = (np.stack(parts) for parts in zip(*shaded, strict=True))
        window = _covered_window(opacity, 1 if table.axis == "y" else 0)
        return Panel(
            frames[window],
            Style(pixel_size=table.grid.pixel_size, contrast=(0.0, 1.0)),
            opacity=opacity[window],
            periodic=True,
            notes=(note,),
        )

    def _threshold(
        self, data: NDArray[Any], unit: NDArray[Any], least: float, extent: float
    ) -> float:
        """Return the isosurface level on the scale of `unit`, 0 to 1."""
        if self.sigma is not None:
            return level_from_sigma(unit, self.sigma)
        if self.level is None:
            return surface_level(unit)
        low, high = float(data.min()), float(data.max())
        if not low <= self.level < high:
            raise ArgumentError(
                f"level must be at least the minimum {low:.6g} and below the maximum {high:.6g}, "
                f"got {self.level:.6g}",
                arguments=("level",),
            )
        return (self.level - least) / extent


def _covered_window(opacity: NDArray[Any], across: int) -> tuple[slice, ...]:
    """Return the window of all that is covered, with a margin of 4 % of its longest side.

    Along `across`, perpendicular to the rotation axis, the axis stays in its middle.
    """
    ends = []
    for side, count in enumerate(opacity.shape[1:]):
        covered = np.flatnonzero(opacity.any(axis=(0, 2 - side)))
        first, last = (covered[0], covered[-1]) if covered.size else (0, count - 1)
        if side == across:
            reach = max(count // 2 - first, last - count // 2)
            first, last = count // 2 - reach, count // 2 + reach
        ends.append((int(first), int(last) + 1))
    margin = math.ceil(0.04 * max(last - first for first, last in ends))
    limits = zip(ends, opacity.shape[1:], strict=True)
    return (
        slice(None),
        *(slice(max(0, a - margin), min(n, b + margin)) for (a, b), n in limits),
    )


def _upright(volume: Volume) -> Volume:
    """Return a volume turned by 90 degrees about x: its y axis is -z, its z axis is y."""
    x, y, z = volume.voxel_size
    return volume.evolve(data=volume.data[::-1].transpose(1, 0, 2), voxel_size=(x, z, y))


def _scale_to_unit_range(data: NDArray[Any]) -> tuple[NDArray[np.float32], float, float]:
    """Return the data scaled to 0 to 1, their minimum, and their range."""
    low, high = float(data.min()) / 2, float(data.max()) / 2
    dtype = floating_dtype(data.dtype)
    # Constant data have no range, and subnormal numbers cannot be divided by in float32.
    half = max(high - low, float(np.finfo(dtype).tiny)) if low < high else 0.5
    # Halved, because the difference of two finite numbers may overflow.
    unit = data.astype(dtype) / 2
    unit -= low
    unit /= half
    return unit.astype(np.float32, copy=False), 2 * low, 2 * half
