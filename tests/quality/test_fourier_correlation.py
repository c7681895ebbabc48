"""Fourier shell and ring correlations against their definition."""

import numpy as np
import pytest
from helpers import ANY_ROTATION, SINGLE_AXIS

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.quality import frc, fsc, missing_wedge

CLASSIC = TiltGeometry.from_tilt_angles(range(-60, 61, 3))
# Shape d, h, w and voxel size x, y, z.
GRIDS = {
    "even": ((12, 12, 12), 1.0),
    "odd": ((11, 11, 11), 1.7),
    "non-cubic": ((7, 12, 10), 2.0),
    "halves of the longest side": ((5, 10, 20), 1.0),
    "anisotropic": ((9, 8, 14), (1.1, 2.3, 0.7)),
    "coarse longest side": ((6, 16, 15), (1.0, 1.0, 4.0)),
    "one plane": ((1, 9, 8), (1.0, 1.0, 50.0)),
    "one column": ((8, 6, 1), 1.0),
}
EVERY_GRID = [pytest.param(*grid, id=name) for name, grid in GRIDS.items()]


def pair(shape, voxel_size=1.0, seed=0, dtype=np.float64):
    """Two volumes that share half of their power, with means."""
    signal, *noise = np.random.default_rng(seed).normal(size=(3, *shape))
    data = (signal + part + mean for part, mean in zip(noise, (0.3, -2.0), strict=True))
    return tuple(Volume(part.astype(dtype), voxel_size=voxel_size) for part in data)


def frequencies_of(shape, voxel_size):
    """x, y, z in 1/angstrom of every component, zero frequency at shape // 2."""
    spacing = np.broadcast_to(voxel_size, 3)[::-1]
    axes = [np.fft.fftshift(np.fft.fftfreq(n, s)) for n, s in zip(shape, spacing, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)


def slow_fsc(first, second, mask=1.0, excluded=None):
    """The definition, component by component of the full transform, and the counts."""
    shape, spacing = first.shape, first.voxel_size[::-1]
    transforms = [np.fft.fftshift(np.fft.fftn(v.data * mask)) for v in (first, second)]
    sides = [n * s for n, s in zip(shape, spacing, strict=True) if n > 1]
    last = int(max(sides) / (2 * max(s for n, s in zip(shape, spacing, strict=True) if n > 1)))
    radii = np.linalg.norm(frequencies_of(shape, first.voxel_size), axis=-1) * max(sides)
    labels = np.floor(np.round(radii, 6) + 0.5)
    curve, counts = [], []
    for shell in range(last + 1):
        inside = labels == shell
        if excluded is not None:
            inside &= ~excluded
        a, b = (t[inside] for t in transforms)
        scale = np.sqrt((abs(a) ** 2).sum() * (abs(b) ** 2).sum())
        curve.append((a * b.conj()).sum().real / scale if scale else 0.0)
        counts.append(inside.sum())
    return np.array(curve), np.array(counts), np.arange(last + 1) / max(sides)


@pytest.mark.parametrize(("shape", "voxel_size"), EVERY_GRID)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("wedged", [False, True])
def test_fsc_equals_its_definition_over_the_full_transform(shape, voxel_size, masked, wedged):
    first, second = pair(shape, voxel_size)
    mask = np.random.default_rng(1).uniform(size=shape) if masked else None
    wedge = missing_wedge(ANY_ROTATION, shape, voxel_size=voxel_size) if wedged else None
    curve = fsc(first, second, mask=mask, missing_wedge=wedge)
    correlation, counts, frequencies = slow_fsc(first, second, mask if masked else 1.0, wedge)
    assert np.allclose(curve.correlation, correlation, rtol=0, atol=1e-12)
    assert np.array_equal(curve.counts, counts)
    assert np.allclose(curve.frequencies, frequencies, rtol=1e-14, atol=0)
    if not wedged:
        assert curve.counts.min() > 0


def test_excluded_frequencies_match_the_full_transform():
    first, second = pair((6, 7, 8))
    excluded = np.random.default_rng(2).uniform(size=first.shape) < 0.5
    curve = fsc(first, second, missing_wedge=excluded)
    correlation, counts, _ = slow_fsc(first, second, excluded=excluded)
    assert np.allclose(curve.correlation, correlation, rtol=0, atol=1e-12)
    assert np.array_equal(curve.counts, counts)


@pytest.mark.parametrize(("shape", "voxel_size"), EVERY_GRID)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fsc_of_a_volume_with_itself_is_one(shape, voxel_size, dtype):
    first, _ = pair(shape, voxel_size, dtype=dtype)
    curve = fsc(first, first)
    assert np.allclose(curve.correlation, 1.0, rtol=0, atol=1e-12)
    assert np.allclose(fsc(first, -first).correlation, -1.0, rtol=0, atol=1e-12)
    assert curve.resolution() == 1 / curve.frequencies[-1]


def test_fsc_of_independent_noise_is_near_zero():
    rng = np.random.default_rng(3)
    first, second = (Volume(rng.normal(size=(40, 40, 40))) for _ in range(2))
    curve = fsc(first, second)
    # Opposite frequencies are one observation: the deviation is the root of 2 / counts.
    scores = curve.correlation[1:] * np.sqrt(curve.counts[1:] / 2)
    assert np.abs(scores).max() < 4
    assert 0.5 < np.sqrt(np.mean(scores**2)) < 1.5


@pytest.mark.parametrize("signal_to_noise", [0.2, 1.0, 5.0])
def test_fsc_of_halves_is_the_share_of_the_signal(signal_to_noise):
    rng = np.random.default_rng(4)
    signal, *noise = rng.normal(size=(3, 40, 40, 40))
    halves = [Volume(np.sqrt(signal_to_noise) * signal + part) for part in noise]
    curve = fsc(*halves)
    share = signal_to_noise / (1 + signal_to_noise)
    deviation = (1 - share**2) / np.sqrt(curve.counts[3:] / 2)
    assert (np.abs(curve.correlation[3:] - share) < 4.5 * deviation).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-37, -3.0, 1e37])
def test_fsc_is_invariant_to_scale(dtype, scale):
    first, second = pair((8, 9, 10), dtype=dtype)
    scaled = fsc(first * dtype(scale), second).correlation
    tolerance = 1e-5 if dtype is np.float32 else 1e-12
    expected = np.sign(scale) * fsc(first, second).correlation
    assert np.allclose(scaled, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("shape", "voxel_size"), EVERY_GRID)
def test_fsc_is_symmetric_in_its_arguments(shape, voxel_size):
    first, second = pair(shape, voxel_size)
    one, other = fsc(first, second), fsc(second, first)
    assert np.allclose(one.correlation, other.correlation, rtol=0, atol=1e-15)


def test_fsc_is_invariant_to_axis_order():
    first, second = pair((6, 9, 14), (1.0, 1.5, 2.0))
    turned = [
        Volume(v.data.transpose(2, 0, 1), voxel_size=(1.5, 2.0, 1.0)) for v in (first, second)
    ]
    curves = fsc(first, second), fsc(*turned)
    assert np.allclose(curves[0].correlation, curves[1].correlation, rtol=0, atol=1e-12)
    assert np.array_equal(curves[0].counts, curves[1].counts)


def test_a_low_passed_volume_crosses_at_its_cut_off():
    full, _ = pair((40, 36, 32), (2.0, 2.5, 1.5))
    cut_off = 1 / 8.0
    radii = np.linalg.norm(np.fft.ifftshift(frequencies_of(full.shape, full.voxel_size)), axis=-1)
    low = full.evolve(data=np.fft.ifftn(np.fft.fftn(full.data) * (radii < cut_off)).real)
    curve = fsc(full, low)
    assert abs(1 / curve.resolution() - cut_off) < curve.frequencies[1]
    assert abs(1 / curve.resolution(0.5) - cut_off) < curve.frequencies[1]


def test_constant_volumes_correlate_only_in_shell_zero():
    for dtype in (np.float32, np.float64):
        constant = Volume(np.full((6, 7, 8), 0.1, dtype))
        assert fsc(constant, constant).correlation.tolist() == [1, 0, 0, 0, 0]
    zero = Volume(np.zeros((6, 7, 8)))
    curve = fsc(zero, pair((6, 7, 8))[0])
    assert curve.correlation.tolist() == [0, 0, 0, 0, 0]
    assert curve.resolution() == np.inf


def test_integers_correlate_as_their_values():
    data = np.random.default_rng(5).integers(0, 255, size=(2, 8, 8, 8), dtype=np.uint8)
    as_floats = fsc(*(Volume(part.astype(np.float32)) for part in data))
    assert np.array_equal(fsc(*map(Volume, data)).correlation, as_floats.correlation)


def test_a_soft_mask_hides_differences_outside():
    rng = np.random.default_rng(6)
    signal, *noise = rng.normal(size=(3, 24, 24, 24))
    inside = np.zeros((24, 24, 24), bool)
    inside[4:20, 4:20, 4:20] = True
    halves = [Volume(np.where(inside, signal, 5 * part)) for part in noise]
    assert fsc(*halves, mask=inside).correlation.min() > 1 - 1e-9
    assert np.abs(fsc(*halves).correlation[3:]).max() < 0.5


def test_fsc_ignores_frequencies_in_the_missing_wedge():
    first, second = pair((16, 16, 16))
    wedge = missing_wedge(CLASSIC, first.shape)
    transform = np.fft.fftn(first.data)
    half = np.fft.fftn(second.data)
    spoiled = np.fft.ifftn(np.where(np.fft.ifftshift(wedge), half, transform)).real
    curve = fsc(first, Volume(spoiled), missing_wedge=wedge)
    # Inside Nyquist: on its planes the wedge is not symmetric, and the real part mixes both.
    assert curve.correlation[:-1].min() > 1 - 1e-12
    assert fsc(first, Volume(spoiled)).correlation[4:-1].max() < 0.95


def test_frc_is_the_fsc_of_single_planes():
    rng = np.random.default_rng(7)
    series = [
        TiltSeries(part, ANY_ROTATION, pixel_size=1.7) for part in rng.normal(size=(2, 5, 9, 12))
    ]
    curves = frc(*series)
    assert curves.correlation.shape == (5, 7)
    for tilt, curve in enumerate(curves.correlation):
        planes = [Volume(part.images[tilt : tilt + 1], voxel_size=1.7) for part in series]
        single = fsc(*planes)
        assert np.allclose(curve, single.correlation, rtol=0, atol=1e-12)
        assert np.array_equal(curves.counts, single.counts)
        assert np.array_equal(curves.frequencies, single.frequencies)


def test_frc_treats_each_image_by_itself():
    rng = np.random.default_rng(8)
    images = rng.normal(size=(5, 16, 16))
    other = np.concatenate([images[:2], rng.normal(size=(2, 16, 16)), np.full((1, 16, 16), 3.0)])
    curves = frc(TiltSeries(images, ANY_ROTATION), TiltSeries(other * 1e20, ANY_ROTATION))
    assert np.allclose(curves.correlation[:2], 1.0, rtol=0, atol=1e-12)
    assert curves.correlation[4, 1:].tolist() == [0.0] * 8
    resolutions = curves.resolution(0.5)
    assert resolutions[:2].tolist() == [2.0, 2.0]
    assert (resolutions[2:] > 2.0).all()


CUBE = Volume(np.ones((4, 5, 6)), voxel_size=2.0)
NAN = np.where(np.arange(120).reshape(4, 5, 6) == 7, np.nan, 1.0)
IMAGES = TiltSeries(np.ones((5, 6, 7)), SINGLE_AXIS)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (CUBE.evolve(data=NAN), r"second has 1 NaN .* \(0, 1, 1\)"),
        (
            CUBE[:, 1:],
            r"must be on the grid of first, but shapes differ: \(4, 5, 6\) and \(4, 4",
        ),
        (
            CUBE.evolve(voxel_size=(2, 2, 2.1)),
            r"sizes differ: \[2.0, 2.0, 2.0\] .* 2.1\]; use second",
        ),
        (
            CUBE.evolve(center=(0, 1, 0)),
            r"centers differ: .* \[0.0, 1.0, 0.0\] Å; use second.resample",
        ),
    ],
)
def test_fsc_of_incompatible_volumes_raises(second, message):
    with pytest.raises(ValueError, match=message):
        fsc(CUBE, second)


def test_fsc_of_other_objects_than_volumes_raises():
    with pytest.raises(TypeError, match="first must be a Volume, got ndarray; create one with"):
        fsc(CUBE.data, CUBE)
    with pytest.raises(TypeError, match="second must be a Volume, got TiltSeries"):
        fsc(CUBE, IMAGES)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((4, 5)), "mask must have 3 dimensions"),
        (np.ones((4, 5, 5)), r"mask must have the shape of the volumes \(4, 5, 6\), got \(4, 5, 5"),
        (NAN, "mask has 1 NaN or infinite values"),
        (0 * CUBE.data, "mask must not be zero everywhere"),
    ],
)
def test_invalid_masks_raise(mask, message):
    with pytest.raises(ValueError, match=message):
        fsc(CUBE, CUBE, mask=mask)


@pytest.mark.parametrize(
    ("wedge", "error", "message"),
    [
        (np.ones((4, 5, 6)), TypeError, "be boolean, .* got dtype float64; make one with libtilt"),
        (np.zeros((4, 6, 6), bool), ValueError, r"of the volumes \(4, 5, 6\), got \(4, 6, 6\)"),
        (np.ones((4, 5, 6), bool), ValueError, "not exclude all frequencies, got True everywhere"),
    ],
)
def test_invalid_wedges_raise(wedge, error, message):
    with pytest.raises(error, match=f"missing_wedge must .*{message}"):
        fsc(CUBE, CUBE, missing_wedge=wedge)


def test_voxel_and_pixel_sizes_that_differ_by_rounding_agree():
    fsc(CUBE, CUBE.evolve(voxel_size=2.00001))
    frc(IMAGES, IMAGES.evolve(pixel_size=1.00001))


@pytest.mark.parametrize(
    ("second", "error", "message"),
    [
        (IMAGES.images, TypeError, "second must be a TiltSeries, got ndarray; create one with"),
        (IMAGES[:4], ValueError, r"shape of first: expected \(5, 6, 7\), got \(4, 6, 7\)"),
        (IMAGES * np.nan, ValueError, "second has 210 NaN or infinite values"),
        (IMAGES.evolve(pixel_size=1.1), ValueError, "pixel size of first: expected 1.0, got 1.1; "),
        (IMAGES[[0, 1, 3, 2, 4]], ValueError, "in the same order, but tilt 2 differs; sort both"),
    ],
)
def test_frc_of_incompatible_series_raises(second, error, message):
    with pytest.raises(error, match=message):
        frc(IMAGES, second)
