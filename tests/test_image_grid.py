import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import GaussianBlobs, ImageGrid, TiltGeometry, TiltSeries

GRID = ImageGrid((9, 8), 1.5)
GEOMETRY = TiltGeometry.from_tilt_angles([-30, 10], tilt_axis_angle=15, shifts=(3.0, -4.0))
SERIES = GaussianBlobs([[4, -3, 5]], sigmas=4).tilt_series(GEOMETRY, (37, 40), pixel_size=1.5)


def test_axes_are_the_places_of_pixels_from_the_centre():
    x, y = GRID.axes
    assert (len(x), len(y)) == (8, 9)
    assert (x[4], y[4], x[5] - x[4]) == (0, 0, 1.5)


@quick
@given(st.data())
def test_a_part_of_a_series_finds_the_same_specimen(data):
    low = data.draw(st.tuples(st.integers(0, 20), st.integers(0, 20)))
    size = data.draw(st.tuples(st.integers(10, 16), st.integers(10, 19)))
    middle = tuple(start + side // 2 for start, side in zip(low, size, strict=True))
    part = SERIES.crop(size, center=middle)
    window = tuple(slice(start, start + side) for start, side in zip(low, size, strict=True))
    assert np.array_equal(part.images, SERIES.images[(slice(None), *window)])
    assert part.grid == SERIES.grid[window] == ImageGrid(size, 1.5)
    moved = SERIES.geometry.shifts - part.geometry.shifts
    assert np.allclose(moved, SERIES.grid.displacement(window))
    again = GaussianBlobs([[4, -3, 5]], sigmas=4).tilt_series(part.geometry, size, pixel_size=1.5)
    assert np.allclose(again.images, part.images, atol=1e-12)


def test_a_padded_series_finds_the_same_specimen():
    padded = SERIES.pad((50, 41), value=0.0)
    blobs = GaussianBlobs([[4, -3, 5]], sigmas=4)
    truth = blobs.tilt_series(padded.geometry, (50, 41), pixel_size=1.5)
    inside = truth.images > 1e-3 * truth.images.max()
    assert np.allclose(padded.images[inside], truth.images[inside], rtol=1e-10)
    assert padded.grid == SERIES.grid.pad((50, 41))
    assert np.array_equal(padded.crop((37, 40)).images, SERIES.images)


def test_a_binned_series_has_the_binned_grid():
    assert SERIES.bin(3).grid == SERIES.grid.bin(3) == ImageGrid((12, 13), 4.5)


def test_slabs_cut_rows_or_columns():
    assert [slab.shape for slab in GRID.slabs(4)] == [(4, 8), (4, 8), (1, 8)]
    assert [slab.shape for slab in GRID.slabs(5, axis="x")] == [(9, 5), (9, 3)]
    with pytest.raises(ValueError, match="axis must be one of 'y', 'x', got 'z'"):
        GRID.slabs(4, axis="z")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ImageGrid((3, 4, 5)), "image_shape must be 2 positive integers"),
        (lambda: ImageGrid((3, 4), 0), "pixel_size must be one positive number"),
        (lambda: GRID[::2], "pixels must stay squares, got steps"),
        (lambda: SERIES.crop((50, 3)), r"shape must lie inside the image \(37, 40\)"),
        (lambda: SERIES.pad((36, 40)), r"shape must be at least \(37, 40\)"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_series_on_other_grids_are_not_combined():
    assert GRID.difference(ImageGrid((9, 8), 1.50001)) == ""
    assert GRID.difference(ImageGrid((9, 8), 1.6)) == "pixel sizes differ: 1.5 and 1.6"
    finer = TiltSeries(SERIES.images, GEOMETRY, pixel_size=1.6)
    with pytest.raises(ValueError, match="pixel sizes differ"):
        SERIES - finer
