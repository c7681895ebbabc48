"""Index grids of single-axis tilt series, split into a plane and a line.

One volume axis runs along the tilt axis and along the rows or the columns of every image, so
sampling is the same for all voxels along it: a sparse matrix acts in the plane of the other two
axes, and a one-dimensional interpolation along the axis.
"""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
import scipy
from numpy.typing import NDArray

from libtilt.backends.base import SamplingSpec
from libtilt.backends.interpolation import bilinear_matrix, linear_weights, sparse_rows
from libtilt.backends.rays import depth_range
from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import invert_affine

_DRIFT = 1e-9
_CHUNK = 1 << 22

NOT_SINGLE_AXIS = (
    "the tilt axis is not along an axis of both volume and images, or it differs between tilts"
)
"""Why a spec has no `SingleAxisLayout`."""


@attrs.frozen(eq=False)
class SingleAxisLayout:
    """The volume axis (0 x, 1 y, 2 z) and detector axis (0 u, 1 v) along a spec's tilt axis."""

    spec: SamplingSpec
    axis: int
    detector_axis: int

    @classmethod
    def find(cls, spec: SamplingSpec) -> Self | None:
        """Return the layout of a spec, or None if rays leave the planes of the volume."""
        extent = max(*spec.volume_shape, *spec.image_shape)
        for axis, detector_axis in ((1, 1), (1, 0), (0, 0), (0, 1), (2, 1), (2, 0)):
            crossing = spec.grids[:, :, :3].copy()
            crossing[:, axis, detector_axis] = 0.0
            in_plane = [a for a in range(3) if a != axis]
            across = [a for a in range(3) if a != detector_axis]
            crossing[:, np.array(in_plane)[:, np.newaxis], across] = 0.0
            if np.abs(crossing).max() * extent < _DRIFT:
                return cls(spec, axis, detector_axis)
        return None

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Shape of the plane, in the volume's axis order."""
        rows, columns = (n for a, n in enumerate(self.spec.volume_shape) if a != 2 - self.axis)
        return rows, columns

    @property
    def line_length(self) -> int:
        """Voxels along the axis."""
        return self.spec.volume_shape[2 - self.axis]

    @property
    def detector_shape(self) -> tuple[int, int]:
        """Pixels along the axis and across it."""
        u_v = self.spec.image_shape[::-1]
        return u_v[self.detector_axis], u_v[1 - self.detector_axis]

    @property
    def plane_grids(self) -> Float64Array:
        """Matrices (n, 2, 3) from ``(s, k, 1)``, pixel across and depth, to plane row, column."""
        plane_axes = [axis for axis in (2, 1, 0) if axis != self.axis]
        grids: Float64Array = self.spec.grids[:, plane_axes][:, :, [1 - self.detector_axis, 2, 3]]
        return grids

    def volume_view(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Return the volume as plane rows, plane columns, line."""
        return np.moveaxis(volume, 2 - self.axis, -1)

    def images_view(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the images as tilts, pixels along the axis, pixels across it."""
        return images if self.detector_axis == 1 else images.swapaxes(1, 2)

    def ray_matrix(self, tilt: int) -> scipy.sparse.csr_array:
        """Return the rays of one tilt in the plane: pixels across the axis times plane voxels."""
        rows, columns = self.plane_shape
        to_plane = self.plane_grids[tilt]
        depths = np.array(depth_range(self.spec.grids[tilt], self.spec.volume_shape, 1.0))
        pixels = np.arange(self.detector_shape[1])
        step = max(1, _CHUNK // (4 * max(1, len(depths))))
        blocks = []
        for start in range(0, len(pixels), step):
            across = pixels[start : start + step, np.newaxis]
            row, column = (a * across + b * depths + c for a, b, c in to_plane)
            blocks.append(bilinear_matrix(row, column, (rows, columns), self.spec.dtype))
        return scipy.sparse.vstack(blocks, format="csr") if len(blocks) > 1 else blocks[0]

    def voxel_matrix(self, plane_row: int) -> scipy.sparse.csr_array:
        """Return the voxels of one plane row: plane columns times pixels across, all tilts."""
        count, across = len(self.spec.grids), self.detector_shape[1]
        inverse = invert_affine(self.spec.grids)
        plane_axes = [a for a in (2, 1, 0) if a != self.axis]
        coefficients = inverse[:, 1 - self.detector_axis, [*plane_axes, 3]]
        columns = np.arange(self.plane_shape[1])[:, np.newaxis]
        position = coefficients[:, 0] * plane_row + coefficients[:, 1] * columns
        index, weight = linear_weights(position + coefficients[:, 2], across)
        index += (np.arange(count) * across)[:, np.newaxis]
        return sparse_rows(index, weight, count * across).astype(self.spec.dtype)

    def line_matrix(self, tilt: int) -> scipy.sparse.csr_array | None:
        """Return the interpolation along the axis, pixels times voxels; None for identity."""
        scale = self.spec.grids[tilt, self.axis, self.detector_axis]
        offset = self.spec.grids[tilt, self.axis, 3]
        pixels, voxels = self.detector_shape[0], self.line_length
        if scale == 1.0 and offset == 0.0 and pixels == voxels:
            return None
        if self.spec.driven == "ray":
            index, weight = linear_weights(scale * np.arange(pixels) + offset, voxels)
            return sparse_rows(index, weight, voxels).astype(self.spec.dtype)
        index, weight = linear_weights((np.arange(voxels) - offset) / scale, pixels)
        return sparse_rows(index, weight, pixels).astype(self.spec.dtype).T.tocsr()
