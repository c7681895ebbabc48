import pickle

import attrs
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import ImageGrid, VolumeGrid

GRID = VolumeGrid((7, 8, 9), (1.5, 2.0, 0.5), (10.0, -20.0, 30.0))
sides = st.tuples(*[st.integers(1, 12)] * 3)
lengths = st.tuples(*[st.floats(0.1, 10)] * 3)
places = st.tuples(*[st.floats(-100, 100)] * 3)
grids = st.builds(VolumeGrid, sides, lengths, places)


def slices(size):
    """Slices with a positive step that select something."""
    return st.tuples(
        st.integers(0, size - 1), st.integers(1, size), st.one_of(st.none(), st.integers(1, 4))
    ).map(lambda s: slice(s[0], s[0] + s[1], s[2]))


@quick
@given(st.data(), grids)
def test_each_voxel_of_a_slice_lies_where_it_did(data, grid):
    index = tuple(data.draw(slices(n)) for n in grid.shape)
    part = grid[index]
    numbers = np.arange(np.prod(grid.shape)).reshape(grid.shape)[index]
    assert part.shape == numbers.shape
    old = np.stack(np.unravel_index(numbers, grid.shape), axis=-1)
    new = np.stack(np.indices(part.shape), axis=-1)
    assert np.allclose(part.positions(new), grid.positions(old), atol=1e-9)


@quick
@given(st.data(), grids)
def test_each_voxel_of_a_crop_and_of_a_padded_grid_lies_where_it_did(data, grid):
    shape = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    larger = tuple(data.draw(st.integers(n, n + 9)) for n in grid.shape)
    for changed in (grid.crop(shape), grid.pad(larger)):
        # Both keep the voxel shape // 2.
        assert np.allclose(changed.center, grid.center)
        assert np.array_equal(changed.voxel_size, grid.voxel_size)
    offset = tuple(data.draw(st.integers(0, n - s)) for n, s in zip(grid.shape, shape, strict=True))
    middle = tuple(o + s // 2 for o, s in zip(offset, shape, strict=True))
    assert np.allclose(grid.crop(shape, center=middle).origin, grid.positions(offset), atol=1e-9)


@quick
@given(st.data(), grids)
def test_the_voxels_of_a_binned_grid_lie_at_the_centres_of_blocks(data, grid):
    factor = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    binned = grid.bin(factor)
    first = np.stack(np.indices(factor), axis=-1).reshape(-1, 3)
    assert np.allclose(binned.origin, grid.positions(first).mean(axis=0), atol=1e-9)
    assert np.allclose(binned.voxel_size, grid.voxel_size * factor[::-1])
    assert binned.shape == tuple(n // f for n, f in zip(grid.shape, factor, strict=True))


@quick
@given(grids, st.lists(places, min_size=1, max_size=5))
def test_indices_undo_positions(grid, points):
    assert np.allclose(grid.positions(grid.indices(points)), points, atol=1e-9)
    assert np.allclose(grid.indices(grid.center), [n // 2 for n in grid.shape])


@quick
@given(grids, st.integers(1, 14), st.sampled_from("xyz"))
def test_slabs_are_the_grid_cut_once(grid, size, axis):
    slabs = grid.slabs(size, axis=axis)
    place, along = "zyx".index(axis), "xyz".index(axis)
    assert sum(slab.shape[place] for slab in slabs) == grid.shape[place]
    joined = np.concatenate([slab.axes[along] for slab in slabs])
    assert np.allclose(joined, grid.axes[along], atol=1e-9)


def test_axes_and_corners_are_the_positions_of_voxels():
    x, y, z = GRID.axes
    assert np.allclose(GRID.positions([2, 3, 4]), [x[4], y[3], z[2]])
    assert GRID.corners().min(axis=0).tolist() == [x[0], y[0], z[0]]
    assert GRID.corners(margin=0.5).max(axis=0).tolist() == [x[-1] + 0.75, y[-1] + 1, z[-1] + 0.25]
    assert GRID.origin.tolist() == [x[0], y[0], z[0]] == [4.0, -28.0, 28.5]


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (3, IndexError, "index must be up to 3 slices, got 3"),
        ((slice(None), 2), IndexError, "index must be up to 3 slices"),
        (np.s_[:, :, :, :], IndexError, "index must be up to 3 slices"),
        (np.s_[::-1], IndexError, "positive step, since a mirrored grid has another hand"),
        (np.s_[3:3], IndexError, r"index must select something of \(7, 8, 9\)"),
        (np.s_[..., 20:], IndexError, "index must select something"),
    ],
)
def test_indices_that_are_no_part_are_refused(index, error, message):
    with pytest.raises(error, match=message):
        GRID[index]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: VolumeGrid((3, 4)), "volume_shape must be 3 positive integers"),
        (lambda: VolumeGrid((3, 4, 5), -1), "voxel_size must be one positive length"),
        (lambda: VolumeGrid((3, 4, 5), center=2), "center must be three numbers x, y, z"),
        (lambda: GRID.slabs(0), "size must be a positive integer"),
        (lambda: GRID.slabs(2, axis="u"), "axis must be one of 'z', 'y', 'x', got 'u'"),
        (lambda: GRID.positions(3), r"indices_zyx must have shape \(..., 3\)"),
        (lambda: GRID.indices([[1, 2]]), r"positions_xyz must have shape \(..., 3\)"),
        (lambda: GRID.crop((8, 8, 8)), r"shape must lie inside the volume \(7, 8, 9\)"),
        (lambda: GRID.pad((7, 8, 8)), r"shape must be at least \(7, 8, 9\)"),
        (lambda: GRID.bin(8), "factor must be at most 7"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (GRID, ""),
        (attrs.evolve(GRID, center=GRID.center + 1e-4), ""),
        (attrs.evolve(GRID, voxel_size=GRID.voxel_size * 1.00001), ""),
        (attrs.evolve(GRID, shape=(7, 8, 8)), "shapes do not fit: (7, 8, 9) and (7, 8, 8)"),
        (attrs.evolve(GRID, voxel_size=1), "voxel sizes differ: [1.5, 2.0, 0.5] and [1.0, "),
        (attrs.evolve(GRID, center=(10, -20, 30.1)), "places differ: center [10.0, -20.0, 30.0]"),
    ],
)
def test_the_difference_of_two_grids_is_said_in_words(other, says):
    assert GRID.difference(other).startswith(says)
    assert bool(GRID.difference(other)) == bool(says)
    assert bool(other.difference(GRID)) == bool(says)


def test_grids_are_compared_by_value_and_locked():
    assert attrs.evolve(GRID) == GRID
    assert pickle.loads(pickle.dumps(GRID)) == GRID
    assert attrs.evolve(GRID, center=(0, 0, 0)) != GRID
    for copy in (GRID, pickle.loads(pickle.dumps(GRID))):
        assert not copy.voxel_size.flags.writeable
        assert not copy.center.flags.writeable
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        GRID.shape = (1, 1, 1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(GRID)
    assert {ImageGrid((3, 4)), ImageGrid((3, 4), 1.0)} == {ImageGrid((3, 4))}


class Ours(VolumeGrid):
    pass


def test_a_subclass_stays_one():
    ours = Ours((8, 8, 8))
    for made in (
        ours.bin(2),
        ours.crop((3, 3, 3)),
        ours.pad((9, 9, 9)),
        ours[2:],
        ours.slabs(3)[0],
    ):
        assert type(made) is Ours
