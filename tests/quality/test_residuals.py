"""Residuals, reprojections and half sets."""

import numpy as np
import pytest
from helpers import ANY_ROTATION, BLOBS, SINGLE_AXIS

from libtilt import Projector, TiltSeries, Volume
from libtilt.errors import LibtiltWarning
from libtilt.quality import frc, fsc, reprojection_frc, residual_per_tilt, split_even_odd


def pair(shape, voxel_size=1.0, seed=0, dtype=np.float64):
    """Two volumes that share half of their power, with means."""
    signal, *noise = np.random.default_rng(seed).normal(size=(3, *shape))
    data = (signal + part + mean for part, mean in zip(noise, (0.3, -2.0), strict=True))
    return tuple(Volume(part.astype(dtype), voxel_size=voxel_size) for part in data)


def test_fsc_outside_shell_zero_ignores_means_in_single_precision():
    first, second = pair((16, 16, 16))
    lifted = fsc((first + 1000.0).astype("float32"), second.astype("float32")).correlation
    plain = fsc(first, second).correlation
    assert np.allclose(lifted[1:], plain[1:], rtol=0, atol=1e-4)
    assert (round(lifted[0], 12), round(plain[0], 12)) == (-1.0, -1.0)


PROJECTOR = Projector(SINGLE_AXIS, backend="scipy")
VOLUME = BLOBS.volume((20, 20, 20))
DATA = PROJECTOR.forward(VOLUME)


def test_the_residual_is_zero_for_a_perfect_volume_and_one_for_an_empty_one():
    assert residual_per_tilt(PROJECTOR, VOLUME, DATA).tolist() == [0.0] * 5
    assert np.allclose(residual_per_tilt(PROJECTOR, 0 * VOLUME, DATA), 1.0, rtol=1e-14)
    assert np.allclose(residual_per_tilt(PROJECTOR, 3 * VOLUME, DATA), 2.0, rtol=1e-12)
    wrong = DATA.evolve(images=DATA.images * np.array([1, 2, 1, 1, 1])[:, None, None])
    assert np.allclose(residual_per_tilt(PROJECTOR, VOLUME, wrong), [0, 0.5, 0, 0, 0])


def test_the_residual_is_the_norm_of_the_difference():
    images = np.random.default_rng(10).normal(size=DATA.shape)
    expected = np.linalg.norm(DATA.images - images, axis=(1, 2))
    expected /= np.linalg.norm(images, axis=(1, 2))
    got = residual_per_tilt(PROJECTOR, VOLUME, DATA.evolve(images=images))
    assert np.allclose(got, expected, rtol=1e-12)


def test_the_residual_of_an_image_of_zeros_is_never_nan():
    images = DATA.images.copy()
    images[2] = 0
    assert residual_per_tilt(PROJECTOR, VOLUME, DATA.evolve(images=images))[2] == np.inf
    assert residual_per_tilt(PROJECTOR, 0 * VOLUME, DATA.evolve(images=images))[2] == 0
    huge = residual_per_tilt(PROJECTOR, VOLUME, DATA * 1e200)
    assert np.allclose(huge, 1.0, rtol=1e-12)


def test_a_missing_image_grid_is_taken_from_the_data():
    fine = VOLUME.evolve(voxel_size=2.0)
    data = Projector(SINGLE_AXIS, image_shape=(9, 14), pixel_size=3.0).forward(fine)
    assert residual_per_tilt(Projector(SINGLE_AXIS), fine, data).max() < 1e-12
    curves = reprojection_frc(Projector(SINGLE_AXIS), fine, data)
    assert np.allclose(curves.correlation, 1.0, rtol=0, atol=1e-9)
    assert curves.correlation.shape == (5, 8)


@pytest.mark.parametrize("pixel_size", [1.0, 2.0, 3.0])
def test_reprojections_use_the_pixel_size_of_the_images(pixel_size):
    box = Volume(VOLUME.data, voxel_size=(1.0, 2.0, 3.0))
    data = Projector(SINGLE_AXIS, image_shape=(17, 18), pixel_size=pixel_size).forward(box)
    assert residual_per_tilt(Projector(SINGLE_AXIS), box, data).max() < 1e-12


def test_reprojection_frc_detects_noise_and_uses_the_projectors_geometry():
    noise = np.random.default_rng(11).normal(size=DATA.shape) * DATA.images.std()
    noisy = (DATA + noise).evolve(geometry=ANY_ROTATION)
    with pytest.warns(LibtiltWarning, match="and replaces it"):
        curves = reprojection_frc(PROJECTOR, VOLUME, noisy)
    assert np.allclose(curves.correlation, frc(DATA, DATA + noise).correlation, rtol=0, atol=1e-12)
    assert (curves.correlation[:, 1] > 0.5).all()
    assert np.abs(curves.correlation[:, -3:]).mean() < 0.3


def test_even_and_odd_tilts_make_the_whole():
    class Series(TiltSeries):
        """A subclass."""

    series = Series(np.arange(5.0).reshape(5, 1, 1), SINGLE_AXIS)
    even, odd = split_even_odd(series)
    assert (even.images.ravel().tolist(), odd.images.ravel().tolist()) == ([0, 2, 4], [1, 3])
    assert even.geometry == SINGLE_AXIS[::2]
    assert odd.geometry == SINGLE_AXIS[1::2]
    assert type(even) is type(odd) is Series
    assert np.shares_memory(even.images, series.images)


IMAGES = TiltSeries(np.ones((5, 6, 7)), SINGLE_AXIS)


@pytest.mark.parametrize("judge", [residual_per_tilt, reprojection_frc])
@pytest.mark.parametrize(
    ("projector", "volume", "series", "message"),
    [
        (PROJECTOR, VOLUME * np.nan, DATA, "volume has 8000 NaN"),
        (PROJECTOR, VOLUME, DATA * np.nan, "tilt_series has 2000 NaN"),
        (PROJECTOR, VOLUME, DATA[:4], "one image per tilt of the projector: expected 5, got 4"),
        (PROJECTOR.evolve(image_shape=(20, 21)), VOLUME, DATA, r"image_shape \(20, 21\), got"),
        (PROJECTOR.evolve(pixel_size=2.0), VOLUME, DATA, "projector's pixel_size 2.0, got 1.0"),
        (PROJECTOR.evolve(volume_shape=(4, 5, 6)), VOLUME, DATA, r"\(4, 5, 6\), got \(20, 20, 2"),
    ],
)
def test_data_inconsistent_with_the_projector_raise(judge, projector, volume, series, message):
    with pytest.raises(ValueError, match=message):
        judge(projector, volume, series)


@pytest.mark.parametrize("judge", [residual_per_tilt, reprojection_frc])
def test_errors_name_arguments_of_the_wrong_type(judge):
    with pytest.raises(TypeError, match="projector must be a Projector, got TiltGeometry"):
        judge(SINGLE_AXIS, VOLUME, DATA)
    with pytest.raises(TypeError, match="volume must be a Volume, got ndarray"):
        judge(PROJECTOR, VOLUME.data, DATA)
    with pytest.raises(TypeError, match="tilt_series must be a TiltSeries, got"):
        judge(PROJECTOR, VOLUME, DATA.images)


def test_split_even_odd_raises_for_fewer_than_two_tilts():
    with pytest.raises(ValueError, match="tilt_series must have at least 2 tilts to be split"):
        split_even_odd(IMAGES[:1])
    with pytest.raises(TypeError, match="tilt_series must be a TiltSeries, got ndarray"):
        split_even_odd(IMAGES.images)


@pytest.mark.parametrize("measure", [residual_per_tilt, reprojection_frc])
def test_measures_by_other_tilts_warn_at_the_call(measure):
    other = DATA.evolve(geometry=ANY_ROTATION)
    with pytest.warns(LibtiltWarning, match="tilt angles by up to .* and replaces it") as record:
        measure(PROJECTOR, VOLUME, other)
    assert [one.filename for one in record] == [__file__]
