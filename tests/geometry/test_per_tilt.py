import attrs
import numpy as np
import pytest

from libtilt.geometry.per_tilt import PER_TILT, describe_array, per_tilt_fields, tilt_index


@attrs.frozen
class Pair:
    angles: np.ndarray = attrs.field(metadata=PER_TILT)
    name: str = "pair"
    doses: np.ndarray = attrs.field(default=np.arange(3) * 2, metadata=PER_TILT)


def test_only_marked_fields_are_indexed():
    fields = per_tilt_fields(Pair(np.array([5, 6, 7])), np.array([2, 0]))
    assert {name: value.tolist() for name, value in fields.items()} == {
        "angles": [7, 5],
        "doses": [4, 0],
    }


def test_without_an_index_all_rows_are_given():
    assert per_tilt_fields(Pair(np.array([5, 6, 7])))["angles"].tolist() == [5, 6, 7]


@pytest.mark.parametrize(
    ("index", "selected"),
    [
        (1, [1]),
        (np.int64(-1), [3]),
        (slice(None, None, -1), [3, 2, 1, 0]),
        (slice(1, 99), [1, 2, 3]),
        (..., [0, 1, 2, 3]),
        ([2, 0, 2], [2, 0, 2]),
        (np.array([-1, 0]), [3, 0]),
        ([True, False, False, True], [0, 3]),
        (np.array([False, True, False, False]), [1]),
    ],
)
def test_ints_slices_masks_and_arrays_select_tilts(index, selected):
    assert np.arange(4)[tilt_index(index, 4)].tolist() == selected


@pytest.mark.parametrize("index", [4, -5, [0, 4], [True, False], "a", 1.0, [0.5], (0, 0)])
def test_an_index_that_does_not_fit_is_refused_with_the_count(index):
    with pytest.raises(IndexError, match="index does not fit 4 tilts"):
        tilt_index(index, 4)


@pytest.mark.parametrize("index", [slice(2, 2), [False] * 4, [], None, True, [[0, 1]]])
def test_no_tilt_or_two_dimensions_are_refused(index):
    with pytest.raises(IndexError, match="at least one of 4 tilts in one dimension"):
        tilt_index(index, 4)


def test_describe_array_gives_shape_and_dtype():
    assert describe_array(np.zeros((2, 3), np.float32)) == "(2, 3) float32"


def test_a_slice_index_stays_a_slice():
    assert tilt_index(slice(1, 3), 4) == slice(1, 3)
