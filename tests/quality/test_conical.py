import numpy as np
import pytest
from scipy import fft, ndimage

from libtilt import TiltGeometry, Volume
from libtilt.quality import conical_fsc, fsc, missing_wedge
from libtilt.quality.conical import half_sphere

SHAPE = (24, 26, 28)


@pytest.fixture
def halves(rng):
    signal, *noise = rng.normal(size=(3, *SHAPE))
    return [Volume(signal + part, voxel_size=2.0) for part in noise]


def test_one_cone_of_all_directions_is_the_shell_correlation(halves):
    cones = conical_fsc(*halves, count=1, half_angle=90)
    expected = fsc(*halves)
    assert np.allclose(cones.curves[0].correlation, expected.correlation, rtol=0, atol=1e-12)
    assert (cones.curves[0].counts == expected.counts).all()


def test_a_cone_is_the_correlation_of_its_components(halves):
    """By masks of the full transform, whose shells and cones are written out."""
    cones = conical_fsc(*halves, count=5, half_angle=25)
    z, y, x = np.meshgrid(*(fft.fftfreq(n, 2.0) for n in SHAPE), indexing="ij")
    radius = np.sqrt(z**2 + y**2 + x**2)
    first, second = (fft.fftn(half.data) for half in halves)
    width = cones.curves[0].frequencies[1]
    for axis, curve in zip(cones.directions, cones.curves, strict=True):
        along = np.abs(axis[0] * x + axis[1] * y + axis[2] * z)
        cone = along >= np.cos(np.radians(25)) * radius - 1e-12
        for shell in (4, 7, 10):
            inside = cone & (np.abs(radius - shell * width) < 0.5 * width)
            cross = (first[inside] * second[inside].conj()).sum().real
            powers = [(np.abs(part[inside]) ** 2).sum() for part in (first, second)]
            assert curve.counts[shell] == inside.sum()
            assert np.isclose(curve.correlation[shell], cross / np.sqrt(np.prod(powers)))


def test_anisotropic_noise_lowers_the_correlation_along_its_axis(rng):
    signal = rng.normal(size=(48, 48, 48))
    # Smooth across z, so that it has the frequencies along z alone.
    noise = [ndimage.gaussian_filter(rng.normal(size=signal.shape), (0, 2, 2)) for _ in range(2)]
    halves = [Volume(signal + 4 * part) for part in noise]
    cones = conical_fsc(*halves, count=40, half_angle=15)
    elevation = np.abs(cones.directions[:, 2])
    means = np.array([curve.correlation[12:].mean() for curve in cones.curves])
    assert means[elevation > 0.95].max() < 0.4
    assert means[elevation < 0.25].min() > 0.9


def test_directions_in_the_missing_wedge_are_without_resolution(halves):
    geometry = TiltGeometry.from_tilt_angles(np.arange(-40, 41, 2.0))
    wedge = missing_wedge(geometry, SHAPE, voxel_size=2.0)
    cones = conical_fsc(*halves, missing_wedge=wedge, count=64, half_angle=10)
    along_z = np.argmax(cones.directions[:, 2])
    assert np.isnan(cones.resolution()[along_z])
    x, _, z = np.abs(cones.directions.T)
    # Slices reach 41 degrees, and are a Fourier voxel thick, which counts near y.
    measured = z < np.tan(np.radians(35)) * x
    missing = (z > np.tan(np.radians(47)) * x) & (np.hypot(x, z) > 0.3)
    assert measured.sum() > 20
    assert missing.sum() > 20
    assert not np.isnan(cones.resolution()[measured]).any()
    assert np.isnan(cones.resolution()[missing]).all()
    assert (cones.in_missing_wedge == np.isnan(cones.resolution())).all()


def test_directions_are_spread_evenly_over_the_half_sphere():
    axes = half_sphere(200)
    assert np.allclose(np.linalg.norm(axes, axis=1), 1)
    assert np.allclose(axes.T @ axes / 200, np.eye(3) / 3, atol=0.01)
    cosines = np.abs(axes @ axes.T) - np.eye(200)
    assert np.degrees(np.arccos(cosines.max(axis=1))).min() > 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be a positive integer"),
        ({"half_angle": 0}, "half_angle must be more than 0"),
        ({"half_angle": 91}, "at most 90 degrees, got 91"),
        ({"mask": np.zeros(SHAPE)}, "mask must"),
    ],
)
def test_bad_arguments_of_conical_fsc_are_named(halves, options, message):
    with pytest.raises(ValueError, match=message):
        conical_fsc(*halves, **options)


def test_cones_without_data_describe_themselves(halves):
    wedge = np.ones(SHAPE, bool)
    wedge[12, 13, 14] = False  # The zero frequency alone.
    cones = conical_fsc(*halves, missing_wedge=wedge, count=3)
    assert repr(cones) == "ConicalCorrelation(3 cones of 20 degrees, resolution unknown)"
