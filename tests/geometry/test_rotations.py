import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from libtilt.geometry import rotations

ANGLES = np.array([-180.0, -90, -33.3, 0, 12, 90, 180, 270])


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_axis_rotations_turn_as_scipy_does(axis):
    expected = Rotation.from_euler(axis, ANGLES[:, None], degrees=True).as_matrix()
    assert np.allclose(rotations.axis_rotations(axis, ANGLES), expected, atol=1e-15)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_right_angles_are_exact(axis):
    matrices = rotations.axis_rotations(axis, np.array([-180.0, -90, 0, 90, 180, 270, 360]))
    assert set(np.unique(matrices)) <= {-1.0, 0.0, 1.0}


def test_specimen_to_detector_is_rz_ry_rx():
    z, y, x = np.array([20.0, 85]), np.array([-40.0, 100]), np.array([3.0, -7])
    about_z, about_y, about_x = (
        Rotation.from_euler(axis, angles[:, None], degrees=True)
        for axis, angles in (("z", z), ("y", y), ("x", x))
    )
    expected = (about_z * about_y * about_x).as_matrix()
    assert np.allclose(rotations.specimen_to_detector(z, y, x), expected, atol=1e-15)


@quick
@given(st.integers(0, 2**32 - 1))
def test_decomposed_angles_compose_the_same_rotation(seed):
    matrices = Rotation.random(20, random_state=seed).as_matrix()
    z, y, x = rotations.decompose_zyx(matrices)
    assert np.allclose(rotations.specimen_to_detector(z, y, x), matrices, atol=1e-13)
    assert (np.abs(x) <= 90).all()


@pytest.mark.parametrize("y", [90.0, -90.0])
def test_at_gimbal_lock_x_is_zero_and_the_rotation_is_kept(y):
    tilts = np.array([y, y])
    matrices = rotations.specimen_to_detector(np.array([20.0, -150]), tilts, np.array([35.0, 0]))
    z, read, x = rotations.decompose_zyx(matrices)
    assert np.allclose(read, y)
    assert x.tolist() == [0, 0]
    assert np.allclose(rotations.specimen_to_detector(z, read, x), matrices, atol=1e-13)


@pytest.mark.parametrize("y", [90.0, -90.0])
def test_gimbal_lock_is_seen_through_rounding(y):
    matrices = Rotation.from_euler("ZYX", [[20, y, 35], [-130, y, -60]], degrees=True).as_matrix()
    z, read, x = rotations.decompose_zyx(matrices)
    assert x.tolist() == [0, 0]
    assert np.allclose(rotations.specimen_to_detector(z, read, x), matrices, atol=1e-8)


@pytest.mark.parametrize("angle", [180.5, 179.5, -179.5, -180.5, 359.5, -0.5])
def test_angles_wrap_at_half_a_turn_and_nowhere_else(angle):
    wrapped = (angle + 180) % 360 - 180
    zero = np.zeros(1)
    for x in (0.0, 40.0):
        tilted = rotations.specimen_to_detector(np.array([angle]), zero, np.array([x]))
        assert np.allclose(rotations.decompose_zyx(tilted), [[wrapped], [0], [x]], atol=1e-12)
        # Beyond a quarter turn about y: z comes from beyond half a turn.
        beyond = rotations.specimen_to_detector(np.array([angle]), zero + 120, np.array([x]))
        assert np.allclose(rotations.decompose_zyx(beyond), [[wrapped], [120], [x]], atol=1e-12)


def test_angles_lie_in_the_half_open_turn_without_negative_zeros():
    angles = np.array([-180.0, -0.0, 180.0])
    zeros = np.zeros(3)
    z, y, x = rotations.decompose_zyx(rotations.specimen_to_detector(angles, zeros, zeros))
    assert z.tolist() == [180, 0, 180]
    assert not np.signbit([z[1], *y, *x]).any()


def test_a_rotation_a_matrix_and_a_stack_become_a_stack():
    single = Rotation.from_euler("xyz", [10, 20, 30], degrees=True)
    expected = single.as_matrix()
    for given_as in (single, Rotation.concatenate([single]), expected, expected[None]):
        stack = rotations.as_rotation_matrices(given_as, "rotations")
        assert stack.shape == (1, 3, 3)
        assert np.allclose(stack[0], expected)


@pytest.mark.parametrize("shape", [(3,), (0, 3, 3), (2, 3, 4), (2, 2), (1, 2, 3, 3), (0,), ()])
def test_matrices_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"rotations must have shape \(n, 3, 3\) with n >= 1"):
        rotations.as_rotation_matrices(np.zeros(shape), "rotations")


def test_a_rotation_within_the_tolerance_passes_and_one_beyond_is_named():
    matrices = np.tile(np.eye(3), (3, 1, 1))
    matrices[1, 0, 1] = 0.9 * rotations.TOLERANCE
    rotations.require_rotations(matrices, "matrices")
    matrices[1, 0, 1] = 1.1 * rotations.TOLERANCE
    with pytest.raises(ValueError, match=r"matrices\[1\] .* the identity by 1.1e-06, more than"):
        rotations.require_rotations(matrices, "matrices")


def test_a_one_letter_sequence_takes_one_angle():
    assert rotations.euler_rotations("z", 30, degrees=True).as_matrix().shape == (3, 3)
