import numpy as np
import pytest
from helpers import ANY_ROTATION, SINGLE_AXIS, geometries, quick
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from libtilt import TiltGeometry
from libtilt.geometry.rotations import axis_rotations

SHAPES = {"volume_shape": (7, 8, 9), "image_shape": (10, 9)}
ANGLE = st.floats(-179.99, 180)


def turned(*tilts):
    return Rotation.from_euler("zyx", tilts, degrees=True).as_matrix()


@quick
@given(ANGLE, ANGLE, st.floats(-89, 89))
def test_angles_read_back_as_they_were_given(tilt, axis, x_tilt):
    assume(abs(np.cos(np.deg2rad(tilt))) > 1e-3)
    geometry = TiltGeometry.from_tilt_angles([tilt], tilt_axis_angle=axis, x_tilts=x_tilt)
    read = geometry.tilt_angles, geometry.tilt_axis_angles, geometry.x_tilts
    assert np.allclose(np.concatenate(read), [tilt, axis, x_tilt], rtol=0, atol=1e-9)


@pytest.mark.parametrize("tilt", [-90.0, 90.0])
@pytest.mark.parametrize("x_tilt", [0.0, 25.0])
def test_at_90_degrees_the_tilt_angle_and_the_rotation_are_kept(tilt, x_tilt):
    geometry = TiltGeometry.from_tilt_angles([tilt], tilt_axis_angle=30, x_tilts=x_tilt)
    assert geometry.tilt_angles == pytest.approx(tilt, abs=1e-6)
    again = TiltGeometry.from_tilt_angles(
        geometry.tilt_angles, tilt_axis_angle=geometry.tilt_axis_angles, x_tilts=geometry.x_tilts
    )
    assert np.allclose(again.rotation_matrices, geometry.rotation_matrices, atol=1e-8)


def test_without_x_tilt_the_axis_angle_reads_back_even_at_90_degrees():
    geometry = TiltGeometry.from_tilt_angles([90, -90, 0], tilt_axis_angle=[30, -85, 180])
    assert geometry.tilt_axis_angles.tolist() == pytest.approx([30, -85, 180])


def test_one_angle_per_tilt_or_one_for_all():
    one = TiltGeometry.from_tilt_angles([1, 2], tilt_axis_angle=5, x_tilts=3, shifts=(1, 2))
    each = TiltGeometry.from_tilt_angles(
        [1, 2], tilt_axis_angle=[5, 5], x_tilts=[3, 3], shifts=[[1, 2], [1, 2]]
    )
    assert one == each


def test_a_single_tilt_angle_makes_a_single_tilt():
    assert len(TiltGeometry.from_tilt_angles(30)) == 1


def test_from_rotations_takes_scipy_rotations_and_matrices_as_they_are():
    rotations = Rotation.random(4, random_state=1)
    expected = rotations.as_matrix()
    assert np.array_equal(TiltGeometry.from_rotations(rotations).rotation_matrices, expected)
    assert np.array_equal(TiltGeometry.from_rotations(expected).rotation_matrices, expected)
    assert np.array_equal(TiltGeometry(rotations).rotation_matrices, expected)


def test_from_rotations_takes_a_single_rotation_and_a_single_matrix():
    matrix = turned(10, 20, 30)
    for single in (Rotation.from_matrix(matrix), matrix):
        geometry = TiltGeometry.from_rotations(single, shifts=(1, 2))
        assert np.allclose(geometry.rotation_matrices, matrix[None])
        assert geometry.shifts.tolist() == [[1, 2]]


@pytest.mark.parametrize("angles", [[-30, 0, 60], [[-30], [0], [60]]])
def test_from_euler_takes_one_angle_per_tilt_for_one_letter(angles):
    geometry = TiltGeometry.from_euler("y", angles)
    expected = axis_rotations("y", np.array([-30.0, 0, 60]))
    assert np.allclose(geometry.rotation_matrices, expected, atol=1e-15)


def test_from_euler_takes_rows_of_angles_for_more_letters():
    angles = [[10, 20, 30], [40, 50, 60]]
    for seq in ("zyx", "ZYX", "zyz"):
        expected = Rotation.from_euler(seq, angles, degrees=True).as_matrix()
        made = TiltGeometry.from_euler(seq, angles, shifts=(0, 1))
        assert np.allclose(made.rotation_matrices, expected, atol=1e-15)
        assert made.shifts.tolist() == [[0, 1], [0, 1]]


def test_from_euler_takes_radians():
    degrees = TiltGeometry.from_euler("y", [-30, 60])
    radians = TiltGeometry.from_euler("y", np.deg2rad([-30, 60]), degrees=False)
    assert np.allclose(degrees.rotation_matrices, radians.rotation_matrices, atol=1e-15)


@pytest.mark.parametrize(("seq", "angles"), [("zyx", [10, 20]), ("w", [10]), ("zY", [[1, 2]])])
def test_from_euler_refuses_invalid_sequences_and_angles(seq, angles):
    with pytest.raises(ValueError, match=r"[Ee]xpected|angles|axes"):
        TiltGeometry.from_euler(seq, angles)


@quick
@given(geometries(), st.tuples(*[st.floats(0.5, 3)] * 3), st.floats(0.5, 3))
def test_projection_matrices_reproduce_their_geometry(geometry, voxels, pixel):
    spacings = SHAPES | {"voxel_size": voxels, "pixel_size": pixel}
    matrices = geometry.projection_matrices(**spacings)
    again = TiltGeometry.from_projection_matrices(matrices, **spacings)
    assert np.allclose(again.rotation_matrices, geometry.rotation_matrices, atol=1e-12)
    assert np.allclose(again.shifts, geometry.shifts, atol=1e-10)


def test_the_pixel_size_of_projection_matrices_is_the_voxel_size_along_x_by_default():
    by_default = ANY_ROTATION.projection_matrices(**SHAPES, voxel_size=(2, 3, 4))
    given_as = ANY_ROTATION.projection_matrices(**SHAPES, voxel_size=(2, 3, 4), pixel_size=2)
    assert np.array_equal(by_default, given_as)
    again = TiltGeometry.from_projection_matrices(by_default, **SHAPES, voxel_size=(2, 3, 4))
    assert np.allclose(again.shifts, ANY_ROTATION.shifts)


def test_a_shift_along_the_beam_is_dropped():
    matrices = SINGLE_AXIS.projection_matrices(**SHAPES).copy()
    matrices[:, 2, 3] += 5
    again = TiltGeometry.from_projection_matrices(matrices, **SHAPES)
    assert np.allclose(again.shifts, SINGLE_AXIS.shifts, atol=1e-12)


def broken(row, column, value):
    matrices = SINGLE_AXIS.projection_matrices(**SHAPES).copy()
    matrices[2, row, column] = value
    return matrices


@pytest.mark.parametrize(
    ("matrices", "message"),
    [
        (np.eye(4), r"matrices must have shape \(n, 4, 4\), got \(4, 4\)"),
        (np.eye(3)[None], r"matrices must have shape \(n, 4, 4\), got \(1, 3, 3\)"),
        (np.zeros((0, 4, 4)), r"shape \(n, 3, 3\) with n >= 1, got \(0, 3, 3\)"),
        (broken(2, 2, 0), r"matrices\[2\] must be invertible"),
        (broken(3, 0, 1), r"matrices\[2\] must have the last row 0, 0, 0, 1 .*got \[1.0, 0.0"),
        (broken(3, 3, 2), r"matrices\[2\] must have the last row"),
        (broken(0, 1, 0.5), r"matrices .*\[2\] is not a rotation: R @ R.T differs"),
        (broken(1, 1, -1), r"matrices .*\[2\] .*its determinant is -1.* mirrors"),
        (broken(0, 0, np.nan), r"matrices must be finite: .* index \[2, 0, 0\]"),
    ],
)
def test_matrices_that_are_not_projections_are_named(matrices, message):
    with pytest.raises(ValueError, match=message):
        TiltGeometry.from_projection_matrices(matrices, **SHAPES)


def test_projection_matrices_at_another_spacing_are_refused():
    matrices = SINGLE_AXIS.projection_matrices(**SHAPES, voxel_size=2, pixel_size=3)
    with pytest.raises(ValueError, match=r"\(with their scale removed\)\[0\] is not a rotation"):
        TiltGeometry.from_projection_matrices(matrices, **SHAPES, voxel_size=2)


def rotations_with(matrix):
    return np.stack([np.eye(3), turned(10, 20, 30), matrix])


@pytest.mark.parametrize(
    ("rotations", "message"),
    [
        (rotations_with(np.diag([1, 1, -1])), r"rotation_matrices\[2\] .* determinant is -1"),
        (rotations_with(np.eye(3) * 1.01), r"rotation_matrices\[2\] .* by 0.02, more than 1e-06"),
        (rotations_with(np.zeros((3, 3))), r"rotation_matrices\[2\] is not a rotation"),
        (rotations_with(np.full((3, 3), np.nan)), r"must be finite: .* index \[2, 0, 0\]"),
        (np.eye(4), r"must have shape \(n, 3, 3\) with n >= 1, got \(1, 4, 4\)"),
        ([], r"must have shape \(n, 3, 3\) with n >= 1, got \(0,\)"),
        ("rotation", "must be numbers in a regular array"),
    ],
)
def test_matrices_that_are_not_rotations_are_named(rotations, message):
    for make in (TiltGeometry, TiltGeometry.from_rotations):
        with pytest.raises(ValueError, match=message):
            make(rotations)


@pytest.mark.parametrize("count", [1, 4])
def test_shifts_have_one_row_per_tilt(count):
    with pytest.raises(ValueError, match=rf"one row per tilt: expected \(5, 2\), got \({count}, 2"):
        TiltGeometry.from_tilt_angles(range(5), shifts=np.zeros((count, 2)))


def test_a_scalar_shift_must_be_zero():
    with pytest.raises(ValueError, match=r"shifts must be x, y in angstroms.* pass \(5, 5\)"):
        TiltGeometry.from_tilt_angles([0, 3], shifts=5)
    assert not TiltGeometry.from_tilt_angles([0, 3], shifts=0).shifts.any()


def test_shifts_are_finite():
    with pytest.raises(ValueError, match=r"shifts must be finite: .* index \[1, 0\]"):
        TiltGeometry.from_tilt_angles([0, 1], shifts=[[0, 0], [np.inf, 0]])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ([], {}, r"tilt_angles must have shape .* got \(0,\)"),
        ([[1, 2]], {}, r"tilt_angles must have shape .* got \(1, 2\)"),
        ([0, np.nan], {}, r"tilt_angles must be finite: .* index \[1\]"),
        ([0, 1], {"x_tilts": [1, 2, 3]}, r"x_tilts must be .*expected \(2,\), got \(3,\)"),
        ([0, 1], {"tilt_axis_angle": [1]}, r"tilt_axis_angle must be .*expected \(2,\), got \(1,"),
    ],
)
def test_angles_that_do_not_fit_are_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        TiltGeometry.from_tilt_angles(arguments, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"volume_shape": (7, 8)}, "volume_shape must be 3 positive integers"),
        ({"image_shape": (7, 0)}, "image_shape must be 2 positive integers"),
        ({"voxel_size": 0}, "voxel_size must be positive"),
        ({"pixel_size": -1}, "pixel_size must be one positive number"),
    ],
)
def test_projection_matrices_need_shapes_and_spacings(options, message):
    with pytest.raises(ValueError, match=message):
        SINGLE_AXIS.projection_matrices(**SHAPES | options)


def test_the_beam_runs_along_the_third_column():
    beams = TiltGeometry.from_tilt_angles([0, 90, -90]).beam_directions
    assert beams.tolist() == [[0, 0, 1], [-1, 0, 0], [1, 0, 0]]


def test_one_point_or_many_are_projected():
    points = np.array([[1.0, 2, 3], [4, 5, 6]])
    many = ANY_ROTATION.project_points(points)
    assert many.shape == (5, 2, 2)
    assert np.allclose(ANY_ROTATION.project_points(points[1]), many[:, 1], atol=1e-14)


@pytest.mark.parametrize("shape", [(2,), (4, 2), (1, 1, 3), ()])
def test_points_have_three_coordinates(shape):
    with pytest.raises(ValueError, match=r"points_xyz must have shape \(m, 3\), got"):
        ANY_ROTATION.project_points(np.zeros(shape))


def test_points_are_magnified_after_the_rotation_and_before_the_shift():
    linear = np.array([[1.1, 0.05], [-0.02, 0.9]])
    plain = TiltGeometry.from_tilt_angles([-20, 35], tilt_axis_angle=12, x_tilts=3)
    geometry = plain.evolve(magnifications=linear, shifts=[[1, 2], [3, 4]])
    points = np.random.default_rng(4).normal(size=(5, 3)) * 30
    expected = [plain.project_points(point) @ linear.T + geometry.shifts for point in points]
    projected = geometry.project_points(points)
    assert np.allclose(projected, np.stack(expected, axis=1), rtol=0, atol=1e-12)


def test_projection_matrices_are_magnified_in_pixels():
    geometry = TiltGeometry.from_tilt_angles(
        [10], shifts=(5, -3), magnifications=[[1.2, 0.1], [0.0, 0.9]]
    )
    sizes = {"volume_shape": (7, 8, 9), "image_shape": (11, 10)}
    matrix = geometry.projection_matrices(**sizes, voxel_size=(2, 3, 4), pixel_size=1.5)[0]
    voxel = np.array([6.0, 1, 5])
    expected = geometry.project_points((voxel - [4, 4, 3]) * [2, 3, 4])[0] / 1.5 + [5, 5]
    assert np.allclose((matrix @ [*voxel, 1])[:2], expected, atol=1e-12)


def test_one_magnification_applies_to_all_tilts_and_is_indexed():
    geometry = TiltGeometry.from_tilt_angles([0, 3, 6]).evolve(
        magnifications=np.eye(2) * np.array([1.0, 1.1, 1.2])[:, None, None]
    )
    assert geometry[[2, 0]].magnifications[:, 0, 0].tolist() == [1.2, 1.0]
    assert geometry.evolve(magnifications=2 * np.eye(2)).magnifications.shape == (3, 2, 2)
    assert TiltGeometry.from_json(geometry.to_json()) == geometry
    assert geometry != geometry.evolve(magnifications=np.eye(2))
    assert not geometry.magnifications.flags.writeable


@pytest.mark.parametrize(
    ("magnifications", "message"),
    [
        (np.eye(3), r"expected \(2, 2, 2\), got \(3, 3\)"),
        (np.tile(np.eye(2), (3, 1, 1)), r"expected \(2, 2, 2\), got \(3, 2, 2\)"),
        ([np.eye(2), [[-1, 0], [0, 1]]], r"magnifications\[1\] .*positive determinant, got -1"),
        (np.zeros((2, 2)), "positive determinant, got 0"),
        ([[np.nan, 0], [0, 1]], "magnifications must be finite"),
    ],
)
def test_magnifications_that_do_not_fit_are_named(magnifications, message):
    with pytest.raises(ValueError, match=message):
        TiltGeometry.from_tilt_angles([0, 1]).evolve(magnifications=magnifications)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tilt_angles": [0, 240]}, "tilt_angles must lie between -180 and 180, got 240"),
        ({"tilt_angles": [0], "x_tilts": -181}, "x_tilts must lie between -180 and 180, got 181"),
        (
            {"tilt_angles": [0], "tilt_axis_angle": 361},
            "tilt_axis_angle must lie between -360 and 360, got 361",
        ),
    ],
)
def test_angles_beyond_a_turn_are_refused_as_in_files(arguments, message):
    with pytest.raises(ValueError, match=message):
        TiltGeometry.from_tilt_angles(**arguments)
    limits = {"tilt_angles": [180, -180], "x_tilts": -180, "tilt_axis_angle": 360}
    assert len(TiltGeometry.from_tilt_angles(**limits)) == 2
