"""Weighted back-projection: density, directions, filters and weights."""

import attrs
import numpy as np
import pytest
from helpers import EVERY_BACKEND, SINGLE_AXIS, TRILINEAR, relative_error
from numpy.testing import assert_allclose, assert_array_equal
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
from libtilt.reconstruction.filters import WINDOWS, finite_ramp
from libtilt.reconstruction.spacing import angular_weights
from libtilt.reconstruction.wbp import weighted
from libtilt.testing import make_spec

# Wide for their voxels, and without symmetry.
BLOBS = GaussianBlobs(
    [[7, -4, 5], [-8, 6, -3], [1, 7, -8]], sigmas=[5, 6, 5.5], amplitudes=[1, 1.5, 2]
)
ALL_ROUND = np.linspace(-90, 90, 90)


def turned(geometry, angle):
    """Rotation matrices with the detector turned about the beam."""
    return geometry.rotation_matrices @ Rotation.from_euler("z", -angle, degrees=True).as_matrix()


def interior_error(volume, truth):
    """The greatest error where the object is dense, relative to its density."""
    inside = truth > 0.5 * truth.max()
    return np.abs(volume - truth)[inside].max() / truth.max()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="axis along y"),
        pytest.param({"tilt_axis_angle": 33}, id="axis at 33 degrees"),
        pytest.param({"tilt_axis_angle": -85.5}, id="axis near x"),
        pytest.param({"x_tilts": 9}, id="x-tilt"),
        pytest.param({"tilt_axis_angle": np.linspace(80, 100, 90)}, id="an axis for each tilt"),
        pytest.param({"shifts": np.random.default_rng(0).uniform(-4, 4, (90, 2))}, id="shifts"),
        pytest.param(
            {"tilt_axis_angle": 20, "magnifications": [[1.04, 0.02], [-0.03, 0.97]]}, id="magnified"
        ),
    ],
)
@pytest.mark.parametrize("shape", [(56, 56, 56), (48, 57, 60)])
def test_what_was_seen_from_all_sides_comes_back_at_its_own_density(options, shape):
    geometry = TiltGeometry.from_tilt_angles(ALL_ROUND, **options)
    volume = wbp(BLOBS.tilt_series(geometry, (64, 64)), volume_shape=shape)
    assert interior_error(volume.data, BLOBS.volume(shape).data) < 0.02


@pytest.mark.parametrize(
    ("voxel_size", "pixel_size"), [((1.0, 1.0, 1.0), 1.3), ((1.0, 1.25, 0.8), 1.0), (3.0, 3.0)]
)
def test_density_does_not_depend_on_the_spacings(voxel_size, pixel_size):
    unit = np.max(voxel_size)
    blobs = attrs.evolve(BLOBS, centers=BLOBS.centers * unit, sigmas=BLOBS.sigmas * unit)
    geometry = TiltGeometry.from_tilt_angles(ALL_ROUND, tilt_axis_angle=12)
    shape = (64, 60, 66)
    truth = blobs.volume(shape, voxel_size=voxel_size)
    projector = Projector(
        geometry,
        volume_shape=shape,
        image_shape=(66, 66),
        voxel_size=voxel_size,
        pixel_size=pixel_size,
    )
    volume = wbp(projector.forward(truth), projector=projector)
    assert_allclose(volume.voxel_size, truth.voxel_size)
    assert interior_error(volume.data, truth.data) < 0.03


def test_an_image_turned_by_a_right_angle_with_its_axis_gives_the_same_volume():
    geometries = [
        TiltGeometry.from_tilt_angles(range(-60, 61, 6), tilt_axis_angle=angle)
        for angle in (7, 97, 187, -83)
    ]
    volumes = [
        wbp(BLOBS.tilt_series(geometry, (41, 41)), volume_shape=(20, 41, 41)).data
        for geometry in geometries
    ]
    for volume in volumes[1:]:
        assert relative_error(volume, volumes[0]) < 1e-10


def test_nothing_is_filtered_along_the_tilt_axis():
    rows = np.random.default_rng(1).normal(size=16)
    images = np.tile(rows[:, np.newaxis], (3, 1, 16)) * np.hanning(16)
    series = TiltSeries(images, TiltGeometry.from_tilt_angles([-30, 0, 30]))
    volume = wbp(series, volume_shape=(1, 16, 16)).data[0]
    assert_allclose(volume[:, 8] / volume[3, 8], rows / rows[3])


@pytest.mark.parametrize("backend", TRILINEAR)
def test_every_backend_gives_the_same_volume(backend):
    series = BLOBS.tilt_series(SINGLE_AXIS, (17, 18))
    expected = wbp(series, volume_shape=(12, 16, 18), backend="scipy")
    volume = wbp(series, volume_shape=(12, 16, 18), backend=backend)
    assert relative_error(volume.data, expected.data) < 1e-12


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_backend_brings_the_density_back(backend, dtype):
    blobs = GaussianBlobs([[3, -2, 2], [-4, 3, -2]], sigmas=[4, 4.5], amplitudes=[1, 2])
    shifts = np.random.default_rng(7).uniform(-3, 3, (45, 2))
    geometry = TiltGeometry.from_tilt_angles(np.linspace(-90, 86, 45), shifts=shifts)
    if backend.unsupported(make_spec("any rotation")) is None:
        geometry = geometry.evolve(rotation_matrices=turned(geometry, 15))
    series = blobs.tilt_series(geometry, (44, 46)).astype(dtype)
    volume = wbp(series, volume_shape=(32, 36, 34), backend=backend)
    assert volume.dtype == dtype
    assert interior_error(volume.data, blobs.volume((32, 36, 34)).data) < 0.05


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("angle", [0, 20])
def test_it_is_linear_and_keeps_the_kind_of_float(dtype, angle):
    geometry = TiltGeometry.from_tilt_angles(range(-60, 61, 20), tilt_axis_angle=angle)
    rng = np.random.default_rng(2)
    one, other = (TiltSeries(rng.normal(size=(7, 9, 11)).astype(dtype), geometry) for _ in range(2))
    volumes = [wbp(series, volume_shape=(8, 9, 11)).data for series in (one, other, one + other)]
    assert volumes[0].dtype == dtype
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    assert relative_error(volumes[0] + volumes[1], volumes[2]) < tolerance


def test_a_ray_driven_projector_is_used_voxel_driven_and_keeps_its_class():
    class Own(Projector):
        pass

    series = BLOBS.tilt_series(SINGLE_AXIS, (17, 18))
    ray = Own(SINGLE_AXIS, volume_shape=(12, 16, 18), image_shape=(17, 18))
    expected = wbp(series, projector=ray.evolve(driven="voxel"))
    assert_array_equal(wbp(series, projector=ray).data, expected.data)


@pytest.mark.parametrize("padding", ["edge", "mean"])
def test_a_background_beyond_the_images_gives_no_bright_border(padding):
    geometry = TiltGeometry.from_tilt_angles(range(-60, 61, 3))
    series, shape = BLOBS.tilt_series(geometry, (64, 64)), (10, 64, 50)
    raised = series + 100.0
    plain, padded, cut = (
        wbp(images, volume_shape=shape, padding=how).data
        for images, how in ((series, "zero"), (raised, padding), (raised, "zero"))
    )
    assert np.ptp(padded - plain) < 0.05
    assert np.ptp(cut - plain) > 0.5


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_is_one_at_zero_and_lowers_high_frequencies(window):
    frequency = np.linspace(0, 0.7, 141)
    ramp, profile = finite_ramp(frequency, 512), RampFilter(window).profile(frequency, 512)
    assert (profile <= np.maximum(ramp, frequency) + 1e-12).all()
    assert_allclose(profile[2:6], ramp[2:6], rtol=0.01)
    assert (profile[frequency > 0.5 + 1e-9] == 0).all()


@pytest.mark.parametrize(
    ("window", "half_way", "last"),
    [
        ("ramp", 1, 1),
        ("shepp-logan", np.sqrt(8) / np.pi, 2 / np.pi),
        ("cosine", np.sqrt(0.5), 0),
        ("hamming", 0.54, 0.08),
        ("hann", 0.5, 0),
    ],
)
def test_a_window_falls_from_one_to_its_value_at_the_last_frequency(window, half_way, last):
    """Of 0.25 and 0.5 cycles per pixel, by the formulas of the textbooks."""
    frequency = np.array([0, 0.25, 0.5])
    ramp, profile = finite_ramp(frequency, 64), RampFilter(window).profile(frequency, 64)
    assert_allclose(profile / ramp, [1, half_way, last], atol=1e-12)


@pytest.mark.parametrize("angle", [0, 30, 45, 77])
def test_the_ramp_filters_as_a_plain_convolution_would(angle):
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
    _, filtered = weighted(straight.evolve(geometry=geometry), volume_shape=(1, 48, 48))
    assert relative_error(filtered.images[0] / angular_weights(geometry), expected) < 1e-4


def test_radial_is_the_ramp_below_its_cutoff():
    frequency = np.linspace(0, 0.5, 101)
    profile = RadialFilter(0.3, 0.05).profile(frequency, 256)
    assert_allclose(profile[:61], finite_ramp(frequency[:61], 256))
    assert_allclose(profile[-1], 0.3 * np.exp(-0.5 * (0.2 / 0.05) ** 2), rtol=1e-3)


def test_a_sirt_like_filter_gives_what_sirt_gives():
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
def test_the_exact_filter_is_the_ramp_where_tilts_are_even(step):
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


def test_uneven_tilts_are_weighted_by_what_they_stand_for():
    uneven = np.concatenate([np.arange(-90, 0, 1.0), np.arange(0, 90, 3.0)])
    geometry = TiltGeometry.from_tilt_angles(uneven)
    assert_allclose(angular_weights(geometry).sum(), np.pi)
    volume = wbp(BLOBS.tilt_series(geometry, (64, 64)), volume_shape=(56, 56, 56))
    assert interior_error(volume.data, BLOBS.volume((56, 56, 56)).data) < 0.02


def test_weights_do_not_depend_on_order_or_on_turning_the_whole_specimen():
    angles = np.random.default_rng(3).permutation([-62, -60, -57, -20, -1, 0, 4, 30, 31, 55])
    weights = angular_weights(TiltGeometry.from_tilt_angles(angles))
    turned = TiltGeometry.from_rotations(
        Rotation.from_euler("zx", [40, 20], degrees=True).as_matrix()
        @ TiltGeometry.from_tilt_angles(np.sort(angles)).rotation_matrices
    )
    assert_allclose(weights[np.argsort(angles)], angular_weights(turned))
    assert_allclose(angular_weights(TiltGeometry.from_tilt_angles([12.0])), np.pi)
    twice = angular_weights(TiltGeometry.from_tilt_angles([-60, 0, 0, 60]))
    assert_allclose(np.degrees(twice), [60, 30, 30, 60])


def test_one_writes_a_filter_of_ones_own():
    class Nothing(Filter):
        def response(self, geometry, tilt, u, v):
            return np.ones((len(v), len(u)))

    series = BLOBS.tilt_series(SINGLE_AXIS, (17, 18))
    plain = Projector(SINGLE_AXIS, volume_shape=(12, 17, 18), driven="voxel").adjoint(series)
    own = wbp(series, volume_shape=(12, 17, 18), filter=Nothing())
    assert relative_error(own.data, plain.data) < 1e-12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filter": "hanning"}, "filter must be one of 'ramp', .*RadialFilter"),
        ({"padding": "wrap"}, "padding must be one of 'edge'"),
        ({"volume_shape": None}, r"volume_shape=\(depth, 17, 18\), or projector"),
        ({"volume_shape": (0, 3, 3)}, "volume_shape"),
        ({"taper": -1}, "width"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    series = BLOBS.tilt_series(SINGLE_AXIS, (17, 18))
    with pytest.raises(ValueError, match=message):
        wbp(series, **({"volume_shape": (8, 17, 18)} | options))


def test_a_ramp_is_refused_where_there_is_no_single_axis():
    geometry = TiltGeometry.from_rotations(Rotation.random(5, random_state=0))
    series = BLOBS.tilt_series(geometry, (17, 18))
    with pytest.raises(ValueError, match=r"single axis .* use ExactFilter"):
        wbp(series, volume_shape=(8, 17, 18))


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
def test_impossible_filters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_tilt_stands_for_half_the_gaps_on_both_sides():
    """At the ends, where nothing lies beyond, the gap within counts for both."""
    geometry = TiltGeometry.from_tilt_angles([-60, -58, -54, -50])
    assert np.allclose(np.degrees(angular_weights(geometry)), [2, 3, 4, 4])
