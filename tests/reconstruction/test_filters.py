"""Filters of weighted back-projection."""

import numpy as np
import pytest
from helpers import SINGLE_AXIS, relative_error
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries
from libtilt.reconstruction import (
    ExactFilter,
    Filter,
    RadialFilter,
    RampFilter,
    SIRTLikeFilter,
    sirt,
    wbp,
)
from libtilt.reconstruction.angular_weights import angular_weights
from libtilt.reconstruction.filters import band_limited_ramp
from libtilt.reconstruction.wbp import WBP, filter_images

# Wide for their voxels, and without symmetry.
BLOBS = GaussianBlobs(
    [[7, -4, 5], [-8, 6, -3], [1, 7, -8]], sigmas=[5, 6, 5.5], amplitudes=[1, 1.5, 2]
)


def interior_error(volume, truth):
    """The greatest error where the object is dense, relative to its density."""
    inside = truth > 0.5 * truth.max()
    return np.abs(volume - truth)[inside].max() / truth.max()


def test_filters_leave_the_direction_of_the_tilt_axis_unchanged():
    rows = np.random.default_rng(1).normal(size=16)
    images = np.tile(rows[:, np.newaxis], (3, 1, 16)) * np.hanning(16)
    series = TiltSeries(images, TiltGeometry.from_tilt_angles([-30, 0, 30]))
    volume = wbp(series, volume_shape=(1, 16, 16)).data[0]
    assert_allclose(volume[:, 8] / volume[3, 8], rows / rows[3])


@pytest.mark.parametrize("angle", [0, 30, 45, 77])
def test_the_ramp_filter_equals_a_convolution(angle):
    """Along its direction a pixel takes ``h(n)`` of what lies n pixels away, and of no copy."""
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    blob = GaussianBlobs([[*(-9 * direction), 0]], sigmas=2.5)
    straight = blob.tilt_series(TiltGeometry.from_tilt_angles([0]), (48, 48))
    image = straight.images[0]
    v, u = np.indices(image.shape) - 24.0
    along, beside = u * direction[0] + v * direction[1], u * direction[1] - v * direction[0]
    steps = np.arange(-400, 401)
    kernel = np.where(steps % 2, -1 / (np.pi * np.where(steps, steps, 1)) ** 2, 0.0)
    kernel[400] = 0.25
    profile = np.exp(-((along[..., np.newaxis] - steps + 9) ** 2) / (2 * 2.5**2)) @ kernel
    expected = profile * np.exp(-(beside**2) / (2 * 2.5**2)) * 2.5 * np.sqrt(2 * np.pi)
    geometry = TiltGeometry.from_tilt_angles([0], tilt_axis_angle=angle)
    _, filtered = filter_images(straight.evolve(geometry=geometry), WBP(), volume_shape=(1, 48, 48))
    assert relative_error(filtered.images[0] / angular_weights(geometry), expected) < 1e-4


def test_the_radial_filter_is_the_ramp_below_its_cutoff():
    frequency = np.linspace(0, 0.5, 101)
    profile = RadialFilter(0.3, 0.05).profile(frequency, 256)
    assert_allclose(profile[:61], band_limited_ramp(frequency[:61], 256))
    assert_allclose(profile[-1], 0.3 * np.exp(-0.5 * (0.2 / 0.05) ** 2), rtol=1e-3)


def test_the_sirt_like_filter_resembles_sirt():
    geometry = TiltGeometry.from_tilt_angles(np.arange(-90, 90, 3))
    # A cylinder seen by all tilts through the same thickness has SIRT's even row sums.
    blobs = GaussianBlobs([[3, 0, 2], [-5, 2, -3]], sigmas=[2, 2.5])
    series = blobs.tilt_series(geometry, (32, 32))
    error = {}
    iterated = sirt(series, volume_shape=(32, 32, 32), iterations=20).volume.data
    for iterations in (2, 20, 200):
        alike = wbp(series, volume_shape=(32, 32, 32), filter=SIRTLikeFilter(iterations, 32)).data
        error[iterations] = relative_error(alike, iterated)
    assert error[20] < 0.15
    assert error[20] < 0.5 * min(error[2], error[200])


@pytest.mark.parametrize("step", [1, 3])
def test_the_exact_filter_is_the_ramp_for_even_tilts(step):
    geometry = TiltGeometry.from_tilt_angles(range(-90, 90, step), tilt_axis_angle=25)
    u, v = np.linspace(0, 0.1, 11), np.array([0.0])
    response = ExactFilter(120).response(geometry, 4, u, v)[0]
    across = u * np.cos(np.radians(25))
    assert_allclose(response[2:], np.radians(step) * across[2:], rtol=0.12)


def test_the_exact_filter_reconstructs_from_orientations_all_around():
    blobs = GaussianBlobs([[3, -2, 4], [-4, 3, -1]], sigmas=[3, 3.5], amplitudes=[1, 2])
    rotations = Rotation.random(250, random_state=0)
    series = blobs.tilt_series(TiltGeometry.from_rotations(rotations), (32, 32))
    volume = wbp(series, volume_shape=(32, 32, 32), filter=ExactFilter(32))
    assert interior_error(volume.data, blobs.volume((32, 32, 32)).data) < 0.06


def test_a_custom_filter_needs_only_a_response():
    class Nothing(Filter):
        def response(self, geometry, tilt, u, v):
            return np.ones((len(v), len(u)))

    series = BLOBS.tilt_series(SINGLE_AXIS, (17, 18))
    plain = Projector(SINGLE_AXIS, volume_shape=(12, 17, 18), driven="voxel").adjoint(series)
    own = wbp(series, volume_shape=(12, 17, 18), filter=Nothing())
    assert relative_error(own.data, plain.data) < 1e-12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RampFilter("none"), "window must be one of"),
        (lambda: RadialFilter(0.0, 0.1), "cutoff must be one positive number"),
        (lambda: RadialFilter(0.3, -0.1), "falloff must be one positive number"),
        (lambda: SIRTLikeFilter(0, 10), "iterations must be a positive integer"),
        (lambda: SIRTLikeFilter(3, 0), "thickness must be one positive number"),
        (lambda: ExactFilter(np.nan), "diameter"),
    ],
)
def test_invalid_filter_parameters_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()
