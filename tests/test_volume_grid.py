"""Where voxels lie, and that whatever is made of a grid leaves them there."""

import pickle

import attrs
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import VolumeGrid
from libtilt.geometry.window import Window

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


@st.composite
def parts(draw, size):
    """A slice with a positive step that selects something of an axis."""
    start = draw(st.integers(0, size - 1))
    stop = draw(st.integers(start + 1, size))
    given_start = draw(st.sampled_from([start, start - size, *([None] if start == 0 else [])]))
    return slice(given_start, stop, draw(st.integers(1, 4) | st.none()))


def all_indices(grid):
    return np.stack(np.indices(grid.shape), axis=-1)


def assert_voxels_lie_at(grid, old, starts, steps):
    """Voxel j of a grid lies where ``start + step * j`` of the old one did."""
    expected = old.positions(np.add(starts, all_indices(grid) * steps))
    assert np.allclose(grid.positions(all_indices(grid)), expected, rtol=0, atol=1e-9)
    assert np.allclose(grid.voxel_size, old.voxel_size * steps[::-1])


def test_the_center_is_where_the_voxel_at_half_of_the_shape_lies():
    assert GRID.positions([2, 3, 3]).tolist() == [10.0, -20.0, 3.25]
    assert GRID.positions([3, 3, 3]).tolist() == [10.0, -20.0, 3.75]
    assert GRID.positions([2, 3, 4]).tolist() == [11.5, -20.0, 3.25]


def test_a_grid_of_which_nothing_is_said_has_voxels_of_an_angstrom_about_the_rotation_centre():
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


@quick
@given(grids, st.data())
def test_slices_leave_voxels_where_they_were(grid, data):
    index = tuple(data.draw(parts(size)) for size in grid.shape)
    ranges = [range(*part.indices(n)) for part, n in zip(index, grid.shape, strict=True)]
    part = grid[index]
    assert part.shape == tuple(map(len, ranges))
    assert_voxels_lie_at(part, grid, [r.start for r in ranges], [r.step for r in ranges])


def test_axes_that_are_not_named_are_kept_whole():
    assert GRID[1:] == GRID[1:, :, :] == GRID[1:, ...]
    assert GRID[..., 2:4] == GRID[:, :, 2:4]
    assert GRID[:] == GRID[...] == GRID


@quick
@given(grids, st.data())
def test_a_crop_leaves_voxels_where_they_were(grid, data):
    box = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    starts = [data.draw(st.integers(0, n - b)) for n, b in zip(grid.shape, box, strict=True)]
    center = tuple(start + b // 2 for start, b in zip(starts, box, strict=True))
    cropped = grid.crop(box, center=center)
    assert cropped.shape == box
    assert_voxels_lie_at(cropped, grid, starts, [1, 1, 1])
    assert np.allclose(cropped.center, grid.positions(center), atol=1e-9)


@quick
@given(grids, st.data())
def test_crops_and_pads_about_the_center_keep_it(grid, data):
    box = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    larger = tuple(n + data.draw(st.integers(0, 4)) for n in grid.shape)
    assert np.array_equal(grid.crop(box).center, grid.center)
    padded = grid.pad(larger)
    assert padded.shape == larger
    assert np.array_equal(padded.center, grid.center)
    before = [new // 2 - old // 2 for new, old in zip(larger, grid.shape, strict=True)]
    assert_voxels_lie_at(padded, grid, np.negative(before), [1, 1, 1])
    assert padded.crop(grid.shape) == grid


@quick
@given(grids, st.data())
def test_binned_voxels_lie_at_the_centres_of_their_blocks(grid, data):
    factors = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    binned = grid.bin(factors)
    assert binned.shape == tuple(n // f for n, f in zip(grid.shape, factors, strict=True))
    assert_voxels_lie_at(binned, grid, [(f - 1) / 2 for f in factors], factors)


def test_one_factor_is_that_of_all_axes():
    assert GRID.bin(2) == GRID.bin((2, 2, 2))
    assert GRID.bin(1) == GRID


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@quick
@given(grids, st.integers(1, 10))
def test_slabs_concatenate_to_the_whole(axis, grid, size):
    place = "zyx".index(axis)
    slabs = grid.slabs(size, axis=axis)
    sizes = [slab.shape[place] for slab in slabs]
    assert sum(sizes) == grid.shape[place]
    assert set(sizes[:-1]) <= {size}
    assert 1 <= sizes[-1] <= size
    joined = np.concatenate([slab.positions(all_indices(slab)) for slab in slabs], axis=place)
    assert np.allclose(joined, grid.positions(all_indices(grid)), rtol=0, atol=1e-9)


def test_slabs_are_cut_along_y_unless_told_otherwise():
    assert GRID.slabs(3) == GRID.slabs(3, axis="y")
    with pytest.raises(ValueError, match="size must be a positive integer, got 0"):
        GRID.slabs(0)
    with pytest.raises(ValueError, match="axis must be one of 'z', 'y', 'x', got 'v'"):
        GRID.slabs(3, axis="v")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (slice(None, None, -1), "a slice must have a positive step, since a mirrored grid has"),
        ((slice(None), slice(4, 1, -2)), "a slice must have a positive step"),
        (slice(3, 3), r"index must select something of \(5, 7, 6\)"),
        ((..., slice(6, None)), r"index must select something of \(5, 7, 6\)"),
        (2, r"index must be up to 3 slices, got 2"),
        ((slice(None), [0, 1]), "index must be up to 3 slices"),
        ((slice(None),) * 4, "index must be up to 3 slices"),
        ((..., slice(None), ...), "index must be up to 3 slices"),
        (None, "index must be up to 3 slices, got None"),
    ],
)
def test_an_index_that_makes_no_grid_is_refused(index, message):
    with pytest.raises(IndexError, match=message):
        GRID[index]


@pytest.mark.parametrize("index", [np.array([0, 1]), (slice(None), np.array([True, False]))])
def test_an_array_as_index_is_refused_by_the_same_message(index):
    with pytest.raises(IndexError, match="index must be up to 3 slices"):
        GRID[index]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (lambda g: g.crop((6, 7, 6)), r"inside the volume \(5, 7, 6\): the box .*use pad"),
        (lambda g: g.crop((5, 7)), "shape must be 3 positive integers"),
        (lambda g: g.crop((1, 1, 1), center=(5, 0, 0)), r"from \(5, 0, 0\) to \(6, 1, 1\)"),
        (lambda g: g.crop((1, 1, 1), center=(1, 2)), "center must be 3 integers"),
        (lambda g: g.pad((5, 7, 5)), r"shape must be at least \(5, 7, 6\).*use crop"),
        (lambda g: g.bin(0), "factor must be a positive integer"),
        (lambda g: g.bin(6), r"factor must be at most 5 for \(5, 7, 6\), got 6"),
        (lambda g: g.bin((1, 2)), "factor must be 3 positive integers"),
        (lambda g: g.bin((1, 2, 7)), r"factor must be at most 5 for .*got \(1, 2, 7\)"),
    ],
)
def test_boxes_and_factors_that_do_not_fit_are_refused(method, message):
    with pytest.raises(ValueError, match=message):
        method(GRID)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4, 5),), "volume_shape must be 3 positive integers"),
        (((4, 5, 0),), "volume_shape must be 3 positive integers"),
        ((SHAPE, 0), "voxel_size must be one positive length"),
        ((SHAPE, (1, 2)), "voxel_size must be one positive length"),
        ((SHAPE, 1.0, (0, 0)), "center must be three numbers x, y, z"),
        ((SHAPE, 1.0, (0, 0, np.inf)), "center must be"),
    ],
)
def test_what_is_no_grid_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        VolumeGrid(*arguments)


def test_a_difference_says_shape_size_or_place():
    assert GRID.difference(GRID) == ""
    assert GRID.difference(GRID.pad((5, 7, 8))) == "shapes do not fit: (5, 7, 6) and (5, 7, 8)"
    assert GRID.difference(attrs.evolve(GRID, voxel_size=2)) == (
        "voxel sizes differ: [1.5, 2.0, 0.5] and [2.0, 2.0, 2.0]"
    )
    assert GRID.difference(attrs.evolve(GRID, center=(10, -20, 4))) == (
        "places differ: center [10.0, -20.0, 3.25] and [10.0, -20.0, 4.0] A"
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
def test_what_differs_by_rounding_agrees(change, agrees):
    other = attrs.evolve(GRID, **change)
    assert (GRID.difference(other) == "") == (other.difference(GRID) == "") == agrees


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


@attrs.frozen(slots=False, unsafe_hash=False)
class NamedGrid(VolumeGrid):
    name: str = "unnamed"


@pytest.mark.parametrize(
    "method",
    [
        lambda grid: grid.crop((2, 2, 2)),
        lambda grid: grid.pad((8, 8, 8)),
        lambda grid: grid.bin(2),
        lambda grid: grid[1:, ::2],
        lambda grid: grid.slabs(3)[-1],
        lambda grid: pickle.loads(pickle.dumps(grid)),
        lambda grid: attrs.evolve(grid, center=(1, 2, 3)),
    ],
)
def test_a_subclass_and_its_fields_are_kept(method):
    result = method(NamedGrid(SHAPE, 2.0, name="slab"))
    assert (type(result), result.name) == (NamedGrid, "slab")


@quick
@given(grids, st.data())
def test_a_window_cuts_the_array_as_its_slices_do(grid, data):
    index = tuple(data.draw(parts(size)) for size in grid.shape)
    array = np.arange(np.prod(grid.shape)).reshape(grid.shape)
    window = Window.of(grid.shape, index)
    assert np.array_equal(array[window.slices], array[index])
    assert grid.within(window) == grid[index]
