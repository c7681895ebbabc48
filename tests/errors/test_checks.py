import numpy as np
import pytest

from libtilt import TiltGeometry
from libtilt.errors import checks


def test_a_locked_view_shares_memory_and_leaves_the_array_writeable():
    array = np.zeros(3)
    view = checks.locked(array)
    assert np.shares_memory(view, array)
    assert not view.flags.writeable
    assert array.flags.writeable


def test_finite_array_is_a_locked_copy():
    array = np.zeros(3)
    copy = checks.finite_array(array, "shifts")
    assert copy.dtype == np.float64
    assert not np.shares_memory(copy, array)
    assert not copy.flags.writeable


@pytest.mark.parametrize("value", [[[1, 2], [3]], ["left"], [object()]])
def test_objects_other_than_arrays_of_numbers_are_refused(value):
    with pytest.raises(ValueError, match="shifts must be numbers in a regular array"):
        checks.finite_array(value, "shifts")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_first_nonfinite_value_is_named(bad):
    with pytest.raises(ValueError, match=r"shifts must be finite.*at index \[1, 0\]"):
        checks.finite_array([[0, 1], [bad, bad]], "shifts")


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("bool", "float32"),
        ("uint8", "float32"),
        ("int64", "float32"),
        ("float16", "float32"),
        ("float32", "float32"),
        (">f4", "float32"),
        ("float64", "float64"),
    ],
)
def test_types_narrower_than_float64_are_computed_in_float32(stored, computed):
    assert checks.floating_dtype(np.dtype(stored)) == computed


def test_nonfinite_values_are_counted_and_the_first_is_named():
    array = np.zeros((2, 3, 4))
    array[1, 0, 2], array[1, 2, 3] = np.nan, -np.inf
    with pytest.raises(ValueError, match=r"data has 2 NaN or infinite .* \(1, 0, 2\)"):
        checks.require_finite(array, "data")


@pytest.mark.parametrize("array", [np.full(4, 1e308), np.full(4, np.float16(6e4)), np.arange(4)])
def test_finite_values_with_an_infinite_sum_pass(array):
    checks.require_finite(array, "data")


def test_infinities_that_cancel_are_found():
    with pytest.raises(ValueError, match="data has 2 NaN or infinite values"):
        checks.require_finite(np.array([np.inf, -np.inf, 0]), "data")


@pytest.mark.parametrize("value", [5, (4, 5), (4, 5, 0), (4, 5, 6.0), "abc", None])
def test_a_shape_is_three_positive_integers(value):
    with pytest.raises(ValueError, match="shape must be 3 positive integers, got"):
        checks.shape_of(value, 3, "shape")


def test_a_shape_of_numpy_integers_becomes_a_tuple_of_int():
    shape = checks.to_volume_shape(np.array([4, 5, 6]))
    assert shape == (4, 5, 6)
    assert all(type(n) is int for n in shape)
    assert checks.to_image_shape([4, 5]) == (4, 5)


@pytest.mark.parametrize("value", [2.0, [2], (2, 2, 2)])
def test_a_voxel_size_is_one_length_or_three(value):
    voxel_size = checks.to_voxel_size(value)
    assert voxel_size.tolist() == [2.0, 2.0, 2.0]
    assert not voxel_size.flags.writeable


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "positive, in Å, got 0$"),
        (-1, "positive"),
        ((1, 2, 0), "positive"),
        (1e-40, "at least 1e-30, in Å"),
        ((1, 2), "one length in Å, or three"),
        (np.ones((3, 1)), "one length in Å, or three"),
        ([], "one length in Å, or three"),
    ],
)
def test_a_voxel_size_that_is_not_a_length_is_refused(value, message):
    with pytest.raises(ValueError, match=f"voxel_size must be {message}"):
        checks.to_voxel_size(value)


@pytest.mark.parametrize("value", [0, -2.0, [1, 2]])
def test_a_pixel_size_is_one_positive_number(value):
    with pytest.raises(ValueError, match="pixel_size must be one positive number, got"):
        checks.to_pixel_size(value)


@pytest.mark.parametrize("value", [[1, 2], [[1, 2, 3]]])
def test_per_tilt_values_are_one_or_one_per_tilt(value):
    with pytest.raises(ValueError, match=r"x_tilts must be one number or one per tilt.*\(3,\)"):
        checks.per_tilt_values(value, 3, "x_tilts")


def test_one_value_applies_to_all_tilts():
    assert checks.per_tilt_values(5, 3, "x_tilts").tolist() == [5, 5, 5]
    assert checks.per_tilt_values([1, 2, 3], 3, "x_tilts").tolist() == [1, 2, 3]


def test_a_wrong_choice_lists_the_choices():
    assert checks.one_of("y", "axis", ("x", "y")) == "y"
    with pytest.raises(ValueError, match="axis must be one of 'x', 'y', got 'w'"):
        checks.one_of("w", "axis", ("x", "y"))


@pytest.mark.parametrize("value", [0, -1, 2.0, "2", None])
def test_a_positive_integer_is_at_least_one(value):
    assert checks.positive_integer(np.int64(2), "factor") == 2
    with pytest.raises(ValueError, match="factor must be a positive integer, got"):
        checks.positive_integer(value, "factor")


@pytest.mark.parametrize("value", [[1j, 0], np.array([1j, 0])])
def test_complex_numbers_are_refused(value):
    with pytest.raises(ValueError, match="shifts must be numbers in a regular array"):
        checks.finite_array(value, "shifts")


def test_masked_values_are_refused_and_an_empty_mask_is_accepted():
    hidden = np.ma.masked_array(np.ones((2, 2, 2)), mask=np.eye(2)[None].repeat(2, 0))
    with pytest.raises(ValueError, match=r"data has 4 masked values; .*numpy\.ma\.filled"):
        checks.real_data(hidden, "data", 3)
    with pytest.raises(ValueError, match="shifts has 1 masked values"):
        checks.finite_array(np.ma.masked_array([1.0, 2.0], mask=[True, False]), "shifts")
    shown = np.ma.masked_array(np.ones((2, 2, 2)), mask=False)
    assert checks.real_data(shown, "data", 3).shape == (2, 2, 2)


@pytest.mark.parametrize("value", [[10**400], 10**400])
def test_numbers_beyond_float64_are_refused_by_name(value):
    with pytest.raises(ValueError, match="shifts must be numbers in a regular array"):
        checks.finite_array(value, "shifts")


def test_infinite_nesting_is_refused_by_name():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="shifts must be"):
        checks.finite_array(value, "shifts")


@pytest.mark.parametrize("side", [2**63, 10**30])
def test_integers_beyond_64_bits_are_refused_by_name(side):
    with pytest.raises(ValueError, match="volume_shape must be 3 positive integers"):
        checks.to_volume_shape((side, 4, 4))
    with pytest.raises(ValueError, match="factor must be a positive integer"):
        checks.positive_integer(side, "factor")


@pytest.mark.parametrize("value", [1e-320, 1e-200, 1e308, 1e61])
def test_implausible_lengths_are_refused_by_name(value):
    with pytest.raises(ValueError, match="voxel_size must"):
        checks.to_voxel_size(value)
    with pytest.raises(ValueError, match="pixel_size must"):
        checks.to_pixel_size(value)
    assert checks.to_pixel_size(1e-10) == 1e-10


def test_implausible_angles_are_refused_by_name():
    with pytest.raises(ValueError, match=r"tilt_angles must lie between -180 and 180, got 1e\+300"):
        TiltGeometry.from_tilt_angles([1e300])
    with pytest.raises(ValueError, match="shifts must lie between"):
        TiltGeometry.from_tilt_angles([0], shifts=(1e300, 0))
