"""The plan of the numba backend for any grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Plan, SamplingSpec
from libtilt.backends.numba.kernels.rays import PADDING, PIXELS, backproject_rays, project_rays
from libtilt.backends.numba.kernels.voxels import backproject_voxels, project_voxels
from libtilt.backends.threads import run_all
from libtilt.geometry.affine import invert_affine

_SLABS = 16
_FEWEST_PLANES, _MOST_PLANES = 4, 24


class ExactPlan(Plan):
    """Trilinear samples along rays, bilinear ones at voxels, and their transposes."""

    def __init__(self, spec: SamplingSpec, threads: int | None) -> None:
        self._spec, self._threads = spec, threads

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: samples summed along each ray, or voxels splatted onto the images."""
        spec = self._spec
        if spec.driven == "voxel":
            return self._splat(volume)
        images = np.empty(spec.images_shape, spec.dtype)
        padded = np.pad(volume, PADDING)
        pieces = (
            (tilt, top)
            for tilt in range(len(images))
            for top in range(0, spec.image_shape[0], PIXELS)
        )

        def project(piece: tuple[int, int]) -> None:
            tilt, top = piece
            project_rays(spec.grids[tilt], padded, top, images[tilt])

        run_all(project, pieces, self._threads)
        return images

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject: images spread along each ray, or sampled at each voxel."""
        spec = self._spec
        volume = np.empty(spec.volume_shape, spec.dtype)
        if spec.driven == "voxel":
            padded, inverse = np.pad(images, ((0, 0), (1, 1), (1, 1))), invert_affine(spec.grids)

            def sample(z: int) -> None:
                backproject_voxels(inverse, padded, z, volume)

            run_all(sample, range(len(volume)), self._threads)
            return volume
        planes = min(max(-(-len(volume) // _SLABS), _FEWEST_PLANES), _MOST_PLANES)

        def spread(top: int) -> None:
            backproject_rays(spec.grids, images, top, volume, planes)

        run_all(spread, range(0, len(volume), planes), self._threads)
        return volume

    def _splat(self, volume: NDArray[Any]) -> NDArray[Any]:
        spec = self._spec
        height, width = spec.image_shape
        images = np.empty(spec.images_shape, spec.dtype)
        inverse = invert_affine(spec.grids)

        def splat(tilt: int) -> None:
            padded = np.empty((height + 2, width + 2), spec.dtype)
            project_voxels(inverse[tilt], volume, padded)
            images[tilt] = padded[1:-1, 1:-1]

        run_all(splat, range(len(images)), self._threads)
        return images
