"""The conventions in plain NumPy: slow, and easy to verify by reading."""

from __future__ import annotations

import itertools

import numpy as np

from libtilt.backends.base import SamplingSpec
from libtilt.backends.rays import depth_range
from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import invert_affine


def interpolate(array: Float64Array, positions: Float64Array) -> Float64Array:
    """Return the multilinear interpolant of `array` at index positions, zero outside.

    The last axis of `positions` runs over the axes of `array`.
    """
    first = np.floor(positions).astype(int)
    total = np.zeros(positions.shape[:-1])
    for corner in itertools.product((0, 1), repeat=array.ndim):
        index = first + corner
        inside = ((index >= 0) & (index < array.shape)).all(axis=-1)
        weight = np.prod(1 - np.abs(positions - index), axis=-1)
        value = array[tuple(np.where(inside, i, 0) for i in np.moveaxis(index, -1, 0))]
        total += np.where(inside, weight * value, 0.0)
    return total


def forward_by_rays(spec: SamplingSpec, volume: Float64Array) -> Float64Array:
    """Return for each pixel the sum over depths k of the volume at ``grid @ (u, v, k, 1)``."""
    images = np.zeros(spec.images_shape)
    v, u = np.indices(spec.image_shape)
    for i, grid in enumerate(spec.grids):
        for k in depth_range(grid, spec.volume_shape, 1.0):
            pixels = np.stack([u, v, np.full_like(u, k), np.ones_like(u)], axis=-1)
            xyz = pixels @ grid.T
            images[i] += interpolate(volume, xyz[..., ::-1])
    return images


def adjoint_by_voxels(spec: SamplingSpec, images: Float64Array) -> Float64Array:
    """Return for each voxel the sum over tilts of the image value at its projection."""
    volume = np.zeros(spec.volume_shape)
    z, y, x = np.indices(spec.volume_shape)
    voxels = np.stack([x, y, z, np.ones_like(x)], axis=-1)
    for image, inverse in zip(images, invert_affine(spec.grids), strict=True):
        uv = (voxels @ inverse.T)[..., :2]
        volume += interpolate(image, uv[..., ::-1])
    return volume
