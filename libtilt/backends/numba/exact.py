"""The plan of the numba backend for any grids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Plan, SamplingSpec
from libtilt.backends.numba.kernels.bilinear_voxels import backproject_voxels, project_voxels
from libtilt.backends.numba.kernels.compiled import as_writable
from libtilt.backends.numba.kernels.trilinear_rays import (
    PADDING,
    SQUARE_RAYS,
    SQUARE_SIDE,
    clip_rays,
    spread_rays,
    sum_rays,
)
from libtilt.backends.numba.vector_unit import select_unit
from libtilt.backends.threads import run_all
from libtilt.geometry.affine import invert_affine

_SLABS = 16
_MIN_PLANES, _MAX_PLANES = 4, 24


class ExactPlan(Plan):
    """Trilinear samples along rays or bilinear samples at voxels, and their transposes."""

    def __init__(self, spec: SamplingSpec, threads: int | None) -> None:
        self._spec, self._grids, self._threads = spec, as_writable(spec.grids), threads
        self._sum_unit = self._spread_unit = None
        if spec.driven == "ray":
            self._sum_unit = select_unit(sum_rays, _example_of_sums, spec.dtype)
            self._spread_unit = select_unit(spread_rays, _example_of_spreads, spec.dtype)

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: sum samples along each ray, or splat voxels onto the images."""
        spec = self._spec
        if spec.driven == "voxel":
            return self._splat(volume)
        images = np.empty(spec.images_shape, spec.dtype)
        padded = np.pad(volume, PADDING)
        strides = padded.shape[2], padded.shape[1] * padded.shape[2]
        pieces = (
            (tilt, top)
            for tilt in range(len(images))
            for top in range(0, spec.image_shape[0], SQUARE_SIDE)
        )

        def project(piece: tuple[int, int]) -> None:
            tilt, top = piece
            grid, sums = self._grids[tilt], np.empty(SQUARE_RAYS, spec.dtype)
            rays = _allocate_rays(spec.image_shape)
            clip_rays(grid, spec.image_shape, top, 0, _box(padded), *rays)
            step, image = tuple(grid[:, 2]), images[tilt].reshape(-1)
            sum_rays(self._sum_unit, padded.reshape(-1), strides, step, rays, sums, image)

        run_all(project, pieces, self._threads)
        return images

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject: spread images along each ray, or sample them at each voxel."""
        spec = self._spec
        volume = np.empty(spec.volume_shape, spec.dtype)
        if spec.driven == "voxel":
            padded, inverse = np.pad(images, ((0, 0), (1, 1), (1, 1))), invert_affine(spec.grids)

            def sample(z: int) -> None:
                backproject_voxels(inverse, padded, z, volume)

            run_all(sample, range(len(volume)), self._threads)
            return volume
        planes = min(max(-(-len(volume) // _SLABS), _MIN_PLANES), _MAX_PLANES)
        images = as_writable(images)

        def spread(top: int) -> None:
            self._spread(images, top, volume[top : top + planes])

        run_all(spread, range(0, len(volume), planes), self._threads)
        return volume

    def _spread(self, images: NDArray[Any], plane: int, part: NDArray[Any]) -> None:
        """Backproject into planes of the volume, from `plane` on.

        Samples near the first and the last plane also touch neighbors outside, computed in
        padding planes that are discarded.
        """
        spec = self._spec
        slab = np.zeros([n + 2 * PADDING for n in part.shape], spec.dtype)
        strides = slab.shape[2], slab.shape[1] * slab.shape[2]
        rays = _allocate_rays(spec.image_shape)
        for grid, image in zip(self._grids, images, strict=True):
            step = tuple(grid[:, 2])
            for top in range(0, spec.image_shape[0], SQUARE_SIDE):
                clip_rays(grid, spec.image_shape, top, plane, _box(slab), *rays)
                spread_rays(
                    self._spread_unit, slab.reshape(-1), strides, step, rays, image.reshape(-1)
                )
        part[:] = slab[PADDING:-PADDING, PADDING:-PADDING, PADDING:-PADDING]

    def _splat(self, volume: NDArray[Any]) -> NDArray[Any]:
        spec = self._spec
        height, width = spec.image_shape
        images = np.empty(spec.images_shape, spec.dtype)
        inverse, volume = invert_affine(spec.grids), as_writable(volume)

        def splat(tilt: int) -> None:
            padded = np.zeros((height + 2, width + 2), spec.dtype)
            project_voxels(inverse[tilt], volume, padded)
            images[tilt] = padded[1:-1, 1:-1]

        run_all(splat, range(len(images)), self._threads)
        return images


def _box(padded: NDArray[Any]) -> tuple[float, ...]:
    """Return width, height and depth of a padded volume without its padding."""
    return tuple(float(n - 2 * PADDING) for n in reversed(padded.shape))


def _allocate_rays(image_shape: tuple[int, ...]) -> tuple[NDArray[Any], ...]:
    """Return memory for starts, ends and pixels of the rays of a row of squares."""
    count = -(-image_shape[1] // SQUARE_SIDE) * SQUARE_RAYS
    return np.empty((count, 3)), np.empty((count, 2), np.int64), np.empty(count, np.int64)


def _example_of_spreads(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Return arguments for `spread_rays`: two rays through a small volume."""
    volume = np.sqrt(np.arange(6 * 7 * 8, dtype=dtype))
    starts = np.array([[1.25, 2.5, 1.75], [3.0, 1.125, 0.5]])
    rays = starts, np.array([[0, 4], [1, 3]]), np.array([1, 0])
    return volume, (8, 56), (0.625, 0.25, 0.5), rays, np.array([0.5, 2.0], dtype)


def _example_of_sums(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Return arguments for `sum_rays`: the same rays, in a square without other rays."""
    volume, strides, step, some, image = _example_of_spreads(dtype)
    rays = tuple(np.full((SQUARE_RAYS, *part.shape[1:]), -1, part.dtype) for part in some)
    for square, part in zip(rays, some, strict=True):
        square[: len(part)] = part
    rays[1][len(some[1]) :] = 0, -1
    return volume, strides, step, rays, np.empty(SQUARE_RAYS, dtype), image
