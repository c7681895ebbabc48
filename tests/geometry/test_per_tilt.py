import json
import pickle
import re

import attrs
import numpy as np
import pytest

import libtilt
from libtilt import TiltGeometry, TiltSeries
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
    with pytest.raises(IndexError, match="one-dimensional and select at least one of 4"):
        tilt_index(index, 4)


def test_describe_array_gives_shape_and_dtype():
    assert describe_array(np.zeros((2, 3), np.float32)) == "(2, 3) float32"


def test_a_slice_index_stays_a_slice():
    assert tilt_index(slice(1, 3), 4) == slice(1, 3)


@attrs.frozen(slots=False, eq=False)
class Noted(TiltGeometry):
    _doses: np.ndarray | None = attrs.field(default=None, kw_only=True, metadata=PER_TILT)
    names: tuple[str, ...] | None = attrs.field(default=None, kw_only=True, metadata=PER_TILT)


@libtilt.frozen
class NotedSeries(TiltSeries):
    geometry: Noted = attrs.field(metadata=PER_TILT)
    doses: list[float] | None = attrs.field(default=None, kw_only=True, metadata=PER_TILT)


def noted(**fields):
    return Noted.from_tilt_angles([0, 3, -3], **fields)


def noted_series(**fields):
    geometry = fields.pop("geometry", noted())
    return NotedSeries(np.ones((3, 2, 2)), geometry, **fields)


@pytest.mark.parametrize("make", [noted, noted_series])
def test_a_field_with_another_number_of_entries_is_refused_by_name(make):
    for doses in ([1, 2], np.arange(2), (1, 2, 3, 4)):
        message = f"^doses must have one entry per tilt: expected .* of 3, got {len(doses)}$"
        with pytest.raises(ValueError, match=message):
            make(doses=doses)
        with pytest.raises(ValueError, match=message):
            make(doses=[1, 2, 3]).evolve(doses=doses)
    for doses in (5.0, np.array(5.0), "abc", {1: 2, 2: 3, 3: 4}):
        message = f"one entry per tilt: expected .* of 3, got {re.escape(repr(doses))}$"
        with pytest.raises(ValueError, match=message):
            make(doses=doses)


def test_a_geometry_that_a_subclass_declares_anew_is_still_checked():
    with pytest.raises(TypeError, match="geometry must be a TiltGeometry, got list"):
        noted_series(geometry=[0, 3, -3])
    with pytest.raises(ValueError, match="geometry must have one tilt per image: expected 3"):
        noted_series(geometry=noted()[:2])


def test_fields_of_wrong_length_in_json_are_refused_by_name():
    text = noted(doses=[1, 2, 3]).to_json()
    assert Noted.from_json(text)._doses == [1, 2, 3]
    content = json.loads(text) | {"doses": [1, 2]}
    with pytest.raises(
        ValueError, match=r"doses must have one entry per tilt: expected .* of 3, got 2"
    ):
        Noted.from_json(json.dumps(content))


@pytest.mark.parametrize("kind", [np.array, list, tuple])
def test_arrays_tuples_and_lists_follow_indexing_sorting_and_joining(kind):
    geometry = noted(doses=kind([1, 2, 3]), names=("a", "b", "c"))
    for part, order in (
        (geometry.sort(), [2, 0, 1]),
        (geometry[[True, False, True]], [0, 2]),
        (geometry[1], [1]),
        (geometry[::-1], [2, 1, 0]),
        (Noted.concatenate([geometry[2], geometry[:2]]), [2, 0, 1]),
        (pickle.loads(pickle.dumps(geometry[[1, 2]])), [1, 2]),
    ):
        assert type(part._doses) is type(geometry._doses)
        assert list(part._doses) == [[1, 2, 3][tilt] for tilt in order]
        assert part.names == tuple("abc"[tilt] for tilt in order)
    series = noted_series(geometry=geometry, doses=kind([1, 2, 3])).sort()
    assert list(series.doses) == list(series.geometry._doses) == [3, 1, 2]


def test_a_field_that_is_not_known_stays_none():
    assert noted().sort()._doses is None
    assert Noted.concatenate([noted(), noted()])._doses is None
    assert noted_series()[1:].doses is None
    with pytest.raises(ValueError, match=r"doses must be set in all geometries .* None in 1 of 2"):
        Noted.concatenate([noted(), noted(doses=[1, 2, 3])])


def test_derived_fields_are_made_anew():
    @libtilt.frozen
    class Cumulative(TiltGeometry):
        doses: np.ndarray = attrs.field(kw_only=True, converter=np.asarray, metadata=PER_TILT)
        total: float = attrs.field(init=False, metadata=PER_TILT)

        @total.default
        def _add(self):
            return np.cumsum(self.doses)

    geometry = Cumulative.from_tilt_angles([0, 3, -3], doses=[1, 2, 4])
    assert geometry[1:].total.tolist() == [2, 6]
