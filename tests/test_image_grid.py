"""Where pixels lie, and that whatever is made of a grid leaves them there."""

import pickle

import attrs
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import ImageGrid

GRID = ImageGrid((5, 8), pixel_size=2.5)

sides = st.integers(1, 9)
grids = st.builds(ImageGrid, st.tuples(sides, sides), st.floats(0.1, 20))


def positions(grid, displacement=(0.0, 0.0)):
    """Where pixels lie from the centre of the grid that a part was cut from."""
    x, y = (axis + moved for axis, moved in zip(grid.axes, displacement, strict=True))
    return np.stack(np.meshgrid(x, y), axis=-1)


@st.composite
def parts(draw, size, step):
    start = draw(st.integers(0, size - 1))
    return slice(start, draw(st.integers(start + 1, size)), step)


def test_the_centre_is_half_of_the_shape_rounded_down():
    x, y = GRID.axes
    assert x.tolist() == [-10, -7.5, -5, -2.5, 0, 2.5, 5, 7.5]
    assert y.tolist() == [-5, -2.5, 0, 2.5, 5]
    assert ImageGrid((2, 3)).pixel_size == 1.0


@quick
@given(grids, st.integers(1, 3), st.data())
def test_slices_leave_pixels_where_they_were(grid, step, data):
    index = tuple(data.draw(parts(size, step)) for size in grid.shape)
    part = grid[index]
    expected = positions(grid)[index]
    assert part.shape == expected.shape[:2]
    assert np.isclose(part.pixel_size, grid.pixel_size * step)
    assert np.allclose(positions(part, grid.displacement(index)), expected, atol=1e-9)


@quick
@given(grids, st.data())
def test_a_crop_is_the_part_about_its_center(grid, data):
    box = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    starts = [data.draw(st.integers(0, n - b)) for n, b in zip(grid.shape, box, strict=True)]
    center = tuple(start + b // 2 for start, b in zip(starts, box, strict=True))
    index = tuple(slice(start, start + b) for start, b in zip(starts, box, strict=True))
    assert grid.crop(box, center=center) == grid[index]
    assert np.allclose(grid.displacement(index), positions(grid)[center], atol=1e-9)


@quick
@given(grids, st.data())
def test_crops_and_pads_about_the_centre_keep_it(grid, data):
    larger = tuple(n + data.draw(st.integers(0, 4)) for n in grid.shape)
    padded = grid.pad(larger)
    assert (padded.shape, padded.pixel_size) == (larger, grid.pixel_size)
    assert padded.crop(grid.shape) == grid
    before = [new // 2 - old // 2 for new, old in zip(larger, grid.shape, strict=True)]
    inner = tuple(slice(b, b + n) for b, n in zip(before, grid.shape, strict=True))
    assert np.allclose(positions(padded)[inner], positions(grid), atol=1e-9)


@quick
@given(grids, st.data())
def test_binned_pixels_are_as_large_as_their_blocks(grid, data):
    factor = data.draw(st.integers(1, min(grid.shape)))
    binned = grid.bin(factor)
    assert binned.shape == tuple(n // factor for n in grid.shape)
    assert np.isclose(binned.pixel_size, grid.pixel_size * factor)


@pytest.mark.parametrize("axis", ["x", "y"])
@quick
@given(grids, st.integers(1, 10))
def test_slabs_concatenate_to_the_whole(axis, grid, size):
    place = "yx".index(axis)
    slabs = grid.slabs(size, axis=axis)
    indices = [
        tuple(slice(start, start + size) if one == place else slice(None) for one in range(2))
        for start in range(0, grid.shape[place], size)
    ]
    assert slabs == [grid[index] for index in indices]
    joined = [
        positions(slab, grid.displacement(index))
        for slab, index in zip(slabs, indices, strict=True)
    ]
    assert np.allclose(np.concatenate(joined, axis=place), positions(grid), atol=1e-9)


def test_slabs_are_cut_along_y_unless_told_otherwise():
    assert GRID.slabs(3) == GRID.slabs(3, axis="y")
    with pytest.raises(ValueError, match="size must be a positive integer, got 0"):
        GRID.slabs(0)
    with pytest.raises(ValueError, match="axis must be one of 'y', 'x', got 'z'"):
        GRID.slabs(3, axis="z")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (slice(None, None, -1), "a slice must have a positive step, since a mirrored grid has"),
        (slice(3, 3), r"index must select something of \(5, 8\)"),
        (2, r"index must be up to 2 slices, got 2"),
        ((slice(None),) * 3, "index must be up to 2 slices"),
    ],
)
def test_an_index_that_makes_no_grid_is_refused(index, message):
    with pytest.raises(IndexError, match=message):
        GRID[index]
    with pytest.raises(IndexError, match=message):
        GRID.displacement(index)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (lambda g: g.crop((6, 8)), r"inside the image \(5, 8\): the box .*use pad"),
        (lambda g: g.pad((5, 7)), r"shape must be at least \(5, 8\).*use crop"),
        (lambda g: g.bin(0), "factor must be a positive integer"),
        (lambda g: g.bin(6), r"factor must be at most 5 for \(5, 8\), got 6"),
        (lambda g: g.bin((1, 2)), r"pixels must stay squares, got steps \(1, 2\) for rows"),
        (lambda g: g[::2, ::3], r"pixels must stay squares, got steps \(2, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(method, message):
    with pytest.raises(ValueError, match=message):
        method(GRID)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4, 5, 6),), "image_shape must be 2 positive integers"),
        (((4, 0),), "image_shape must be 2 positive integers"),
        (((4, 5), 0), "pixel_size must be one positive number"),
        (((4, 5), (1, 2)), "pixel_size must be one positive number"),
    ],
)
def test_what_is_no_grid_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageGrid(*arguments)


def test_a_difference_says_shape_or_size():
    assert GRID.difference(ImageGrid((5, 8), 2.5001)) == ""
    assert GRID.difference(ImageGrid((5, 7), 2.5)) == "shapes do not fit: (5, 8) and (5, 7)"
    assert GRID.difference(ImageGrid((5, 8), 2.501)) == "pixel sizes differ: 2.5 and 2.501"


def test_grids_are_values():
    assert ImageGrid([5, 8], 2.5) == GRID
    assert attrs.evolve(GRID, pixel_size=2.0) != GRID
    assert pickle.loads(pickle.dumps(GRID)) == GRID
    assert repr(GRID) == "ImageGrid(shape=(5, 8), pixel_size=2.5)"
    assert len({GRID, ImageGrid((5, 8), 2.5)}) == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        GRID.pixel_size = 1.0


@attrs.frozen(slots=False)
class NamedGrid(ImageGrid):
    name: str = "unnamed"


@pytest.mark.parametrize(
    "method",
    [
        lambda grid: grid.crop((2, 2)),
        lambda grid: grid.pad((8, 8)),
        lambda grid: grid.bin(2),
        lambda grid: grid[1:],
        lambda grid: grid.slabs(3)[-1],
        lambda grid: pickle.loads(pickle.dumps(grid)),
    ],
)
def test_a_subclass_and_its_fields_are_kept(method):
    result = method(NamedGrid((5, 8), 2.0, name="camera"))
    assert (type(result), result.name) == (NamedGrid, "camera")
