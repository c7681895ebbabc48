"""CGLS against SciPy's LSQR, and its residuals."""

import numpy as np
import pytest
from helpers import BLOBS, relative_error
from numpy.testing import assert_allclose
from scipy.sparse.linalg import lsqr

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.reconstruction import cgls, sirt

SHAPE = (9, 12, 14)
GEOMETRY = TiltGeometry.from_tilt_angles(
    [-60, -35, -10, 5, 33, 58], tilt_axis_angle=11, shifts=np.arange(12).reshape(6, 2) / 7
)
PROJECTOR = Projector(GEOMETRY, volume_shape=SHAPE, voxel_size=1.0, image_shape=(13, 15))


def series(dtype="float64", geometry=GEOMETRY):
    return BLOBS.tilt_series(geometry, (13, 15)).astype(dtype)


def true_residual(volume):
    images = series().images
    return np.linalg.norm(images - PROJECTOR.forward(volume).images) / np.linalg.norm(images)


@pytest.mark.parametrize("damping", [0.0, 2.5])
@pytest.mark.parametrize("iterations", [1, 4, 9])
def test_cgls_agrees_with_lsqr(iterations, damping):
    result = cgls(series(), projector=PROJECTOR, iterations=iterations, damping=damping, margin=0)
    operator, images = PROJECTOR.linear_operator("float64"), series().images.ravel()
    expected = lsqr(operator, images, damp=damping, iter_lim=iterations, atol=0, btol=0)[0]
    assert relative_error(result.volume.data.ravel(), expected) < 1e-8
    assert_allclose(result.residuals[-1], true_residual(result.volume), rtol=1e-9)


def test_ten_iterations_of_cgls_match_fifty_of_sirt():
    blobs = GaussianBlobs.random((32, 32, 32), n=10, seed=4, sigmas=(2, 4))
    geometry = TiltGeometry.from_tilt_angles(np.linspace(-90, 90, 90))
    images = blobs.tilt_series(geometry, (32, 32))
    slow = sirt(images, volume_shape=(32, 32, 32), iterations=50)
    fast = cgls(images, volume_shape=(32, 32, 32), iterations=10)
    assert fast.residuals[-1] < slow.residuals[-1]


def test_cgls_stops_at_its_tolerance():
    result = cgls(series(), projector=PROJECTOR, iterations=2000, tolerance=1e-2)
    assert result.stop_reason == "tolerance"
    assert result.iterations < 200


def test_cgls_continues_from_its_start():
    truth = np.random.default_rng(0).random(SHAPE)
    images = PROJECTOR.forward(truth)
    near = cgls(images, projector=PROJECTOR, iterations=1, start=truth + 1e-3, margin=0)
    assert near.residuals[0] < 1e-2
    assert near.residuals[1] < near.residuals[0]
    there = cgls(images, projector=PROJECTOR, iterations=5, start=truth, tolerance=0.5, margin=0)
    assert_allclose(there.volume.data, truth, atol=1e-10)
