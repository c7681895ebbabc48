import numpy as np
import pytest
from helpers import ANY_ROTATION, SINGLE_AXIS

from libtilt import ImageGrid, VolumeGrid
from libtilt.geometry import sampling
from libtilt.geometry.affine import invert_affine, to_homogeneous

VOXEL = np.array([1.5, 0.8, 1.1])
IMAGES = ImageGrid((10, 9), pixel_size=1.25)


def make(geometry, center=(0.0, 0.0, 0.0)):
    return sampling.sampling_grids(
        geometry.rotation_matrices,
        geometry.shifts,
        geometry.magnifications,
        VolumeGrid((7, 8, 9), VOXEL, center),
        IMAGES,
    )


def test_the_center_is_half_of_the_shape_rounded_down_x_first():
    assert sampling.center_xyz((4, 5, 1)).tolist() == [0, 2, 2]
    assert sampling.center_xyz((6, 7)).tolist() == [3, 3]


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, ANY_ROTATION])
def test_a_grid_is_the_rotation_in_angstroms_about_the_centers(geometry):
    u, v, k = 2.0, 7.0, -3.0
    steps = sampling.depth_steps(geometry.rotation_matrices, VOXEL)
    for grid, matrix, shift, step in zip(
        make(geometry), geometry.rotation_matrices, geometry.shifts, steps, strict=True
    ):
        on_detector = [(u - 4) * 1.25 - shift[0], (v - 5) * 1.25 - shift[1], k * step]
        expected = np.array([4, 4, 3]) + matrix @ on_detector / VOXEL
        assert np.allclose(grid @ [u, v, k, 1], expected, atol=1e-12)


def test_one_depth_step_moves_by_one_voxel():
    for geometry in (SINGLE_AXIS, ANY_ROTATION):
        assert np.allclose(np.linalg.norm(make(geometry)[:, :, 2], axis=1), 1, atol=1e-12)


def test_a_depth_step_along_an_axis_is_the_voxel_size_of_that_axis():
    matrices = np.stack([np.eye(3)[[1, 2, 0]], np.eye(3)[[2, 0, 1]], np.eye(3)])
    assert sampling.depth_steps(matrices, VOXEL).tolist() == pytest.approx([0.8, 1.5, 1.1])


def test_with_equal_voxels_every_depth_step_is_the_voxel_size():
    assert sampling.depth_steps(ANY_ROTATION.rotation_matrices, 2.5) == pytest.approx(2.5)


def test_inverse_affine_matrices_undo_sampling_grids():
    made = make(ANY_ROTATION)
    there_and_back = to_homogeneous(invert_affine(made)) @ to_homogeneous(made)
    assert np.allclose(there_and_back, np.eye(4), atol=1e-12)


def test_to_homogeneous_adds_the_last_row():
    square = to_homogeneous(make(SINGLE_AXIS))
    assert np.array_equal(square[:, :3], make(SINGLE_AXIS))
    assert (square[:, 3] == [0, 0, 0, 1]).all()


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, ANY_ROTATION])
def test_a_volume_elsewhere_is_an_offset_in_the_last_column(geometry):
    center = np.array([2.5, -4.0, 1.1])
    centerd, moved = make(geometry), make(geometry, center)
    assert np.array_equal(moved[:, :, :3], centerd[:, :, :3])
    assert np.allclose(moved[:, :, 3], centerd[:, :, 3] - center / VOXEL, atol=1e-12)


@pytest.mark.parametrize("driven", ["ray", "voxel"])
@pytest.mark.parametrize("size", [1.0, 2.5])
def test_image_scales_are_1_for_cubic_voxels_of_the_pixel_size(driven, size):
    scales = sampling.image_scales(
        ANY_ROTATION.rotation_matrices, VolumeGrid((4, 4, 4), size), ImageGrid((5, 5), size), driven
    )
    assert np.allclose(scales, 1.0, rtol=0, atol=1e-12)


def test_a_sample_along_a_ray_weighs_its_step_over_the_pixel_size():
    matrices = np.stack([np.eye(3)[[1, 2, 0]], np.eye(3)[[2, 0, 1]], np.eye(3)])
    scales = sampling.image_scales(matrices, VolumeGrid((4, 4, 4), VOXEL), IMAGES, "ray")
    assert scales.tolist() == pytest.approx([0.8 / 1.25, 1.5 / 1.25, 1.1 / 1.25])


def test_a_voxel_weighs_its_volume_over_that_of_a_cube_of_the_pixel_size():
    matrices = ANY_ROTATION.rotation_matrices
    scales = sampling.image_scales(matrices, VolumeGrid((4, 4, 4), VOXEL), IMAGES, "voxel")
    assert scales.tolist() == pytest.approx([1.5 * 0.8 * 1.1 / 1.25**3] * len(matrices))
