"""Stacks of affine matrices."""

import numpy as np

from libtilt.geometry.affine import affine_about


def test_affine_about_maps_a_point_to_its_image():
    linear, image = np.array([np.eye(2), [[0.0, -2.0], [1.0, 0.0]]]), np.array([4.0, 5.0])
    matrices = affine_about(linear, np.array([1.0, 2.0]), image)
    assert matrices.tolist() == [[[1, 0, 3], [0, 1, 3]], [[0, -2, 8], [1, 0, 4]]]
    assert np.allclose(matrices @ [1.0, 2.0, 1.0], image)
