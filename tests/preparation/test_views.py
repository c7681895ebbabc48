"""Detection and exclusion of unusable views."""

import numpy as np
import pytest
from noisy import GEOMETRY, Dosed, dosed, holed, noise

from libtilt.preparation import exclude_views, find_flat_views, require_usable


@pytest.mark.parametrize(
    ("views", "kept"),
    [
        ([0, 3], [1, 2, 4]),
        ((-1, 4, 4), [0, 1, 2, 3]),
        (range(1, 5), [0]),
        (np.array([2, -5]), [1, 3, 4]),
        ({1}, [0, 2, 3, 4]),
        ([], [0, 1, 2, 3, 4]),
    ],
)
def test_remaining_views_keep_their_order_and_fields(views, kept):
    series = dosed(noise())
    rest = exclude_views(series, views)
    assert np.array_equal(rest.images, series.images[kept])
    assert rest.geometry == GEOMETRY[kept]
    assert rest.doses.tolist() == kept
    assert (type(rest), rest.label) == (Dosed, "lamella")


def test_excluding_no_view_shares_the_data_and_keeps_the_dtype():
    series = dosed(np.ones((5, 3, 3), np.int16))
    assert np.shares_memory(exclude_views(series, ()).images, series.images)
    assert exclude_views(series, [0]).dtype == np.int16


@pytest.mark.parametrize(("views", "unknown"), [([1, 5], 5), ([-6], -6)])
def test_errors_name_unknown_views(views, unknown):
    message = rf"views must lie between -5 and 4 for 5 images, got \[{unknown}\]; indices start"
    with pytest.raises(IndexError, match=message):
        exclude_views(dosed(noise()), views)


@pytest.mark.parametrize(
    "views", [3, [1.0], "12", None, [[1]], [True, False], np.array([True, False, True, True, True])]
)
def test_views_other_than_integers_raise(views):
    with pytest.raises(
        ValueError, match=r"views must be a sequence of integers, got .*flatnonzero"
    ):
        exclude_views(dosed(noise()), views)


def test_excluding_all_views_raises():
    with pytest.raises(ValueError, match="views must leave at least one of 5 images, got all"):
        exclude_views(dosed(noise()), range(5))


def test_flat_views_are_found_and_can_be_excluded():
    images = noise()
    assert find_flat_views(dosed(images)) == ()
    images[1] = 0.1
    images[2] = np.nan
    images[4] = 3
    images[4, 5, 5] = np.inf
    series = dosed(images)
    assert find_flat_views(series) == (1, 2, 4)
    assert exclude_views(series, find_flat_views(series)).doses.tolist() == [0, 3]
    assert find_flat_views(dosed(np.zeros((5, 3, 3), np.uint8))) == (0, 1, 2, 3, 4)


def test_a_usable_series_passes():
    assert require_usable(dosed(noise())) is None
    assert require_usable(dosed(noise().astype(np.int16))) is None


def test_the_error_names_unusable_images_and_remedies():
    message = (
        r"images of tilt_series must be usable, "
        r"but image 1 \(tilt angle -30\.00\) has NaN or infinite pixels, "
        r"image 3 \(tilt angle 30\.00\) is flat, "
        r"image 4 \(tilt angle 60\.00\) has no finite pixel; "
        r"exclude them \(exclude_views\(tilt_series, \[1, 3, 4\]\)"
    )
    with pytest.raises(ValueError, match=message):
        require_usable(holed())
    require_usable(exclude_views(holed(), [1, 3, 4]))
