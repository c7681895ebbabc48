"""Grids of voxels and of pixels: derived grids keep positions."""

import pickle

import attrs
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import ImageGrid, VolumeGrid
from libtilt.geometry.window import Window

VOLUME = VolumeGrid((5, 7, 6), voxel_size=(1.5, 2.0, 0.5), center=(10.0, -20.0, 3.25))
IMAGE = ImageGrid((5, 8), pixel_size=2.5)
EACH = pytest.mark.parametrize("grid", [VOLUME, IMAGE], ids=["volume", "image"])
sides = st.integers(1, 9)
lengths = st.floats(0.1, 20)
coordinates = st.floats(-100, 100)
volume_grids = st.builds(
    VolumeGrid, st.tuples(*[sides] * 3), st.tuples(*[lengths] * 3), st.tuples(*[coordinates] * 3)
)
image_grids = st.builds(ImageGrid, st.tuples(sides, sides), lengths)
grids = volume_grids | image_grids


def places(grid, displacement=0.0):
    """Positions of voxels, or of pixels from the center of the grid that a part was cut from."""
    return np.stack(np.meshgrid(*grid.axes[::-1], indexing="ij")[::-1], axis=-1) + displacement


def places_of(part, whole, index):
    moved = whole.displacement(index) if isinstance(whole, ImageGrid) else 0.0
    return places(part, moved)


@st.composite
def indices(draw, grid):
    """Slices with positive steps that select part of each axis; pixels stay square."""
    step, parts = draw(st.integers(1, 4) | st.none()), []
    for size in grid.shape:
        start = draw(st.integers(0, size - 1))
        stop = draw(st.integers(start + 1, size))
        first = draw(st.sampled_from([start, start - size, *([None] if start == 0 else [])]))
        parts.append(slice(first, stop, step))
        if isinstance(grid, VolumeGrid):
            step = draw(st.integers(1, 4) | st.none())
    return tuple(parts)


@quick
@given(grids, st.data())
def test_slices_leave_elements_where_they_were(grid, data):
    index = data.draw(indices(grid))
    expected = places(grid)[index]
    assert grid[index].shape == expected.shape[:-1]
    assert np.allclose(places_of(grid[index], grid, index), expected, rtol=0, atol=1e-9)


@quick
@given(grids, st.data())
def test_a_window_cuts_the_array_as_its_slices_do(grid, data):
    index = data.draw(indices(grid))
    array = np.arange(np.prod(grid.shape)).reshape(grid.shape)
    window = Window.from_index(grid.shape, index)
    assert np.array_equal(array[window.slices], array[index])
    assert grid.from_window(window) == grid[index]


@quick
@given(grids, st.data())
def test_a_crop_is_the_part_about_its_center(grid, data):
    box = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    starts = [data.draw(st.integers(0, n - b)) for n, b in zip(grid.shape, box, strict=True)]
    center = tuple(start + b // 2 for start, b in zip(starts, box, strict=True))
    index = tuple(slice(start, start + b) for start, b in zip(starts, box, strict=True))
    cropped = grid.crop(box, center=center)
    assert cropped == grid[index]
    middle = places_of(cropped, grid, index)[tuple(b // 2 for b in box)]
    assert np.allclose(middle, places(grid)[center], rtol=0, atol=1e-9)


@quick
@given(grids, st.data())
def test_crops_and_pads_about_the_center_keep_it(grid, data):
    box = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    larger = tuple(n + data.draw(st.integers(0, 4)) for n in grid.shape)
    padded = grid.pad(larger)
    assert padded.shape == larger
    assert padded.crop(grid.shape) == grid
    before = [new // 2 - old // 2 for new, old in zip(larger, grid.shape, strict=True)]
    inner = tuple(slice(b, b + n) for b, n in zip(before, grid.shape, strict=True))
    assert np.allclose(places(padded)[inner], places(grid), rtol=0, atol=1e-9)
    if isinstance(grid, VolumeGrid):
        assert np.array_equal(grid.crop(box).center, grid.center)
        assert np.array_equal(padded.center, grid.center)


@quick
@given(volume_grids, st.data())
def test_binned_voxels_lie_at_the_centers_of_their_blocks(grid, data):
    factors = tuple(data.draw(st.integers(1, n)) for n in grid.shape)
    binned = grid.bin(factors)
    assert binned.shape == tuple(n // f for n, f in zip(grid.shape, factors, strict=True))
    blocks = Window.bin(grid.shape, factors).block_means(
        np.moveaxis(places(grid), -1, 0), np.float64
    )
    assert np.allclose(places(binned), np.moveaxis(blocks, 0, -1), rtol=0, atol=1e-9)
    assert np.allclose(binned.voxel_size, grid.voxel_size * factors[::-1])


@quick
@given(image_grids, st.data())
def test_binned_pixels_are_as_large_as_their_blocks(grid, data):
    factor = data.draw(st.integers(1, min(grid.shape)))
    binned = grid.bin(factor)
    assert binned.shape == tuple(n // factor for n in grid.shape)
    assert np.isclose(binned.pixel_size, grid.pixel_size * factor)


def test_one_bin_factor_applies_to_all_axes():
    assert VOLUME.bin(2) == VOLUME.bin((2, 2, 2))
    assert VOLUME.bin(1) == VOLUME


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@quick
@given(grids, st.integers(1, 10))
def test_slabs_concatenate_to_the_whole(axis, grid, size):
    if isinstance(grid, ImageGrid) and axis == "z":
        return
    place = "zyx"[-len(grid.shape) :].index(axis)
    slabs = grid.slabs(size, axis=axis)
    cuts = [slice(start, start + size) for start in range(0, grid.shape[place], size)]
    every = [slice(None)] * len(grid.shape)
    windows = [(*every[:place], cut, *every[place + 1 :]) for cut in cuts]
    assert slabs == [grid[window] for window in windows]
    joined = [places_of(slab, grid, w) for slab, w in zip(slabs, windows, strict=True)]
    assert np.allclose(np.concatenate(joined, axis=place), places(grid), rtol=0, atol=1e-9)


@EACH
def test_slabs_are_cut_along_y_by_default(grid):
    assert grid.slabs(3) == grid.slabs(3, axis="y")
    with pytest.raises(ValueError, match="size must be a positive integer, got 0"):
        grid.slabs(0)
    with pytest.raises(ValueError, match=r"axis must be one of ('z', )?'y', 'x', got 'v'"):
        grid.slabs(3, axis="v")


@EACH
def test_axes_that_are_not_named_are_kept_whole(grid):
    whole = (slice(None),) * (len(grid.shape) - 1)
    assert grid[1:] == grid[(slice(1, None), *whole)] == grid[1:, ...]
    assert grid[..., 2:4] == grid[(*whole, slice(2, 4))]
    assert grid[:] == grid[...] == grid


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (slice(None, None, -1), "index must have positive steps, since mirroring a grid"),
        ((slice(None), slice(4, 1, -2)), "index must have positive steps"),
        (slice(3, 3), r"index must select at least one element of \(5, [78]"),
        ((..., slice(9, None)), r"index must select at least one element of \(5, [78]"),
        (2, r"index must consist of slices, at most [23], got 2"),
        ((slice(None), [0, 1]), "index must consist of slices, at most [23]"),
        ((slice(None),) * 4, "index must consist of slices, at most [23]"),
        ((..., slice(None), ...), "index must consist of slices, at most [23]"),
        (None, "index must consist of slices, at most [23], got None"),
        (np.array([0, 1]), "index must consist of slices, at most [23]"),
        ((slice(None), np.array([True, False])), "index must consist of slices, at most [23]"),
    ],
)
@EACH
def test_invalid_grid_indices_are_refused(grid, index, message):
    for take in (grid.__getitem__, getattr(grid, "displacement", grid.__getitem__)):
        with pytest.raises(IndexError, match=message):
            take(index)


@pytest.mark.parametrize(
    ("grid", "method", "message"),
    [
        (VOLUME, lambda g: g.crop((6, 7, 6)), r"the volume \(5, 7, 6\): the box .*use pad"),
        (VOLUME, lambda g: g.crop((5, 7)), "shape must be 3 positive integers"),
        (VOLUME, lambda g: g.crop((1, 1, 1), center=(5, 0, 0)), r"from \(5, 0, 0\) to \(6, 1, 1\)"),
        (VOLUME, lambda g: g.crop((1, 1, 1), center=(1, 2)), "center must be 3 integers"),
        (VOLUME, lambda g: g.pad((5, 7, 5)), r"shape must be at least \(5, 7, 6\).*use crop"),
        (VOLUME, lambda g: g.bin(0), "factor must be a positive integer"),
        (VOLUME, lambda g: g.bin(6), r"factor must be at most 5 for \(5, 7, 6\), got 6"),
        (VOLUME, lambda g: g.bin((1, 2)), "factor must be 3 positive integers"),
        (VOLUME, lambda g: g.bin((1, 2, 7)), r"factor must be at most 5 for .*got \(1, 2, 7\)"),
        (IMAGE, lambda g: g.crop((6, 8)), r"inside the image \(5, 8\): the box .*use pad"),
        (IMAGE, lambda g: g.pad((5, 7)), r"shape must be at least \(5, 8\).*use crop"),
        (IMAGE, lambda g: g.bin(0), "factor must be a positive integer"),
        (IMAGE, lambda g: g.bin(6), r"factor must be at most 5 for \(5, 8\), got 6"),
        (
            IMAGE,
            lambda g: g.bin((1, 2)),
            r"pixels must stay square: .* got \(1, 2\)",
        ),
        (IMAGE, lambda g: g[::2, ::3], r"pixels must stay square: .* got \(2, 3\)"),
    ],
)
def test_boxes_and_factors_that_do_not_fit_are_refused(grid, method, message):
    with pytest.raises(ValueError, match=message):
        method(grid)


@attrs.frozen(slots=False, unsafe_hash=False)
class NamedVolumeGrid(VolumeGrid):
    name: str = "unnamed"


@attrs.frozen(slots=False)
class NamedImageGrid(ImageGrid):
    name: str = "unnamed"


@pytest.mark.parametrize("whole", [NamedVolumeGrid, NamedImageGrid])
@pytest.mark.parametrize(
    "method",
    [
        lambda grid: grid.crop((2,) * len(grid.shape)),
        lambda grid: grid.pad((8,) * len(grid.shape)),
        lambda grid: grid.bin(2),
        lambda grid: grid[1:],
        lambda grid: grid.slabs(3)[-1],
        lambda grid: pickle.loads(pickle.dumps(grid)),
        lambda grid: attrs.evolve(grid),
    ],
)
def test_a_subclass_and_its_fields_are_kept(whole, method):
    shape = (5, 7, 6) if whole is NamedVolumeGrid else (5, 8)
    result = method(whole(shape, 2.0, name="camera"))
    assert (type(result), result.name) == (whole, "camera")
