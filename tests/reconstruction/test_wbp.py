"""Weighted back-projection: density, directions, filters and weights."""

import attrs
import numpy as np
import pytest
from helpers import EVERY_BACKEND, SINGLE_AXIS, TRILINEAR, relative_error
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries
from libtilt.reconstruction import RampFilter, wbp
from libtilt.reconstruction.filters import WINDOWS, band_limited_ramp
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
def test_wbp_recovers_the_density_of_a_fully_sampled_object(options, shape):
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


@pytest.mark.parametrize("backend", TRILINEAR)
def test_every_backend_gives_the_same_volume(backend):
    series = BLOBS.tilt_series(SINGLE_AXIS, (17, 18))
    expected = wbp(series, volume_shape=(12, 16, 18), backend="scipy")
    volume = wbp(series, volume_shape=(12, 16, 18), backend=backend)
    assert relative_error(volume.data, expected.data) < 1e-12


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_backend_recovers_the_density(backend, dtype):
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
def test_wbp_is_linear_and_keeps_the_floating_dtype(dtype, angle):
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
    ramp, profile = band_limited_ramp(frequency, 512), RampFilter(window).profile(frequency, 512)
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
    ramp, profile = band_limited_ramp(frequency, 64), RampFilter(window).profile(frequency, 64)
    assert_allclose(profile / ramp, [1, half_way, last], atol=1e-12)


def test_a_ramp_without_a_single_tilt_axis_raises():
    geometry = TiltGeometry.from_rotations(Rotation.random(5, random_state=0))
    series = BLOBS.tilt_series(geometry, (17, 18))
    with pytest.raises(ValueError, match=r"single tilt axis .* use ExactFilter"):
        wbp(series, volume_shape=(8, 17, 18))
