import copy
import pickle

import attrs
import numpy as np
import pytest

from libtilt import TiltGeometry, TiltSeries, Volume

DATA = np.arange(1, 25, dtype=np.float32).reshape(2, 3, 4)
VOLUME = Volume(DATA, voxel_size=(1, 2, 3), origin=(4, 5, 6))
SERIES = TiltSeries(DATA, TiltGeometry.from_tilt_angles([-3, 3], shifts=(1, 2)), pixel_size=2)

both = pytest.mark.parametrize("image_data", [VOLUME, SERIES], ids=["Volume", "TiltSeries"])


def assert_same_metadata(one, other):
    assert type(one) is type(other)
    for field in attrs.fields(type(one)):
        if field.name != one._array_name:
            same = np.array_equal if isinstance(getattr(one, field.name), np.ndarray) else None
            first, second = getattr(one, field.name), getattr(other, field.name)
            assert same(first, second) if same else first == second


@both
def test_numpy_sees_the_data_read_only_and_without_a_copy(image_data):
    array = np.asarray(image_data)
    assert type(array) is np.ndarray
    assert np.shares_memory(array, DATA)
    assert not array.flags.writeable
    assert DATA.flags.writeable


@both
def test_numpy_copies_on_request(image_data):
    for array in (np.array(image_data), image_data.__array__(copy=True)):
        assert not np.shares_memory(array, DATA)
        assert array.flags.writeable
    assert np.asarray(image_data, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="converting float32 to float64 needs a copy"):
        image_data.__array__(np.float64, copy=False)


@both
def test_shape_dtype_and_length_are_those_of_the_data(image_data):
    assert image_data.shape == (2, 3, 4)
    assert image_data.dtype == np.float32
    assert (image_data.ndim, image_data.size, len(image_data)) == (3, 24, 2)
    assert len(list(image_data)) == 2


@both
@pytest.mark.parametrize(
    "expression",
    [
        lambda a: a * 2,
        lambda a: 2.5 - a,
        lambda a: -a,
        lambda a: abs(a) ** 2 // 3,
        lambda a: a + a,
        lambda a: a / DATA,
        lambda a: DATA - a,
        lambda a: a + np.arange(4, dtype=np.float32),
        lambda a: np.sqrt(a),
        lambda a: np.maximum(a, 7, dtype=np.float64),
    ],
)
def test_arithmetic_is_that_of_the_data_and_keeps_the_metadata(image_data, expression):
    result = expression(image_data)
    expected = expression(DATA)
    assert_same_metadata(result, image_data)
    assert result.dtype == expected.dtype
    assert np.array_equal(np.asarray(result), expected)


@both
@pytest.mark.parametrize("ufunc", [np.modf, lambda a: divmod(a, 5)])
def test_both_results_of_a_ufunc_keep_the_metadata(image_data, ufunc):
    results = ufunc(image_data)
    for result, expected in zip(results, ufunc(DATA), strict=True):
        assert_same_metadata(result, image_data)
        assert np.array_equal(np.asarray(result), expected)


@both
def test_comparisons_give_plain_arrays(image_data):
    for result in (image_data > 5, image_data == image_data, np.isfinite(image_data)):
        assert type(result) is np.ndarray
        assert result.dtype == np.bool_
    assert np.array_equal(image_data > 5, DATA > 5)


@both
def test_reductions_give_plain_numbers_and_arrays(image_data):
    for reduce in (np.mean, np.sum, np.max, np.std):
        assert reduce(image_data) == reduce(DATA)
    assert isinstance(np.mean(image_data), np.floating)
    assert np.array_equal(np.sum(image_data, axis=0), DATA.sum(axis=0))
    assert type(np.add.accumulate(image_data)) is np.ndarray


@both
def test_ufunc_results_are_written_to_a_plain_out_array(image_data):
    out = np.zeros_like(DATA)
    assert np.multiply(image_data, 2, out=out) is out
    out += image_data
    assert np.array_equal(out, 3 * DATA)


@both
def test_image_data_are_not_changed_in_place(image_data):
    with pytest.raises(TypeError, match=r"is read-only: write `a = a \+ b` instead of"):
        image_data += 1
    with pytest.raises(TypeError, match="is read-only"):
        np.add(DATA, 1, out=image_data)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(image_data)[0] = 0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(image_data, image_data._array_name, DATA)
    assert DATA.ravel()[0] == 1


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"shapes differ: \(2, 3, 4\) and \(2, 3, 3\)"):
        VOLUME + Volume(DATA[:, :, 1:], voxel_size=(1, 2, 3))
    with pytest.raises(
        ValueError, match=r"add must keep the shape \(2, 3, 4\), but gives \(5, 2, 3, 4\)"
    ):
        VOLUME + np.ones((5, 1, 1, 1))
    with pytest.raises(ValueError, match="could not be broadcast"):
        VOLUME + np.ones(5)


def test_metadata_that_do_not_agree_are_refused():
    with pytest.raises(ValueError, match=r"voxel sizes differ: \[1.0, 2.0, 3.0\] and \[1.0"):
        VOLUME + Volume(DATA)
    with pytest.raises(ValueError, match=r"pixel sizes differ: 2\.0 and 1\.0"):
        SERIES + SERIES.evolve(pixel_size=1.0)
    # Headers hold float32, so spacings agree when they are the same to its rounding.
    assert (VOLUME + VOLUME.evolve(voxel_size=VOLUME.voxel_size * 1.00001)).shape == VOLUME.shape
    assert (SERIES + SERIES.evolve(pixel_size=2.00001)).pixel_size == 2.0


def test_a_volume_and_a_tilt_series_are_not_combined():
    with pytest.raises(TypeError, match="cannot combine Volume and TiltSeries; to combine"):
        VOLUME + SERIES
    assert type(VOLUME + np.asarray(SERIES)) is Volume


@both
def test_complex_results_are_refused(image_data):
    with pytest.raises(TypeError, match="must be real numbers, got dtype complex64; take the"):
        image_data * np.complex64(1j)


@both
def test_astype_keeps_the_metadata_and_copies_only_if_needed(image_data):
    assert_same_metadata(image_data.astype("int16"), image_data)
    assert image_data.astype("int16").dtype == np.int16
    assert np.shares_memory(np.asarray(image_data.astype("float32")), DATA)


@both
def test_evolve_makes_a_changed_copy_of_the_same_kind(image_data):
    changed = image_data.evolve(**{image_data._array_name: DATA[::-1]})
    assert_same_metadata(changed, image_data)
    assert np.array_equal(np.asarray(changed), DATA[::-1])
    with pytest.raises(TypeError, match="color"):
        image_data.evolve(color=1)


@both
@pytest.mark.parametrize("copier", [lambda a: pickle.loads(pickle.dumps(a)), copy.deepcopy])
def test_a_copy_through_pickle_is_equal_and_still_read_only(image_data, copier):
    copied = copier(image_data)
    assert_same_metadata(copied, image_data)
    assert np.array_equal(np.asarray(copied), DATA)
    for value in vars(copied).values():
        assert not (isinstance(value, np.ndarray) and value.flags.writeable)


def test_operations_with_other_array_libraries_are_delegated():
    class Foreign:
        def __array_ufunc__(self, *_, **__):
            return "foreign"

    assert Volume(np.ones((2, 2, 2))) + Foreign() == "foreign"


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_normalizing_does_not_depend_on_the_scale(scale):
    data = np.random.default_rng(0).normal(size=(3, 4, 5))
    volume, scaled = Volume(data).normalize(), Volume(data * scale).normalize()
    assert np.allclose(scaled.data, volume.data, rtol=1e-12, atol=1e-12)
    geometry = TiltGeometry.from_tilt_angles([-3, 0, 3])
    images = TiltSeries(data, geometry).normalize().images
    again = TiltSeries(data * scale, geometry).normalize().images
    assert np.allclose(again, images, rtol=1e-12, atol=1e-12)


REDUCTIONS = ["sum", "mean", "std", "min", "max"]


@both
@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(
    "options", [{}, {"axis": 0}, {"axis": (1, -1)}, {"axis": 2, "keepdims": 1}]
)
def test_statistics_are_those_of_the_array(image_data, name, options):
    expected = getattr(DATA, name)(**options)
    for result in (getattr(image_data, name)(**options), getattr(np, name)(image_data, **options)):
        assert type(result) is type(expected)
        assert result.dtype == expected.dtype
        assert np.array_equal(result, expected)


@both
def test_statistics_take_the_options_of_numpy(image_data):
    assert image_data.sum(dtype=np.float64).dtype == np.float64
    assert image_data.std(ddof=1) == np.std(image_data, ddof=1) == DATA.std(ddof=1)
    assert image_data.max(initial=99, where=DATA < 5) == 99
    assert np.mean(image_data, where=DATA < 5) == DATA[DATA < 5].mean()
    out = np.empty(DATA.shape[1:], np.float32)
    assert np.sum(image_data, axis=0, out=out) is out
    assert np.array_equal(out, DATA.sum(axis=0))
    with pytest.raises(TypeError, match="unexpected keyword"):
        image_data.mean(axes=0)
    with pytest.raises(ValueError, match="axis 3 is out of bounds"):
        image_data.mean(axis=3)


@both
def test_narrow_integers_add_up_without_overflow(image_data):
    bright = image_data.evolve(**{image_data._array_name: np.full((2, 3, 4), 200, np.uint8)})
    assert bright.sum() == np.sum(bright) == 4800
    assert bright.mean() == 200.0


@both
@pytest.mark.parametrize("function", [np.median, np.ptp, np.cumsum, np.sort, np.argmax, np.ravel])
def test_other_functions_of_numpy_give_plain_arrays_and_numbers(image_data, function):
    result = function(image_data)
    assert isinstance(result, np.ndarray | np.generic)
    assert np.array_equal(result, function(DATA))


@both
def test_only_real_types_are_converted_to(image_data):
    converted = image_data.astype(np.int16)
    assert_same_metadata(converted, image_data)
    assert converted.dtype == np.int16
    with pytest.raises(TypeError, match="must be real numbers, got dtype complex64"):
        image_data.astype(np.complex64)
