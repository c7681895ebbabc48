import numpy as np
import pytest
from helpers import ANY_ROTATION, SINGLE_AXIS

from libtilt.geometry import ImageGrid, VolumeGrid
from libtilt.geometry import sampling as grids

VOXEL = np.array([1.5, 0.8, 1.1])
SHAPES = ((7, 8, 9), (10, 9))
CENTER = np.array([2.0, -1.0, 0.5])


def make(geometry, voxel_size=VOXEL, pixel_size=1.25):
    return grids.sampling_grids(
        geometry.rotation_matrices,
        geometry.shifts,
        geometry.magnifications,
        VolumeGrid(SHAPES[0], voxel_size, CENTER),
        ImageGrid(SHAPES[1], pixel_size),
    )


def test_the_centre_is_half_of_the_shape_rounded_down_x_first():
    assert grids.centre_xyz((4, 5, 1)).tolist() == [0, 2, 2]
    assert grids.centre_xyz((6, 7)).tolist() == [3, 3]


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, ANY_ROTATION])
def test_a_grid_is_the_rotation_in_angstroms_about_the_centres(geometry):
    u, v, k = 2.0, 7.0, -3.0
    steps = grids.depth_steps(geometry.rotation_matrices, VOXEL)
    for grid, matrix, shift, step in zip(
        make(geometry), geometry.rotation_matrices, geometry.shifts, steps, strict=True
    ):
        on_detector = [(u - 4) * 1.25 - shift[0], (v - 5) * 1.25 - shift[1], k * step]
        expected = np.array([4, 4, 3]) + (matrix @ on_detector - CENTER) / VOXEL
        assert np.allclose(grid @ [u, v, k, 1], expected, atol=1e-12)


def test_one_depth_step_moves_by_one_voxel():
    for geometry in (SINGLE_AXIS, ANY_ROTATION):
        assert np.allclose(np.linalg.norm(make(geometry)[:, :, 2], axis=1), 1, atol=1e-12)


def test_a_depth_step_along_an_axis_is_the_voxel_size_of_that_axis():
    matrices = np.stack([np.eye(3)[[1, 2, 0]], np.eye(3)[[2, 0, 1]], np.eye(3)])
    assert grids.depth_steps(matrices, VOXEL).tolist() == pytest.approx([0.8, 1.5, 1.1])


def test_with_equal_voxels_every_depth_step_is_the_voxel_size():
    assert grids.depth_steps(ANY_ROTATION.rotation_matrices, 2.5) == pytest.approx(2.5)


def test_inverse_grids_undo_grids():
    made = make(ANY_ROTATION)
    there_and_back = grids.homogeneous(grids.inverse_grids(made)) @ grids.homogeneous(made)
    assert np.allclose(there_and_back, np.eye(4), atol=1e-12)


def test_homogeneous_adds_the_last_row():
    square = grids.homogeneous(make(SINGLE_AXIS))
    assert np.array_equal(square[:, :3], make(SINGLE_AXIS))
    assert (square[:, 3] == [0, 0, 0, 1]).all()
