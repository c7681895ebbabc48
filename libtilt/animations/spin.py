"""A volume that turns: its projections, its maxima, or its surface."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.animations.surface import level_of_sigma, shaded, surface_level
from libtilt.animations.turning import turned
from libtilt.errors.checks import (
    finite_number,
    floating_dtype,
    one_of,
    positive_integer,
    require_finite,
)
from libtilt.geometry import TiltGeometry
from libtilt.projector import Projector
from libtilt.volume import Volume

RENDERS = ("projection", "maximum", "surface")


def spin_frames(
    volume: Volume,
    *,
    count: int = 36,
    axis: str = "y",
    render: str = "projection",
    level: float | None = None,
    sigma: float | None = None,
) -> NDArray[Any]:
    """Return pictures of a volume over a full turn.

    It turns as positive tilts do. Pictures have x to the right and y downward, so that z points
    away from who looks: of a surface, what has the smallest z is in front, and hands are kept.

    Parameters
    ----------
    volume : Volume
        The volume; it is averaged down first, to about 256 voxels along its longest side.
    count : int, optional
        How many.
    axis : {"y", "x"}, optional
        About which it turns.
    render : {"projection", "maximum", "surface"}, optional
        Sums along the beam (the default), the largest values along it, or the surface of one level
        lit from the upper left, darker where it is farther away.
    level : float, optional
        Of the surface; by default `libtilt.animations.surface_level` finds it.
    sigma : float, optional
        The same, in standard deviations above the mean.

    Returns
    -------
    ndarray, shape (count, h, w)
        A surface is between 0 and 1, and 0 where there is none.

    Raises
    ------
    ValueError
        If `count` is not positive, an option does not fit, or the volume has NaN.

    Examples
    --------
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.animations import spin_frames
    >>> volume = GaussianBlobs.ribosome_like().volume((24, 24, 24), voxel_size=14.0)
    >>> spin_frames(volume, count=8).shape
    (8, 24, 34)
    >>> bool(spin_frames(volume, count=2, render="surface").max() <= 1)
    True
    """
    one_of(axis, "axis", ("y", "x"))
    one_of(render, "render", RENDERS)
    if render != "surface" and not (level is None and sigma is None):
        raise ValueError(f'level and sigma are of render="surface", got render={render!r}')
    if level is not None and sigma is not None:
        raise ValueError("give level or sigma, not both")
    angles = np.arange(positive_integer(count, "count")) * 360 / count
    require_finite(volume.data, "volume")
    stage = Stage.of(volume, axis, render)
    if level is not None:
        low, high = float(stage.volume.data.min()), float(stage.volume.data.max())
        if not low <= finite_number(level, "level") < high:
            raise ValueError(
                f"level must lie below the largest value {high:.6g} and not below the least "
                f"{low:.6g}, got {level:.6g}"
            )
    tilts = {"y": {"tilt_angles": angles}, "x": {"tilt_angles": 0 * angles, "x_tilts": angles}}
    geometry = TiltGeometry.from_tilt_angles(**tilts[axis])
    if render == "projection":
        # One matrix for all planes, and no kernels to compile for a picture.
        projector = Projector(
            geometry,
            image_shape=stage.image_shape,
            pixel_size=stage.pixel_size,
            backend="sparse",
        )
        return projector.forward(stage.volume).images
    # From 0 to 1: what lies outside is then the least value, and no square can overflow.
    unit, least, extent = _from_0_to_1(stage.volume.data)
    turns = turned(stage.with_data(unit), geometry.rotation_matrices)
    if render == "maximum":
        ordinary = 1e-30 < extent < 1e30 and abs(least) < 1e30
        dtype = np.dtype(np.float32 if ordinary else np.float64)
        maxima: NDArray[Any] = np.stack([data.max(axis=0) for data in turns]).astype(dtype)
        maxima *= extent
        maxima += least
        return maxima
    if sigma is not None:
        threshold = level_of_sigma(unit, sigma)
    else:
        threshold = surface_level(unit) if level is None else (level - least) / extent
    return np.stack([shaded(data, threshold) for data in turns])


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


@attrs.frozen(eq=False)
class Stage:
    """A volume small enough to turn, and the picture that holds all of it.

    Attributes
    ----------
    volume : Volume
        Averaged down.
    axis : str
        About which it turns.
    image_shape : tuple of int
        ``(h, w)``.
    pixel_size : float
        Angstroms.
    depth : int
        Pixels along the beam.
    """

    volume: Volume
    axis: str
    image_shape: tuple[int, int]
    pixel_size: float
    depth: int

    @classmethod
    def of(cls, volume: Volume, axis: str, render: str = "projection") -> Stage:
        """Average a volume down to about 256 voxels along its longest side.

        Small surfaces are drawn more finely than their voxels: light shows every edge.
        """
        # It turns about its own centre, wherever it lies.
        small, wanted = _averaged(volume.evolve(center=(0.0, 0.0, 0.0)))
        small = small.evolve(center=(0.0, 0.0, 0.0))
        depth, height, width = np.array(small.shape) * small.voxel_size[::-1]
        finer = math.ceil(128 / max(small.shape)) if render == "surface" else 1
        pixel = wanted / finer
        diagonal = math.hypot(depth, width if axis == "y" else height)
        sides = (height, diagonal) if axis == "y" else (diagonal, width)
        shape = (math.ceil(sides[0] / pixel), math.ceil(sides[1] / pixel))
        return cls(small, axis, shape, pixel, math.ceil(diagonal / pixel))

    def with_data(self, data: NDArray[Any]) -> Stage:
        """Return the same stage with other values."""
        return attrs.evolve(self, volume=self.volume.evolve(data=data))


def _averaged(volume: Volume) -> tuple[Volume, float]:
    """Average blocks of voxels so that no side has many more than 256, and return a pixel's width.

    The pixel is as wide as the smallest voxel, or as what that was averaged to.
    """
    smallest = float(volume.voxel_size.min())
    factor = math.ceil((np.array(volume.shape) * volume.voxel_size[::-1]).max() / smallest / 256)
    if factor == 1:
        return volume, smallest
    # Axes with larger voxels need less of it.
    wanted = np.rint(factor * smallest / volume.voxel_size[::-1]).astype(int)
    factors = tuple(np.clip(wanted, 1, volume.shape).tolist())
    return volume.bin(factors), smallest * factor
