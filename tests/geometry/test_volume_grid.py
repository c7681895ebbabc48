"""Positions of voxels, and comparison of volume grids."""

import pickle

import attrs
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import VolumeGrid

SHAPE = (5, 7, 6)
GRID = VolumeGrid(SHAPE, voxel_size=(1.5, 2.0, 0.5), center=(10.0, -20.0, 3.25))
sides = st.integers(1, 9)
lengths = st.floats(0.1, 20)
places = st.floats(-100, 100)
grids = st.builds(
    VolumeGrid,
    st.tuples(sides, sides, sides),
    st.tuples(lengths, lengths, lengths),
    st.tuples(places, places, places),
)


def all_indices(grid):
    return np.stack(np.indices(grid.shape), axis=-1)


def test_the_center_is_where_the_voxel_at_half_of_the_shape_lies():
    assert GRID.positions([2, 3, 3]).tolist() == [10.0, -20.0, 3.25]
    assert GRID.positions([3, 3, 3]).tolist() == [10.0, -20.0, 3.75]
    assert GRID.positions([2, 3, 4]).tolist() == [11.5, -20.0, 3.25]


def test_a_default_grid_has_1_angstrom_voxels_about_the_rotation_center():
    grid = VolumeGrid((4, 5, 6))
    assert grid.voxel_size.tolist() == [1, 1, 1]
    assert grid.center.tolist() == [0, 0, 0]
    assert grid.origin.tolist() == [-3, -2, -2]


def test_the_origin_is_the_place_of_the_first_voxel():
    assert GRID.origin.tolist() == [10 - 3 * 1.5, -20 - 3 * 2.0, 3.25 - 2 * 0.5]
    assert np.array_equal(GRID.origin, GRID.positions([0, 0, 0]))


@quick
@given(grids)
def test_axes_are_the_places_of_voxels(grid):
    x, y, z = grid.axes
    assert (len(z), len(y), len(x)) == grid.shape
    positions = grid.positions(all_indices(grid))
    assert np.allclose(positions[..., 0], x, atol=1e-9)
    assert np.allclose(positions[..., 1], y[:, np.newaxis], atol=1e-9)
    assert np.allclose(positions[..., 2], z[:, np.newaxis, np.newaxis], atol=1e-9)


@quick
@given(grids, st.lists(st.tuples(places, places, places), min_size=1, max_size=5))
def test_indices_are_the_inverse_of_positions(grid, points):
    assert np.allclose(grid.positions(grid.indices(points)), points, atol=1e-9)
    assert np.allclose(grid.indices(grid.positions(points)), points, atol=1e-9)


@pytest.mark.parametrize("points", [3.0, [1, 2], [[1, 2, 3, 4]]])
def test_points_have_three_coordinates(points):
    with pytest.raises(ValueError, match=r"indices_zyx must have shape \(\.\.\., 3\), got"):
        GRID.positions(points)
    with pytest.raises(ValueError, match=r"positions_xyz must have shape \(\.\.\., 3\), got"):
        GRID.indices(points)
    with pytest.raises(ValueError, match="positions_xyz must be finite"):
        GRID.indices([0, np.nan, 0])


def test_corners_are_the_outermost_voxels_or_their_faces():
    corners = GRID.corners()
    assert corners.shape == (8, 3)
    assert np.allclose(corners.min(axis=0), GRID.origin)
    assert np.allclose(corners.max(axis=0), GRID.positions([4, 6, 5]))
    faces = GRID.corners(margin=0.5)
    assert np.allclose(np.ptp(faces, axis=0), GRID.voxel_size * SHAPE[::-1])
    assert np.allclose(faces.mean(axis=0), corners.mean(axis=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4, 5),), "volume_shape must be 3 positive integers"),
        (((4, 5, 0),), "volume_shape must be 3 positive integers"),
        ((SHAPE, 0), "voxel_size must be positive"),
        ((SHAPE, (1, 2)), "voxel_size must be one length"),
        ((SHAPE, 1.0, (0, 0)), "center must be three numbers x, y, z"),
        ((SHAPE, 1.0, (0, 0, np.inf)), "center must be"),
    ],
)
def test_invalid_shapes_and_sizes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        VolumeGrid(*arguments)


def test_describe_difference_names_shape_size_or_center():
    assert GRID.describe_difference(GRID) == ""
    assert GRID.describe_difference(GRID.pad((5, 7, 8))) == "shapes differ: (5, 7, 6) and (5, 7, 8)"
    assert GRID.describe_difference(attrs.evolve(GRID, voxel_size=2)) == (
        "voxel sizes differ: [1.5, 2.0, 0.5] and [2.0, 2.0, 2.0]"
    )
    assert GRID.describe_difference(attrs.evolve(GRID, center=(10, -20, 4))) == (
        "centers differ: [10.0, -20.0, 3.25] and [10.0, -20.0, 4.0] Å"
    )


@pytest.mark.parametrize(
    ("change", "agrees"),
    [
        ({"voxel_size": GRID.voxel_size * (1 + 5e-5)}, True),
        ({"voxel_size": GRID.voxel_size * (1 + 2e-4)}, False),
        ({"center": GRID.center + np.array([0, 0, 0.5 * 5e-4])}, True),
        ({"center": GRID.center + np.array([0, 0, 0.5 * 2e-3])}, False),
        ({"center": GRID.center + np.array([1.5 * 5e-4, 0, 0])}, True),
        ({"center": GRID.center.astype(np.float32)}, True),
    ],
)
def test_grids_that_differ_by_rounding_agree(change, agrees):
    other = attrs.evolve(GRID, **change)
    assert (
        (GRID.describe_difference(other) == "") == (other.describe_difference(GRID) == "") == agrees
    )


def test_grids_are_compared_by_value_and_frozen():
    assert VolumeGrid(SHAPE, (1.5, 2.0, 0.5), (10, -20, 3.25)) == GRID
    assert attrs.evolve(GRID, shape=[5, 7, 6]) == GRID
    for change in ({"shape": (5, 7, 7)}, {"voxel_size": 1.0}, {"center": (0, 0, 0)}):
        assert attrs.evolve(GRID, **change) != GRID
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        GRID.center = (0, 0, 0)


def test_grids_are_unhashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(GRID)


def test_arrays_are_locked_copies():
    center = np.zeros(3)
    grid = VolumeGrid(SHAPE, center=center)
    center[0] = 1
    assert grid.center.tolist() == [0, 0, 0]
    for each in (grid, pickle.loads(pickle.dumps(grid)), grid.bin(2), attrs.evolve(grid)):
        assert not each.center.flags.writeable
        assert not each.voxel_size.flags.writeable


@quick
@given(grids)
def test_a_grid_survives_pickling(grid):
    assert pickle.loads(pickle.dumps(grid)) == grid


def test_the_repr_can_be_read_back():
    text = "VolumeGrid(shape=(5, 7, 6), voxel_size=[1.5, 2.0, 0.5], center=[10.0, -20.0, 3.25])"
    assert repr(GRID) == text
    assert eval(text) == GRID
