"""Matrices from voxel to pixel index, and the geometries that they are."""

import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from libtilt import TiltGeometry
from libtilt.alignment.matrices import geometry_from_matrices, has_magnification
from libtilt.alignment.sizes import KnownSizes

SIZES = KnownSizes(stack_shape=(99, 6, 7), volume_shape=(5, 6, 7), voxel_size=2.0, pixel_size=2.0)


@quick
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 9))
def test_any_matrices_are_split_and_put_together_again(seed, height, width):
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(4, random_state=seed).as_matrix()[:, :2]
    matrices = np.concatenate([rotation, rng.normal(size=(4, 2, 1)) * 50], axis=2)
    matrices[:, :, :3] = (np.eye(2) + rng.normal(size=(4, 2, 2)) * 0.1) @ matrices[:, :, :3]
    sizes = {"volume_shape": (5, height, width), "voxel_size": 3.0, "pixel_size": 1.5}
    known = KnownSizes(stack_shape=(4, width, height), **sizes)
    geometry = geometry_from_matrices(matrices, known)
    again = geometry.projection_matrices(image_shape=(width, height), **sizes)[:, :2]
    assert np.abs(again - matrices).max() < 1e-11
    m = geometry.magnifications
    assert np.abs(m - m.transpose(0, 2, 1)).max() < 1e-12


def test_a_plain_rotation_has_no_magnification():
    matrices = Rotation.random(5, random_state=2).as_matrix()[:, :2]
    matrices = np.concatenate([matrices, np.zeros((5, 2, 1))], axis=2)
    geometry = geometry_from_matrices(matrices, SIZES)
    assert not has_magnification(geometry)
    matrices[3, 1] = 0.0
    with pytest.raises(
        ValueError, match="matrix of tilt 3 is singular, it maps the specimen to a line"
    ):
        geometry_from_matrices(matrices, SIZES)


@pytest.mark.parametrize("scale", [0.5, 1, 2, 3])
def test_rotations_are_plain_whatever_their_bits_and_whole_scales_are_kept(scale):
    rotations = Rotation.random(99, random_state=5).as_matrix()[:, :2]
    matrices = np.concatenate([scale * rotations, np.zeros((99, 2, 1))], axis=2)
    geometry = geometry_from_matrices(matrices, SIZES)
    assert has_magnification(geometry) == (scale != 1)
    assert np.allclose(geometry.magnifications, scale * np.eye(2), atol=1e-12)


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_matrices_of_another_scale_are_magnifications(factor):
    plain = TiltGeometry.from_tilt_angles([0, 3])
    assert not has_magnification(plain)
    assert has_magnification(plain.evolve(magnifications=np.tile(factor * np.eye(2), (2, 1, 1))))
