"""Any rotation as rows: rays sheared until each stays beside one volume axis, and a 2-D warp.

After the factorisation of the viewing transformation by Lacroute and Levoy (1994), "Fast volume
rendering using a shear-warp factorization of the viewing transformation", SIGGRAPH, 451-458.
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

_STEEPEST = 1 / math.sqrt(2)
_LEVEL = 1e-9
_HAIR = 1e-9
_MARGIN = 10
"""Places around the detector that are computed, too: beyond, they matter to it by 1e-6 or less."""


@attrs.frozen(eq=False)
class Shear:
    """Some tilts of a spec, with rays that are sheared along one volume axis.

    A sheared image has a row for each step of one voxel across the rays, in the plane of the other
    two axes, and along each row a value for each voxel along the axis.

    Attributes
    ----------
    spec : SamplingSpec
        The spec.
    tilts : ndarray of int
        Which of its tilts.
    axis : int
        The volume axis: 0 x, 1 y, 2 z.
    matrices : ndarray, shape (n, 2, 3)
        From pixel ``(u, v, 1)`` to the places along and across in the sheared image.
    planes : ndarray, shape (n, 2, 3)
        From ``(s, k, 1)``, place across and depth step, to plane row and column.
    shears : ndarray, shape (n, 2)
        How rays run along the axis; see `libtilt.backends.numba.csr_weights.PlaneOfRays`.
    shapes : ndarray of int, shape (n, 2)
        Of each sheared image: across, along.
    """

    spec: SamplingSpec
    tilts: NDArray[np.intp]
    axis: int
    matrices: Float64Array
    planes: Float64Array
    shears: Float64Array
    shapes: NDArray[np.intp]

    @classmethod
    def all_of(cls, spec: SamplingSpec) -> list[Self]:
        """Return the shears of a spec, one for each axis that some tilt takes.

        Nothing of a tilt depends on which others there are: an operator on some of the tilts is
        the operator on all, restricted to them.
        """
        axes = np.array([_axis(grid) for grid in spec.grids])
        return [cls._of(spec, np.flatnonzero(axes == axis), int(axis)) for axis in np.unique(axes)]

    @classmethod
    def _of(cls, spec: SamplingSpec, tilts: NDArray[np.intp], axis: int) -> Self:
        parts = [_factors(spec.grids[tilt], axis, spec) for tilt in tilts]
        matrices, planes, slopes = (np.array(part) for part in zip(*parts, strict=True))
        slopes[np.abs(slopes) * max(*spec.volume_shape, *spec.image_shape) < _LEVEL] = 0.0
        first, last = _extent(spec, axis, matrices, planes, slopes)
        # Counting from the first places that are needed.
        matrices[:, :, 2] -= first
        planes[:, :, 2] += planes[:, :, 0] * first[:, 1:]
        shapes = (last - first).astype(np.intp)[:, ::-1] + 1
        shears = np.stack([slopes, first[:, 0]], axis=1)
        return cls(spec, tilts, axis, matrices, planes, shears, shapes)

    @property
    def shape(self) -> tuple[int, int]:
        """Across and along, of an array that holds any one of the sheared images."""
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
    """Return the axis of one tilt: y as long as the beam is not steep to it, else the least steep.

    So a single-axis series has one axis, which also is that of its rows. Figures are rounded, so
    that a beam at just 45 degrees is on one side of them, however its grid was computed.
    """
    beam = np.abs(grid[:, 2])
    steep = np.round(beam / np.linalg.norm(beam), 9)
    return 1 if steep[1] <= round(_STEEPEST, 9) else int(steep.argmin())


def _factors(
    grid: Float64Array, axis: int, spec: SamplingSpec
) -> tuple[Float64Array, Float64Array, float]:
    """Return matrix, plane and slope of one tilt, counting from the pixel in its middle."""
    plane_axes = [a for a in (2, 1, 0) if a != axis]
    beam = grid[plane_axes, 2]
    length = float(np.linalg.norm(beam))
    across = np.array([-beam[1], beam[0]]) / length
    # The sign that lets it run as the pixels do.
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
    """Return the first and last places (n, 2), along and across, of detector and volume both."""
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
    # Inside these bounds: on them, all weights are zero.
    low = np.maximum(filled.min(axis=1), seen.min(axis=1) - _MARGIN)
    high = np.minimum(filled.max(axis=1), seen.max(axis=1) + _MARGIN)
    first, last = np.ceil(low + _HAIR), np.floor(high - _HAIR)
    return first, np.maximum(last, first)
