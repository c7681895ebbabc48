"""Outlier replacement, plane subtraction and edge tapering."""

import numpy as np
import pytest
from noisy import dosed, holed, noise, one, planes

from libtilt.preparation import (
    exclude_views,
    replace_outliers,
    require_usable,
    subtract_plane,
    taper_edges,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_planted_outliers_are_replaced_and_the_others_untouched(dtype, seed):
    clean = noise(seed=seed).astype(dtype)
    planted = np.random.default_rng(seed).random(clean.shape) < 0.003
    images = np.where(planted, np.where(clean > 10, clean + 300, clean - 300), clean)
    mended = replace_outliers(dosed(images)).images
    assert planted.sum() > 10
    assert np.abs(mended[planted] - clean[planted]).max() < 8
    assert (mended[~planted] == images[~planted]).mean() > 0.999


def test_clusters_of_less_than_half_a_neighborhood_are_replaced():
    images = noise()
    images[:, 10:13, 20:24] += 200
    images[:, 0, :2] += 200  # Repeated beyond the corner, they are 12 of 25.
    assert replace_outliers(dosed(images)).images.max() < 50


def test_outlier_replacement_is_idempotent():
    images = noise()
    images[:, 5::11, 3::13] = -100
    once = replace_outliers(dosed(images))
    assert np.array_equal(replace_outliers(once).images, once.images)


def test_outliers_are_relative_to_the_scale_of_the_image():
    images = noise()
    images[:, 5::11, 3::13] = 100
    mended = replace_outliers(dosed(images)).images
    scaled = replace_outliers(dosed(4 * images - 16)).images
    assert np.allclose(scaled, 4 * mended - 16, rtol=1e-12)


def test_a_lower_threshold_replaces_more():
    series = dosed(noise())
    counts = [
        int((replace_outliers(series, threshold=threshold).images != series.images).sum())
        for threshold in (6, 3, 2, 1)
    ]
    assert counts[0] == 0
    assert counts == sorted(set(counts))


def test_the_square_must_be_larger_than_twice_the_cluster():
    images = noise()
    images[:, 10:14, 20:24] += 200
    assert replace_outliers(dosed(images), size=5).images.max() > 50
    assert replace_outliers(dosed(images), size=7).images.max() < 50


@pytest.mark.parametrize("shape", [(5, 5), (3, 40), (64, 64)])
@pytest.mark.parametrize("value", [-1e-3, 1e6])
def test_a_hot_pixel_in_a_flat_image_is_replaced(shape, value):
    image = np.full(shape, 7.0, np.float32)
    image[2, 3] += value
    assert (replace_outliers(one(image)).images == 7).all()


def test_a_hot_pixel_in_a_ramp_is_replaced_and_the_ramp_kept():
    ramp = np.indices((32, 32))[1].astype(np.float64)
    image = ramp.copy()
    image[10, 10] = 500
    mended = replace_outliers(one(image)).images[0]
    assert abs(mended[10, 10] - 10) <= 1
    image[10, 10] = mended[10, 10]
    assert np.array_equal(mended, image)


def test_weak_and_strong_hot_pixels_are_replaced_together():
    image = np.zeros((64, 64))
    image[5::10, 5::10] = np.geomspace(1, 1e6, 36).reshape(6, 6)
    assert not replace_outliers(one(image)).images.any()


@pytest.mark.parametrize("image", [np.zeros((8, 8)), np.full((1, 1), 3.0), np.ones((2, 9), bool)])
def test_flat_images_have_no_outliers(image):
    assert np.array_equal(replace_outliers(one(image)).images[0], image)


def test_images_of_few_counts_keep_their_counts():
    counts = np.random.default_rng(3).poisson(0.3, size=(5, 64, 64))
    hot = counts.copy()
    hot[:, 20, 20] = 1000
    kept = replace_outliers(dosed(hot)).images
    assert (kept == counts).mean() > 0.999
    assert kept.max() < 10


def test_extreme_pixels_do_not_overflow():
    image = noise()[0].astype(np.float32) - 3e38
    image[4, 4] = 3e38
    assert replace_outliers(one(image)).images.max() < -2e38


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nonfinite_pixels_get_the_local_median(value):
    images = noise()
    images[:, 20, 20:22] = value
    images[2, 0, 0] = value
    mended = replace_outliers(dosed(images)).images
    for image, result in zip(images, mended, strict=True):
        around = image[18:23, 18:23]
        assert result[20, 20] == np.median(around[np.isfinite(around)])
    finite = np.isfinite(images)
    assert np.isfinite(mended).all()
    assert np.array_equal(mended[finite], images[finite])


def test_nonfinite_clusters_get_the_median_of_the_image():
    image = noise()[0].astype(np.float32)
    image[8:24, :16] = np.nan
    mended = replace_outliers(one(image))
    assert mended.dtype == np.float32
    assert (mended.images[0, 10:22, :14] == np.median(image[np.isfinite(image)])).all()
    assert np.isfinite(mended.images).all()


def test_a_single_finite_pixel_fills_the_image():
    image = np.full((9, 9), np.nan)
    image[4, 4] = 3
    assert (replace_outliers(one(image)).images == 3).all()


def test_the_error_for_images_without_finite_pixels_names_them():
    message = (
        r"but image 4 \(tilt angle 60\.00\) has no finite pixel; exclude .*exclude_views\(.*\[4\]\)"
    )
    with pytest.raises(ValueError, match=message):
        replace_outliers(holed())
    require_usable(exclude_views(replace_outliers(holed()[:4]), [3]))


@pytest.mark.parametrize("size", [1, 4])
def test_an_even_or_small_size_raises(size):
    with pytest.raises(ValueError, match=rf"size must be an odd integer of at least 3, got {size}"):
        replace_outliers(dosed(noise()), size=size)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 5.0}, r"size must be a positive integer, got 5\.0"),
        ({"size": -3}, "size must be a positive integer, got -3"),
        ({"threshold": 0}, "threshold must be one positive number, got 0"),
        ({"threshold": np.nan}, "threshold must be finite"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(ValueError, match=message):
        replace_outliers(dosed(noise()), **options)


@pytest.mark.parametrize("shape", [(40, 48), (33, 7), (2, 2), (1, 9), (5, 1)])
def test_plane_subtraction_ignores_an_added_plane(shape):
    images = noise(shape=shape)
    flattened = subtract_plane(dosed(images)).images
    added = subtract_plane(dosed(images + planes(shape=shape))).images
    assert np.allclose(added, flattened, rtol=0, atol=1e-12)


def test_images_after_plane_subtraction_contain_no_plane():
    flattened = subtract_plane(dosed(noise() + planes()))
    v, u = np.indices((40, 48)).reshape(2, -1)
    basis = np.stack([np.ones(v.size), u, v], axis=1)
    fit, *_ = np.linalg.lstsq(basis, flattened.images.reshape(5, -1).T, rcond=None)
    assert np.abs(fit).max() < 1e-12
    assert np.abs(flattened.images.mean(axis=(1, 2))).max() < 1e-13
    assert np.allclose(subtract_plane(flattened).images, flattened.images, rtol=0, atol=1e-12)


def test_the_mean_of_each_image_can_stay():
    series = dosed(noise() + planes())
    kept = subtract_plane(series, keep_mean=True).images
    means = series.images.mean(axis=(1, 2), keepdims=True)
    assert np.allclose(kept.mean(axis=(1, 2), keepdims=True), means, rtol=1e-13)
    assert np.allclose(kept - means, subtract_plane(series).images, rtol=0, atol=1e-12)


def test_float32_images_are_fitted_in_float64():
    images = (noise() + 1e4 + 10 * planes()).astype(np.float32)
    exact = subtract_plane(dosed(images.astype(np.float64))).images
    assert np.array_equal(subtract_plane(dosed(images)).images, exact.astype(np.float32))


@pytest.mark.parametrize("width", [1, 2, 7, 20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_interior_is_kept_bit_for_bit_and_the_border_is_its_mean(width, dtype):
    images = noise().astype(dtype)
    tapered = taper_edges(dosed(images), width=width).images
    inside = (slice(None), slice(width, -width), slice(width, -width))
    assert np.array_equal(tapered[inside], images[inside])
    ring = np.ones((40, 48), bool)
    ring[1:-1, 1:-1] = False
    means = images[:, ring].mean(axis=1, dtype=np.float64)[:, np.newaxis]
    assert np.allclose(tapered[:, ring], means, rtol=np.finfo(dtype).eps)


def test_the_fall_off_is_a_raised_cosine_along_each_axis():
    image = np.zeros((30, 40))
    image[1:-1, 1:-1] = 1
    weights = taper_edges(one(image), width=8).images[0]
    profile = (1 - np.cos(np.pi * np.arange(8) / 8)) / 2
    assert np.allclose(weights[15, :8], profile)
    assert np.allclose(weights[:8, 20], profile)
    assert np.allclose(weights, np.outer(weights[:, 20], weights[15]))
    assert np.allclose(weights, weights[::-1, ::-1])


def test_tapering_preserves_an_added_constant():
    images = noise()
    tapered = taper_edges(dosed(images), width=9).images
    assert np.allclose(taper_edges(dosed(images + 50), width=9).images, tapered + 50, rtol=1e-13)


def test_tapering_reduces_edge_artifacts_along_the_axes():
    v, u = np.indices((64, 64))
    ramp = one(u + 0.5 * v)
    high = [
        np.abs(np.fft.fft2(series.images[0])[0, 16:48]).max()
        for series in (ramp, taper_edges(ramp, width=16))
    ]
    assert high[1] < 0.05 * high[0]


@pytest.mark.parametrize(
    ("width", "message"),
    [
        (21, r"width must be at most half of the smaller side of images \(40, 48\), got 21"),
        (0, "width must be a positive integer, got 0"),
        (2.5, r"width must be a positive integer, got 2\.5"),
    ],
)
def test_an_invalid_taper_width_raises(width, message):
    with pytest.raises(ValueError, match=message):
        taper_edges(dosed(noise()), width=width)
