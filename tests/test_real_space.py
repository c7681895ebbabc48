import numpy as np
import pytest
from helpers import ANY_ROTATION, SAMPLING, SINGLE_AXIS, relative_error
from scipy.spatial.transform import Rotation

from libtilt import Projector
from libtilt.backends import SparseBackend
from libtilt.errors import UnsupportedSpecError
from libtilt.real_space import backproject, project
from libtilt.testing.reference import adjoint_by_voxels, forward_by_rays

RNG = np.random.default_rng(6)


def spec_of(geometry, volume_shape, image_shape, driven):
    projector = Projector(
        geometry, volume_shape=volume_shape, image_shape=image_shape, driven=driven
    )
    return projector.spec("float64")


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, ANY_ROTATION])
def test_project_is_the_literal_sum_along_rays(geometry):
    volume = RNG.normal(size=(7, 8, 9))
    images = project(volume, geometry.rotation_matrices, backend="scipy")
    spec = spec_of(geometry.evolve(shifts=0.0), (7, 8, 9), (8, 9), "ray")
    assert type(images) is np.ndarray
    assert relative_error(images, forward_by_rays(spec, volume)) < 1e-12


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, ANY_ROTATION])
def test_backproject_is_the_literal_sum_over_projected_voxels(geometry):
    images = RNG.normal(size=(5, 8, 9))
    volume = backproject(images, geometry.rotation_matrices, (7, 6, 10), backend="scipy")
    spec = spec_of(geometry.evolve(shifts=0.0), (7, 6, 10), (8, 9), "voxel")
    assert type(volume) is np.ndarray
    assert relative_error(volume, adjoint_by_voxels(spec, images)) < 1e-12


@pytest.mark.parametrize("backend", [*SAMPLING, "scipy", SparseBackend])
def test_every_backend_can_be_selected(backend):
    volume = np.ones((3, 4, 5), np.float32)
    images = project(volume, np.eye(3), backend=backend)
    assert images.dtype == np.float32
    assert np.allclose(images, 3, atol=1e-5)
    assert backproject(images, np.eye(3), (3, 4, 5), backend=backend).shape == (3, 4, 5)


def test_a_backend_without_support_for_the_rotations_raises():
    matrices = ANY_ROTATION.rotation_matrices
    with pytest.raises(UnsupportedSpecError, match="backend='scipy' or backend='auto'"):
        project(np.ones((3, 4, 5)), matrices, backend="sparse")
    with pytest.raises(UnsupportedSpecError, match="backend='scipy' or backend='auto'"):
        backproject(np.ones((5, 4, 5)), matrices, (3, 4, 5), backend="sparse")


def test_rotations_and_single_matrices_are_accepted():
    volume = RNG.normal(size=(5, 5, 5))
    rotation = Rotation.from_euler("y", 30, degrees=True)
    assert np.array_equal(project(volume, rotation), project(volume, rotation.as_matrix()))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: project(np.ones((4, 4)), np.eye(3)), ValueError, "volume must have 3 dimensions"),
        (lambda: project(np.full((2, 2, 2), np.nan), np.eye(3)), ValueError, "has 8 NaN"),
        (lambda: project(np.ones((2, 2, 2)) * 1j, np.eye(3)), TypeError, "real numbers"),
        (lambda: project(np.ones((2, 2, 2)), -np.eye(3)), ValueError, r"\[0\] is not a rotation"),
        (
            lambda: backproject(np.ones((2, 4, 4)), np.eye(3), (4, 4, 4)),
            ValueError,
            "one image per tilt: expected 1, got 2",
        ),
        (
            lambda: backproject(np.ones((1, 4, 4)), np.eye(3), (4, 4)),
            ValueError,
            "volume_shape must be 3 positive integers",
        ),
    ],
)
def test_invalid_arguments_raise(call, error, message):
    with pytest.raises(error, match=message):
        call()
