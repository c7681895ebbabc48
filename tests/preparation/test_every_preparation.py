"""Properties of every preparation: fields, dtypes, memory, errors."""

import tracemalloc

import numpy as np
import pytest
from noisy import GEOMETRY, Dosed, dosed, holed, noise

from libtilt import TiltGeometry, TiltSeries
from libtilt.errors import ArgumentError
from libtilt.preparation import (
    exclude_views,
    find_flat_views,
    replace_outliers,
    require_usable,
    subtract_plane,
    taper_edges,
)

EVERY = {
    "replace_outliers": replace_outliers,
    "subtract_plane": subtract_plane,
    "taper_edges": lambda series: taper_edges(series, width=6),
    "exclude_views": lambda series: exclude_views(series, []),
}
CHANGING = {name: prepare for name, prepare in EVERY.items() if name != "exclude_views"}


def each(preparations):
    return pytest.mark.parametrize("prepare", preparations.values(), ids=list(preparations))


@each(EVERY)
def test_preparation_keeps_the_class_and_other_fields(prepare):
    prepared = prepare(dosed(noise()))
    assert (type(prepared), prepared.shape) == (Dosed, (5, 40, 48))
    assert prepared.geometry == GEOMETRY
    assert (prepared.pixel_size, prepared.label) == (2.5, "lamella")
    assert prepared.doses.tolist() == [0, 1, 2, 3, 4]


@each(CHANGING)
@pytest.mark.parametrize(
    ("given", "got"),
    [("f4", "f4"), (">f4", "f4"), ("f8", "f8"), ("f2", "f4"), ("i2", "f4"), ("u1", "f4")],
)
def test_prepared_images_are_float32_or_float64(prepare, given, got):
    images = (10 * noise()).astype(given)
    prepared = prepare(dosed(images))
    assert prepared.dtype == np.dtype(got)
    assert np.array_equal(prepared.images, prepare(dosed(images.astype(got))).images)


@each(CHANGING)
def test_input_images_are_neither_changed_nor_shared(prepare):
    images = noise()
    before = images.copy()
    prepared = prepare(dosed(images))
    assert np.array_equal(images, before)
    assert not np.shares_memory(prepared.images, images)


@each(CHANGING)
def test_an_image_does_not_depend_on_its_neighbors(prepare):
    series = dosed(noise())
    alone = np.concatenate([prepare(view).images for view in series])
    assert np.array_equal(prepare(series).images, alone)


@each(CHANGING)
def test_preparation_needs_little_more_memory_than_its_result(prepare):
    images = np.random.default_rng(2).normal(size=(60, 64, 64)).astype(np.float32)
    series = TiltSeries(images, TiltGeometry.from_tilt_angles(np.arange(60)))
    prepare(series[:1])
    tracemalloc.start()
    prepare(series)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * images.nbytes


@pytest.mark.parametrize("prepare", [*EVERY.values(), find_flat_views, require_usable])
def test_an_array_in_place_of_a_series_raises(prepare):
    with pytest.raises(TypeError, match="must be a TiltSeries, got ndarray; create one"):
        prepare(noise())


@pytest.mark.parametrize("prepare", [CHANGING["subtract_plane"], CHANGING["taper_edges"]])
def test_the_error_for_nan_names_all_images(prepare):
    message = (
        r"but image 1 \(tilt angle -30\.00\) has NaN or infinite pixels, "
        r"image 4 \(tilt angle 60\.00\) has NaN .*; "
        r"exclude them \(exclude_views\(.*, \[1, 4\]\)\), "
        r"or replace pixels \(replace_outliers\)"
    )
    with pytest.raises(ArgumentError, match=message) as raised:
        prepare(holed())
    assert raised.value.arguments == ("exclude_views", "replace_outliers", "nan")
