"""Positions of pixels, and comparison of image grids."""

import pickle

import attrs
import pytest

from libtilt import ImageGrid

GRID = ImageGrid((5, 8), pixel_size=2.5)


def test_the_center_is_half_of_the_shape_rounded_down():
    x, y = GRID.axes
    assert x.tolist() == [-10, -7.5, -5, -2.5, 0, 2.5, 5, 7.5]
    assert y.tolist() == [-5, -2.5, 0, 2.5, 5]
    assert ImageGrid((2, 3)).pixel_size == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4, 5, 6),), "image_shape must be 2 positive integers"),
        (((4, 0),), "image_shape must be 2 positive integers"),
        (((4, 5), 0), "pixel_size must be one positive number"),
        (((4, 5), (1, 2)), "pixel_size must be one positive number"),
    ],
)
def test_invalid_shapes_and_sizes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageGrid(*arguments)


def test_describe_difference_names_shape_or_size():
    assert GRID.describe_difference(ImageGrid((5, 8), 2.5001)) == ""
    assert GRID.describe_difference(ImageGrid((5, 7), 2.5)) == "shapes differ: (5, 8) and (5, 7)"
    assert GRID.describe_difference(ImageGrid((5, 8), 2.501)) == "pixel sizes differ: 2.5 and 2.501"


def test_grids_are_values():
    assert ImageGrid([5, 8], 2.5) == GRID
    assert attrs.evolve(GRID, pixel_size=2.0) != GRID
    assert pickle.loads(pickle.dumps(GRID)) == GRID
    assert repr(GRID) == "ImageGrid(shape=(5, 8), pixel_size=2.5)"
    assert len({GRID, ImageGrid((5, 8), 2.5)}) == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        GRID.pixel_size = 1.0
