"""`Turntable`: rotation of a volume about x or y, in pictures large enough for every angle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from libtilt.backends import SamplingSpec, SparseBackend
from libtilt.errors.checks import Float64Array, floating_dtype, require_result
from libtilt.geometry import ImageGrid, TiltGeometry
from libtilt.geometry.sampling import image_scales, sampling_grids
from libtilt.volume import Volume


@attrs.frozen(eq=False)
class Turntable:
    """A binned volume centered on its rotation `axis`, "y" or "x".

    `grid` is the grid of the pictures, and `depth` the number of their pixels along the beam; at
    every angle they hold the whole volume.
    """

    volume: Volume
    axis: str
    grid: ImageGrid
    depth: int

    @classmethod
    def from_volume(cls, volume: Volume, axis: str, *, least_side: int = 1) -> Turntable:
        """Bin a volume to about 256 voxels along its longest side.

        If that side has fewer voxels than `least_side`, pixels are smaller than voxels.
        """
        # The volume turns about its own center.
        small, wanted = _bin_to_size(volume.evolve(center=(0.0, 0.0, 0.0)))
        small = small.evolve(center=(0.0, 0.0, 0.0))
        depth, height, width = np.array(small.shape) * small.voxel_size[::-1]
        pixel = wanted / math.ceil(least_side / max(small.shape))
        diagonal = math.hypot(depth, width if axis == "y" else height)
        sides = (height, diagonal) if axis == "y" else (diagonal, width)
        shape = (math.ceil(sides[0] / pixel), math.ceil(sides[1] / pixel))
        return cls(small, axis, ImageGrid(shape, pixel), math.ceil(diagonal / pixel))

    def geometry(self, angles: Float64Array) -> TiltGeometry:
        """Return the geometry of rotations by `angles`, in the sense of positive tilts."""
        angles = (angles + 180) % 360 - 180
        if self.axis == "y":
            return TiltGeometry.from_tilt_angles(angles)
        return TiltGeometry.from_tilt_angles(0 * angles, x_tilts=angles)

    def project(self, angles: Float64Array) -> NDArray[Any]:
        """Return line integrals over the pixel size, `(n, h, w)`."""
        geometry, volume = self.geometry(angles), self.volume
        rotations = geometry.rotation_matrices
        spec = SamplingSpec(
            grids=sampling_grids(
                rotations, geometry.shifts, geometry.magnifications, volume.grid, self.grid
            ),
            volume_shape=volume.shape,
            image_shape=self.grid.shape,
            dtype=floating_dtype(volume.dtype),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            # The sparse backend shares one matrix among all planes, and compiles no kernels.
            images = SparseBackend().forward(
                spec, np.ascontiguousarray(volume.data, dtype=spec.dtype)
            )
            scales = image_scales(rotations, volume.grid, self.grid, "ray")
            images *= scales.astype(images.dtype)[:, np.newaxis, np.newaxis]
        require_result(images, "the projections")
        return images

    def rotate(self, data: NDArray[Any], angles: Float64Array) -> Iterator[NDArray[Any]]:
        """Yield rotated data in the frame of each picture: float32, `(depth, h, w)`.

        Every plane perpendicular to the axis rotates alike, so each rotation is one sparse matrix
        of bilinear weights shared by all planes.
        """
        across = 0 if self.axis == "y" else 1
        voxel_size, pixel = self.volume.voxel_size, self.grid.pixel_size
        # Rows are the points of a plane (z and the other axis), columns are the planes.
        planes = np.moveaxis(data.astype(np.float32, copy=False), 1 + across, 2)
        shape, count = planes.shape[:2], planes.shape[2]
        flat = np.ascontiguousarray(planes).reshape(-1, count)
        sides = (self.depth, self.grid.shape[1 - across])
        along = _resampling(count, self.grid.shape[across], voxel_size[1 - across] / pixel)
        if along is not None:
            flat = np.ascontiguousarray((along @ flat.T).T)
        k, a = (np.arange(side) - side // 2 for side in sides)
        for matrix in self.geometry(angles).rotation_matrices:
            (aa, az), (za, zz) = matrix[np.ix_((across, 2), (across, 2))]
            z = (za * a + zz * k[:, np.newaxis]) * pixel / voxel_size[2] + shape[0] // 2
            other = (aa * a + az * k[:, np.newaxis]) * pixel / voxel_size[across] + shape[1] // 2
            turned = (_bilinear(z.ravel(), other.ravel(), shape) @ flat).reshape(*sides, -1)
            yield turned.transpose(0, 2, 1) if self.axis == "y" else turned


def _bin_to_size(volume: Volume) -> tuple[Volume, float]:
    """Return a volume binned to about 256 voxels at most per side, and the pixel size to use.

    The pixel size is the smallest voxel size, times the binning factor.
    """
    smallest = float(volume.voxel_size.min())
    factor = math.ceil((np.array(volume.shape) * volume.voxel_size[::-1]).max() / smallest / 256)
    if factor == 1:
        return volume, smallest
    # Axes with larger voxels are binned less.
    wanted = np.rint(factor * smallest / volume.voxel_size[::-1]).astype(int)
    factors = tuple(np.clip(wanted, 1, volume.shape).tolist())
    return volume.bin(factors), smallest * factor


def _bilinear(rows: Float64Array, columns: Float64Array, shape: tuple[int, int]) -> Any:
    """Return the sparse matrix that interpolates a plane at points, with zeros outside."""
    first = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    parts = rows - first[0], columns - first[1]
    points, cells, weights = [], [], []
    for down in (0, 1):
        for right in (0, 1):
            row, column = first[0] + down, first[1] + right
            inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
            weight = np.abs(1 - down - parts[0]) * np.abs(1 - right - parts[1])
            points.append(np.flatnonzero(inside))
            cells.append((row * shape[1] + column)[inside])
            weights.append(weight[inside].astype(np.float32))
    entries = (np.concatenate(weights), (np.concatenate(points), np.concatenate(cells)))
    return sparse.csr_matrix(entries, shape=(len(rows), shape[0] * shape[1]))


def _resampling(count: int, wanted: int, stretch: float) -> Any:
    """Return the matrix that resamples planes to the pixel spacing, or None if it is the same."""
    if wanted == count and abs(stretch - 1) < 1e-3:
        return None
    positions = (np.arange(wanted) - wanted // 2) / stretch + count // 2
    return _bilinear(positions, np.zeros(wanted), (count, 1))
