"""Shear-warp factorization: rays sheared into rows along a volume axis, then a 2-D warp.

Lacroute and Levoy (1994), "Fast volume rendering using a shear-warp factorization of the viewing
transformation", SIGGRAPH, 451-458.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import SamplingSpec
from libtilt.backends.numba.csr_weights import PlaneOfRays
from libtilt.errors.checks import Float64Array

_MAX_STEEPNESS = 1 / math.sqrt(2)
_LEVEL = 1e-9
_TOLERANCE = 1e-9
_MARGIN = 10
"""Samples computed around the detector; those beyond contribute 1e-6 or less."""


@attrs.frozen(eq=False)
class Shear:
    """The tilts of a spec whose rays are sheared along one volume axis.

    A sheared image has a row per voxel across the rays, in the plane of the other two axes, and a
    value per voxel along the axis.

    Attributes
    ----------
    tilts, axis : ndarray of int, int
        Indices of the tilts, and the volume axis: 0 x, 1 y, 2 z.
    matrices : ndarray, shape (n, 2, 3)
        From pixel ``(u, v, 1)`` to positions along and across in the sheared image.
    planes : ndarray, shape (n, 2, 3)
        From ``(s, k, 1)``, position across and depth step, to plane row and column.
    shears : ndarray, shape (n, 2)
        As in `libtilt.backends.numba.csr_weights.PlaneOfRays`.
    shapes : ndarray of int, shape (n, 2)
        Sizes of each sheared image: across, along.
    """

    spec: SamplingSpec
    tilts: NDArray[np.intp]
    axis: int
    matrices: Float64Array
    planes: Float64Array
    shears: Float64Array
    shapes: NDArray[np.intp]

    @classmethod
    def from_spec(cls, spec: SamplingSpec) -> list[Self]:
        """Return the shears of a spec, one for each axis that some tilt takes.

        Tilts are independent: the operator on some tilts is that on all, restricted to them.
        """
        axes = np.array([_axis(grid) for grid in spec.grids])
        return [
            cls._from_tilts(spec, np.flatnonzero(axes == axis), int(axis))
            for axis in np.unique(axes)
        ]

    @classmethod
    def _from_tilts(cls, spec: SamplingSpec, tilts: NDArray[np.intp], axis: int) -> Self:
        parts = [_factors(spec.grids[tilt], axis, spec) for tilt in tilts]
        matrices, planes, slopes = (np.array(part) for part in zip(*parts, strict=True))
        slopes[np.abs(slopes) * max(*spec.volume_shape, *spec.image_shape) < _LEVEL] = 0.0
        first, last = _extent(spec, axis, matrices, planes, slopes)
        # Count from the first positions needed.
        matrices[:, :, 2] -= first
        planes[:, :, 2] += planes[:, :, 0] * first[:, 1:]
        shapes = (last - first).astype(np.intp)[:, ::-1] + 1
        shears = np.stack([slopes, first[:, 0]], axis=1)
        return cls(spec, tilts, axis, matrices, planes, shears, shapes)

    @property
    def shape(self) -> tuple[int, int]:
        """Sizes across and along of an array that holds any of the sheared images."""
        across, along = self.shapes.max(axis=0)
        return int(across), int(along)

    @property
    def rays(self) -> PlaneOfRays:
        """The sheared rays."""
        sizes = [n for a, n in enumerate(self.spec.volume_shape) if a != 2 - self.axis]
        return PlaneOfRays(
            grids=self.planes,
            shears=self.shears,
            plane_shape=(sizes[0], sizes[1]),
            pixels=self.shape[0],
            driven=self.spec.driven,
        )


def _axis(grid: Float64Array) -> int:
    """Return the axis of one tilt: y, or if the beam is steep to y, the axis it is least steep to.

    A single-axis series thus has one axis, that of its rows. Steepness is rounded, so that a beam
    at 45 degrees gives the same axis however its grid was computed.
    """
    beam = np.abs(grid[:, 2])
    steep = np.round(beam / np.linalg.norm(beam), 9)
    return 1 if steep[1] <= round(_MAX_STEEPNESS, 9) else int(steep.argmin())


def _factors(
    grid: Float64Array, axis: int, spec: SamplingSpec
) -> tuple[Float64Array, Float64Array, float]:
    """Return matrix, plane and slope of one tilt, relative to the image's middle pixel."""
    plane_axes = [a for a in (2, 1, 0) if a != axis]
    beam = grid[plane_axes, 2]
    length = float(np.linalg.norm(beam))
    across = np.array([-beam[1], beam[0]]) / length
    # The sign that orients it as the pixels are.
    along_u, along_v = across @ grid[plane_axes, 0], across @ grid[plane_axes, 1]
    across *= np.sign(along_u if abs(along_u) >= abs(along_v) else along_v)
    height, width = spec.image_shape
    reference = grid @ np.array([width // 2, height // 2, 0, 1])
    from_reference = grid[:, [0, 1, 3]] - reference[:, np.newaxis] * np.array([0.0, 0.0, 1.0])
    to_across = across @ from_reference[plane_axes]
    to_depth = beam @ from_reference[plane_axes] / length**2
    to_along = grid[axis, [0, 1, 3]] - grid[axis, 2] * to_depth
    matrix = np.stack([to_along, to_across])
    plane = np.stack([across, beam, reference[plane_axes]], axis=1)
    return matrix, plane, float(grid[axis, 2])


def _extent(
    spec: SamplingSpec,
    axis: int,
    matrices: Float64Array,
    planes: Float64Array,
    slopes: Float64Array,
) -> tuple[Float64Array, Float64Array]:
    """Return the first and last positions (n, 2), along and across, in detector and volume."""
    height, width = spec.image_shape
    pixels = np.array([[u, v, 1.0] for u, v in product((0, width - 1), (0, height - 1))])
    seen = np.einsum("nij,cj->nci", matrices, pixels)
    sizes = list(reversed(spec.volume_shape))
    plane_axes = [a for a in (2, 1, 0) if a != axis]
    corners = np.array(list(product(*((-1, sizes[a]) for a in (*plane_axes, axis)))))
    inverse = np.linalg.inv(planes[:, :, :2])
    across_depth = np.einsum(
        "nij,ncj->nci", inverse, corners[np.newaxis, :, :2] - planes[:, np.newaxis, :, 2]
    )
    along = corners[np.newaxis, :, 2] - slopes[:, np.newaxis] * across_depth[:, :, 1]
    filled = np.stack([along, across_depth[:, :, 0]], axis=2)
    # Strictly inside these bounds, on which all weights are zero.
    low = np.maximum(filled.min(axis=1), seen.min(axis=1) - _MARGIN)
    high = np.minimum(filled.max(axis=1), seen.max(axis=1) + _MARGIN)
    first, last = np.ceil(low + _TOLERANCE), np.floor(high - _TOLERANCE)
    return first, np.maximum(last, first)
