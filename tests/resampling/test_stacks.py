"""Aligned and cropped images, compared with the closed form, and their geometry."""

import tracemalloc

import attrs
import numpy as np
import pytest
from helpers import BLOBS, options_without_names, relative_error

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, resampling

WIDE = GaussianBlobs(
    [[9, -7, 6], [-8, 9, -4], [2, 3, 10]], sigmas=[3, 3.5, 4], amplitudes=[1, 2, 3]
)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"tilt_axis_angle": 33}, id="axis"),
        pytest.param({"tilt_axis_angle": [84, 85, 86, 87]}, id="an axis per tilt"),
        pytest.param({"shifts": [[3.3, -2], [0, 0.5], [-4.1, 1], [2, 2]]}, id="shifts"),
        pytest.param({"x_tilts": [2, 3, -4, 0], "tilt_axis_angle": -60}, id="x-tilts"),
        pytest.param(
            {"magnifications": [[1.04, 0.02], [-0.03, 0.96]], "tilt_axis_angle": 12}, id="magnified"
        ),
    ],
)
@pytest.mark.parametrize(("shape", "pixel_size"), [((64, 65), 1.0), ((52, 49), 1.3)])
def test_aligned_images_are_those_of_the_canonical_geometry(options, shape, pixel_size):
    geometry = TiltGeometry.from_tilt_angles([-50, -10, 20, 60], **options)
    series = WIDE.tilt_series(geometry, shape, pixel_size=pixel_size)
    aligned = series.align()
    expected = WIDE.tilt_series(aligned.geometry, shape, pixel_size=pixel_size)
    inner = np.s_[:, 12:-12, 12:-12]
    assert relative_error(aligned.images[inner], expected.images[inner]) < 2e-3
    found = aligned.geometry
    assert np.abs(found.tilt_axis_angles).max() < 1e-12
    assert np.allclose(found.tilt_angles, geometry.tilt_angles, atol=1e-9)
    assert np.allclose(found.x_tilts, geometry.x_tilts, atol=1e-9)
    assert not found.shifts.any()
    assert np.array_equal(found.magnifications, np.tile(np.eye(2), (4, 1, 1)))


def test_an_axis_near_x_may_swap_width_and_height():
    geometry = TiltGeometry.from_tilt_angles([-20, 30], tilt_axis_angle=90)
    series = WIDE.tilt_series(geometry, (50, 70))
    aligned = series.align(image_shape=(70, 50))
    expected = WIDE.tilt_series(aligned.geometry, (70, 50))
    assert aligned.shape == (2, 70, 50)
    inner = np.s_[:, 1:-1, 1:-1]
    assert relative_error(aligned.images[inner], expected.images[inner]) < 1e-3


def test_aligned_images_are_not_resampled():
    series = WIDE.tilt_series(TiltGeometry.from_tilt_angles([-20, 30]), (20, 21))
    assert np.shares_memory(series.align().images, series.images)


@pytest.mark.parametrize(
    ("dtype", "result"), [("f4", "f4"), ("f8", "f8"), ("i2", "f4"), ("f2", "f4")]
)
def test_number_types_follow_the_rule(dtype, result):
    geometry = TiltGeometry.from_tilt_angles([0], shifts=(0.5, 0))
    series = TiltSeries(np.ones((1, 9, 9), dtype=dtype), geometry)
    assert series.align().dtype == result
    assert series.extract([0, 0, 0], 3, resample=True)[0].dtype == result
    assert series.extract([0, 0, 0], 3)[0].dtype == result
    still = series.evolve(geometry=TiltGeometry.from_tilt_angles([0]))
    assert still.align().dtype == result


def test_pixels_outside_an_image_are_its_mean_or_a_number():
    geometry = TiltGeometry.from_tilt_angles([0], shifts=(20, 0))
    images = np.random.default_rng(0).normal(size=(1, 16, 16))
    series = TiltSeries(images, geometry)
    assert np.allclose(series.align().images[0, :, -5:], images.mean())
    assert np.allclose(series.align(fill=7.0).images[0, :, -5:], 7)
    last = np.repeat(images[0, :, -1:], 5, axis=1)
    assert np.allclose(series.align(fill="edge").images[0, :, -5:], last)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 2}, "order must be one of 1, 3, got 2"),
        ({"fill": "wrap"}, 'fill must be "mean", "edge" or a number'),
        ({"fill": [1, 2]}, 'fill must be "mean", "edge" or one number'),
        ({"image_shape": (3,)}, "image_shape must be 2 positive integers"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    geometry = TiltGeometry.from_tilt_angles([0], shifts=(1, 0))
    with pytest.raises(ValueError, match=message):
        TiltSeries(np.ones((1, 4, 4)), geometry).align(**options)
    with pytest.raises(ValueError, match="images has 1 NaN"):
        TiltSeries(np.array([[[1, np.nan]]]), geometry).align()


POINTS = np.array([[4.5, -2.0, 5.0], [-5.0, 3.5, -1.5], [0, 0, 0]])
TURNED = TiltGeometry.from_tilt_angles(
    [-50, -10, 20], tilt_axis_angle=[80, 81, 82], x_tilts=2, shifts=[[1.3, 2], [0, -0.4], [3, 1]]
).evolve(magnifications=[[1.03, 0.01], [0.02, 0.98]])


@pytest.mark.parametrize("size", [15, 16, (13, 18)])
@pytest.mark.parametrize("pixel_size", [1.0, 1.6])
def test_a_small_series_is_that_of_the_moved_specimen(size, pixel_size):
    series = BLOBS.tilt_series(TURNED, (60, 61), pixel_size=pixel_size)
    for point, small in zip(POINTS, series.extract(POINTS, size), strict=True):
        moved = attrs.evolve(BLOBS, centers=BLOBS.centers - point)
        shape = small.shape[1:]
        expected = moved.tilt_series(small.geometry, shape, pixel_size=pixel_size)
        assert np.abs(small.images - expected.images).max() < 1e-12 * series.images.max()
        assert np.abs(small.geometry.shifts).max() <= pixel_size / 2 + 1e-12


def test_a_resampled_small_series_has_its_point_at_the_center():
    series = WIDE.tilt_series(TURNED, (80, 81))
    (small,) = series.extract(POINTS[0], 24, resample=True)
    assert not small.geometry.shifts.any()
    moved = attrs.evolve(WIDE, centers=WIDE.centers - POINTS[0])
    assert relative_error(small, moved.tilt_series(small.geometry, (24, 24))) < 1e-3


PLACES = [[0, 0, 0], [-15.3, 12.6, 0], [17, 17, 0]]


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("fill", ["mean", "edge", 2.5])
@pytest.mark.parametrize("point", [*PLACES, [-80, 3, 0], [80, 3, 0], [3, -80, 0], [3, 80, 0]])
def test_a_resampled_box_equals_the_shifted_image(order, fill, point):
    images = np.random.default_rng(1).normal(size=(1, 50, 51))
    geometry = TiltGeometry.from_tilt_angles([0], shifts=(0.3, -0.4))
    series = TiltSeries(images, geometry)
    (box,) = series.extract(point, 16, resample=True, outside="pad", fill=fill, order=order)
    about = geometry.evolve(shifts=geometry.shifts + point[:2])
    whole = series.evolve(geometry=about).align(image_shape=(16, 16), fill=fill, order=order)
    assert np.abs(box.images - whole.images).max() < 1e-5


def test_a_box_between_pixels_lies_in_the_image_or_is_left_out():
    images = np.random.default_rng(1).normal(size=(4, 20, 20))
    moved = [[0.0, 0], [0.3, 0], [-0.3, 0], [0, -0.2]]
    series = TiltSeries(images, TiltGeometry.from_tilt_angles([0, 1, 2, 3], shifts=moved))
    (left,) = series.extract([-6, 0, 0], 8, resample=True)
    assert left.geometry.tilt_angles.round(6).tolist() == [0, 1, 3]
    (corner,) = series.extract([-6, -6, 0], 8, resample=True)
    assert corner.geometry.tilt_angles.round(6).tolist() == [0, 1]


def test_boxes_are_cut_without_copies_of_the_series():
    images = np.zeros((40, 200, 200), np.float32)
    series = TiltSeries(images, TiltGeometry.from_tilt_angles(np.linspace(-60, 60, 40)))
    tracemalloc.start()
    try:
        small = series.extract(np.zeros((20, 3)), 8)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(small) == 20
    assert peak < images.nbytes / 2


def test_tilts_that_do_not_show_the_whole_box_are_left_out_filled_up_or_refused():
    geometry = TiltGeometry.from_tilt_angles([0, 60], shifts=[[0, 0], [-8.75, 0]])
    images = np.random.default_rng(0).normal(size=(2, 20, 20))
    series = TiltSeries(images, geometry)
    (small,) = series.extract([-5, 0, 0], 8)
    assert len(small) == 1
    assert small.geometry.tilt_angles[0] == pytest.approx(0)
    (padded,) = series.extract([-5, 0, 0], 8, outside="pad", fill=0.0)
    assert len(padded) == 2
    assert padded.images[1, :, 0].tolist() == [0.0] * 8
    assert np.array_equal(padded.images[1, :, -1], images[1, 6:14, 2])
    with pytest.raises(ValueError, match=r"does not fit in image 1: choose a smaller size"):
        series.extract([-5, 0, 0], 8, outside="raise")
    with pytest.raises(ValueError, match=r"point \[-50\.0, 0\.0, 0\.0\] does not fit in any image"):
        series.extract([-50, 0, 0], 8)
    (far,) = series.extract([-50, 0, 0], 8, outside="pad", fill=3.0)
    assert (far.images == 3).all()


@pytest.mark.parametrize(
    ("points", "size", "message"),
    [
        ([[1, 2]], 4, r"points_xyz must have shape \(m, 3\), got \(1, 2\)"),
        (np.empty((0, 3)), 4, r"points_xyz must have shape \(m, 3\)"),
        ([1, 2, np.nan], 4, "points_xyz must be finite"),
        ([1, 2, 3], 0, "image_shape must be 2 positive integers"),
        ([1, 2, 3], (4, 4, 4), "image_shape must be 2 positive integers"),
    ],
)
def test_points_and_sizes_that_do_not_fit_are_refused(points, size, message):
    series = TiltSeries(np.ones((1, 9, 9)), TiltGeometry.from_tilt_angles([0]))
    with pytest.raises(ValueError, match=message):
        series.extract(points, size)
    with pytest.raises(ValueError, match="outside must be one of 'drop', 'pad', 'raise'"):
        series.extract([0, 0, 0], 3, outside="wrap")


def test_subclasses_keep_their_class_and_fields():
    @attrs.frozen(slots=False, eq=False)
    class Dosed(TiltSeries):
        label: str = attrs.field(default="", kw_only=True)

    series = Dosed(np.ones((2, 9, 9)), TiltGeometry.from_tilt_angles([0, 3]), label="x")
    assert series.extract([0, 0, 0], 3)[0].label == "x"
    assert series.align().label == "x"


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize(("size", "least", "most"), [(8, 4, 16), (7, 3, 16)])
def test_a_box_may_reach_to_the_last_pixel_of_an_image_and_no_further(resample, size, least, most):
    """In 20 rows and 22 columns; a box about position p starts at p - size // 2."""
    series = TiltSeries(np.ones((1, 20, 22)), TiltGeometry.from_tilt_angles([0]))
    for axis, reach in ((1, (least, most)), (0, (least, most + 2))):
        for place, step in zip(reach, (-1, 1), strict=True):
            point = np.zeros(3)
            point[axis] = place - series.shape[2 - axis] // 2
            (box,) = series.extract(point, size, resample=resample)
            assert box.shape == (1, size, size)
            point[axis] += step
            with pytest.raises(ValueError, match="does not fit in any image"):
                series.extract(point, size, resample=resample)


def test_options_are_keyword_only():
    assert list(options_without_names(resampling)) == []


def test_pixels_beyond_any_side_are_filled():
    images = np.arange(1.0, 1 + 8 * 9).reshape(1, 8, 9)
    series = TiltSeries(images, TiltGeometry.from_tilt_angles([0]))
    for x, y in ((-4, 0), (4, 0), (0, -4), (0, 3)):
        (small,) = series.extract([x, y, 0], 4, outside="pad", fill=-7.0)
        padded = np.pad(images[0], 8, constant_values=-7.0)
        top, left = 8 + 4 + y - 2, 8 + 4 + x - 2
        assert np.array_equal(small.images[0], padded[top : top + 4, left : left + 4])
