"""Pixel weights: zero excludes, two duplicates."""

import numpy as np
import pytest
from helpers import BLOBS, relative_error
from numpy.testing import assert_allclose, assert_array_equal

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries
from libtilt.reconstruction import CGLS, METHODS, SIRT, TV, reconstruct
from libtilt.reconstruction.pixel_weights import fill_pixels

GEOMETRY = TiltGeometry.from_tilt_angles(range(-60, 61, 20), tilt_axis_angle=8)
SHAPE = (6, 12, 14)
ITERATIVE = pytest.mark.parametrize(
    "method", [SIRT(iterations=5), CGLS(iterations=5), TV(iterations=30)], ids=lambda m: m.name
)


def series(geometry=GEOMETRY):
    return BLOBS.tilt_series(geometry, (13, 15))


def solved(images, method, **options):
    return reconstruct(images, method, volume_shape=SHAPE, **options)


@ITERATIVE
def test_equal_weights_do_not_change_the_result(method):
    plain, weighted = (solved(series(), method, weights=w) for w in (None, 3.0))
    assert relative_error(weighted, plain) < 1e-9
    assert_allclose(weighted.residuals, plain.residuals)


@ITERATIVE
def test_an_image_of_weight_zero_equals_a_missing_image(method):
    weights = np.ones((7, 1, 1))
    weights[[2, 5]] = 0
    spoilt = TiltSeries(series().images + 50 * (weights == 0) * series().images, GEOMETRY)
    expected = solved(series()[[0, 1, 3, 4, 6]], method, margin=0)
    assert relative_error(solved(spoilt, method, weights=weights, margin=0), expected) < 1e-9


@ITERATIVE
def test_an_image_of_weight_two_equals_a_repeated_image(method):
    weights = np.ones((7, 1, 1))
    weights[3] = 2
    expected = solved(series()[[0, 1, 2, 3, 3, 4, 5, 6]], method)
    assert relative_error(solved(series(), method, weights=weights), expected) < 1e-9


@ITERATIVE
def test_residuals_are_weighted(method):
    weights = np.random.default_rng(0).random((7, 13, 15))
    result = solved(series(), method, weights=weights, margin=0)
    images = Projector(GEOMETRY, image_grid=series().grid).forward(result).images
    wanted = series().images
    left, whole = (np.sum(weights * part**2) for part in (wanted - images, wanted))
    assert_allclose(result.residuals[-1], np.sqrt(left / whole))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_ignored_nonfinite_pixels_get_weight_zero(name, value):
    images = series().images.copy()
    lost = np.random.default_rng(1).random(images.shape) < 0.02
    images[lost] = value
    method = name if name == "wbp" else METHODS[name](iterations=5)
    ignored = solved(TiltSeries(images, GEOMETRY), method, nan="ignore")
    weighted = solved(series(), method, weights=~lost)
    assert_array_equal(ignored.data, weighted.data)
    with pytest.raises(ValueError, match="has NaN or infinite pixels"):
        solved(TiltSeries(images, GEOMETRY), name)


def test_an_image_without_finite_pixels_raises():
    images = series().images.copy()
    images[2] = np.nan
    with pytest.raises(ValueError, match=r"2 .* has no finite pixel"):
        solved(TiltSeries(images, GEOMETRY), "sirt", nan="ignore")


def test_ignoring_nan_combines_with_weights():
    images = series().images.copy()
    images[1, 2:4] = np.nan
    weights = np.random.default_rng(2).random((1, 13, 15)) + 0.1
    known = np.isfinite(images)
    expected = solved(series(), "cgls", weights=weights * known)
    found = solved(TiltSeries(images, GEOMETRY), "cgls", nan="ignore", weights=weights)
    assert_array_equal(found.data, expected.data)


def test_wbp_fills_pixels_of_weight_zero():
    blobs = GaussianBlobs.random((32, 32, 32), n=10, seed=4, sigmas=(3, 4))
    images = blobs.tilt_series(TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3)), (32, 32))
    beads = np.random.default_rng(3).random(images.shape) < 0.01
    whole, spoilt, mended = (
        reconstruct(stack, "wbp", volume_shape=(32, 32, 32), weights=weights)
        for stack, weights in (
            (images, None),
            (images + 100.0 * beads, None),
            (images + 100.0 * beads, ~beads),
        )
    )
    assert relative_error(mended, whole) < 0.02
    assert relative_error(spoilt, whole) > 1


@pytest.mark.parametrize("radius", [1, 3, 8])
def test_holes_are_filled_from_neighboring_pixels(radius):
    v, u = np.indices((40, 40)) - 20.0
    image = 10 + 0.1 * v + 0.2 * u
    known = u**2 + v**2 > radius**2
    result = fill_pixels(np.where(known, image, 1e6), known)
    assert_array_equal(result[known], image[known])
    assert np.abs(result - image).max() < 0.3 * radius


def test_pixels_far_from_known_ones_are_filled():
    known = np.zeros((50, 3), bool)
    known[0, 0] = True
    assert_allclose(fill_pixels(np.full((50, 3), 4.0), known), 4.0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((7, 13, 14)), r"weights must broadcast .* shape \(7, 13, 15\)"),
        (-1.0, "weights must be 0 or more"),
        (0.0, "weights must be 0 or more, and not all 0, got 0 to 0"),
        (np.full((7, 1, 1), np.nan), "weights has 7 NaN or infinite values"),
    ],
)
def test_invalid_weights_raise(weights, message):
    with pytest.raises(ValueError, match=message):
        solved(series(), "sirt", weights=weights)


def test_unequal_weights_raise_for_wbp():
    with pytest.raises(ValueError, match=r"weights must be 0 or one common value for .*'wbp'"):
        solved(series(), "wbp", weights=np.linspace(1, 2, 7)[:, None, None])
    with pytest.raises(ValueError, match="weights must not be 0 on a whole image"):
        solved(series(), "wbp", weights=(np.arange(7) > 0)[:, None, None])
