"""The numbers by which a reconstruction is judged: correlations, missing wedge, residuals."""

import pickle

import numpy as np
import pytest
from helpers import ANY_ROTATION, BLOBS, SINGLE_AXIS, geometries, quick
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from libtilt import Projector, TiltGeometry, TiltSeries, Volume
from libtilt.quality import (
    FourierCorrelation,
    even_odd,
    frc,
    frc_of_reprojections,
    fsc,
    missing_wedge,
    residual_per_tilt,
)

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


def slow_fsc(first, second, mask=1.0, left_out=None):
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
        if left_out is not None:
            inside &= ~left_out
        a, b = (t[inside] for t in transforms)
        scale = np.sqrt((abs(a) ** 2).sum() * (abs(b) ** 2).sum())
        curve.append((a * b.conj()).sum().real / scale if scale else 0.0)
        counts.append(inside.sum())
    return np.array(curve), np.array(counts), np.arange(last + 1) / max(sides)


@pytest.mark.parametrize(("shape", "voxel_size"), EVERY_GRID)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("wedged", [False, True])
def test_fsc_is_its_definition_over_the_full_transform(shape, voxel_size, masked, wedged):
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


def test_any_mask_of_frequencies_counts_as_in_the_full_transform():
    first, second = pair((6, 7, 8))
    left_out = np.random.default_rng(2).uniform(size=first.shape) < 0.5
    curve = fsc(first, second, missing_wedge=left_out)
    correlation, counts, _ = slow_fsc(first, second, left_out=left_out)
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
def test_fsc_does_not_know_scales(dtype, scale):
    first, second = pair((8, 9, 10), dtype=dtype)
    scaled = fsc(first * dtype(scale), second).correlation
    tolerance = 1e-5 if dtype is np.float32 else 1e-12
    expected = np.sign(scale) * fsc(first, second).correlation
    assert np.allclose(scaled, expected, rtol=0, atol=tolerance)


def test_fsc_does_not_know_means_outside_shell_zero_even_in_single_precision():
    first, second = pair((16, 16, 16))
    lifted = fsc((first + 1000.0).astype("float32"), second.astype("float32")).correlation
    plain = fsc(first, second).correlation
    assert np.allclose(lifted[1:], plain[1:], rtol=0, atol=1e-4)
    assert (round(lifted[0], 12), round(plain[0], 12)) == (-1.0, -1.0)


@pytest.mark.parametrize(("shape", "voxel_size"), EVERY_GRID)
def test_fsc_is_symmetric_in_its_arguments(shape, voxel_size):
    first, second = pair(shape, voxel_size)
    one, other = fsc(first, second), fsc(second, first)
    assert np.allclose(one.correlation, other.correlation, rtol=0, atol=1e-15)


def test_fsc_does_not_know_which_axis_is_which():
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


def test_a_constant_volume_correlates_with_nothing_but_its_mean():
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


def test_a_soft_mask_hides_what_differs_outside():
    rng = np.random.default_rng(6)
    signal, *noise = rng.normal(size=(3, 24, 24, 24))
    inside = np.zeros((24, 24, 24), bool)
    inside[4:20, 4:20, 4:20] = True
    halves = [Volume(np.where(inside, signal, 5 * part)) for part in noise]
    assert fsc(*halves, mask=inside).correlation.min() > 1 - 1e-9
    assert np.abs(fsc(*halves).correlation[3:]).max() < 0.5


def test_what_the_missing_wedge_leaves_out_does_not_count():
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


@pytest.mark.parametrize(
    ("correlation", "threshold", "expected"),
    [
        ([0, 1.0, 0.8, 0.4, 0.0], 0.5, 1 / 0.275),
        ([0, 1.0, 0.8, 0.4, 0.0], 0.8, 1 / 0.2),
        ([0, 1.0, 0.1, 0.9, 0.9], 0.55, 1 / 0.15),
        ([0, 1.0, 0.5, 0.5, 0.4], 0.5, 1 / 0.3),
        ([1, 0.1, 0.9, 0.9, 0.9], 0.143, np.inf),
        ([1, 0.9, 0.8, 0.7, 0.6], 0.143, 1 / 0.4),
        ([-1, 0.9, 0.8, 0.7, -0.7], 0.35, 1 / 0.325),
    ],
)
def test_resolution_is_where_the_curve_first_falls_below(correlation, threshold, expected):
    curve = FourierCorrelation([0, 0.1, 0.2, 0.3, 0.4], correlation, [1, 2, 3, 4, 5])
    assert curve.resolution(threshold) == pytest.approx(expected, rel=1e-12)
    stacked = FourierCorrelation(curve.frequencies, [correlation] * 2, curve.counts)
    assert stacked.resolution(threshold).tolist() == [curve.resolution(threshold)] * 2


def test_resolution_passes_over_shells_without_components():
    curve = FourierCorrelation([0, 0.1, 0.2, 0.3, 0.4], [1, 0, 1, 0, 0], [1, 0, 5, 0, 5])
    assert curve.resolution(0.5) == pytest.approx(1 / 0.3)
    assert FourierCorrelation([0], [1], [1]).resolution() == np.inf
    single = Volume(np.ones((1, 1, 1)))
    assert fsc(single, single).frequencies.tolist() == [0.0]


def test_a_correlation_is_locked_and_survives_pickling():
    curve = fsc(*pair((6, 6, 6)))
    for array in (curve.frequencies, curve.correlation, curve.counts):
        assert not array.flags.writeable
    copy = pickle.loads(pickle.dumps(curve))
    assert np.array_equal(copy.correlation, curve.correlation)
    assert not copy.counts.flags.writeable
    assert curve.counts.dtype == np.int64


@quick
@given(
    geometries(),
    st.tuples(*[st.integers(1, 13)] * 3),
    st.tuples(*[st.floats(0.5, 2.5)] * 3),
    st.sampled_from([None, 0.0, 5.0]),
    st.integers(0, 99),
)
def test_every_point_of_a_slice_is_measured(geometry, shape, voxel_size, half_width, seed):
    wedge = missing_wedge(geometry, shape, voxel_size=voxel_size, half_width=half_width)
    sizes, spacing = np.array(shape[::-1]), np.array(voxel_size)
    points = np.random.default_rng(seed).uniform(-1, 1, (200, 3)) / spacing.min()
    points[:, 2] = 0
    for matrix in geometry.rotation_matrices:
        on_slice = points @ matrix.T
        index = np.floor(on_slice * sizes * spacing + 0.5).astype(int) + sizes // 2
        inside = ((index >= 0) & (index < sizes)).all(axis=1)
        assert not wedge[tuple(index[inside, ::-1].T)].any()
    assert not wedge[tuple(n // 2 for n in shape)]


@quick
@given(geometries(), st.tuples(*[st.integers(1, 10)] * 3), st.tuples(*[st.floats(0.5, 2.5)] * 3))
def test_the_wedge_is_its_definition_and_symmetric(geometry, shape, voxel_size):
    wedge = missing_wedge(geometry, shape, voxel_size=voxel_size, half_width=7)
    frequencies = frequencies_of(shape, voxel_size)
    heights = np.abs(frequencies @ geometry.beam_directions.T)
    lengths = np.linalg.norm(frequencies, axis=-1)[..., np.newaxis]
    angles = np.rad2deg(np.arcsin(np.minimum(heights / np.maximum(lengths, 1e-9), 1)))
    half_voxels = np.abs(geometry.beam_directions) @ (0.5 / (np.array(shape[::-1]) * voxel_size))
    clear = (np.abs(angles - 7) > 1e-5) & (np.abs(heights - half_voxels) > 1e-8)
    expected = ((angles > 7) & (heights > half_voxels)).all(axis=-1)
    assert np.array_equal(wedge[clear.all(axis=-1)], expected[clear.all(axis=-1)])
    # At even sizes index 0 is the negative Nyquist frequency, which has no opposite.
    both = wedge[tuple(slice(1 - n % 2, None) for n in shape)]
    assert np.array_equal(both, both[::-1, ::-1, ::-1])


def test_a_single_axis_series_misses_the_classic_wedge():
    wedge = missing_wedge(CLASSIC, (65, 65, 65))
    x, y, z = np.moveaxis(frequencies_of((65, 65, 65), 1.0), -1, 0)
    radii = np.sqrt(x**2 + y**2 + z**2)
    outer = (radii > 0.4) & (radii < 0.5)
    assert wedge[outer].mean() == pytest.approx(1 - 2 * 61.5 / 180, abs=0.01)
    # Beyond the reach of the Fourier voxels, the border is where it should be, without holes.
    across = outer & (y == 0) & (radii > 0.45)
    angles = np.rad2deg(np.arctan2(np.abs(z), np.abs(x)))
    assert np.array_equal(wedge[across], angles[across] > 61.5)


def test_the_wedge_turns_with_the_geometry():
    for shape in ((15, 15, 15), (9, 15, 15)):
        for geometry in (CLASSIC, ANY_ROTATION):
            quarter = Rotation.from_euler("z", 90, degrees=True).as_matrix().round()
            turned = geometry.evolve(rotation_matrices=quarter @ geometry.rotation_matrices)
            wedge = missing_wedge(geometry, shape)
            # What lay along x lies along y, and what lay along y along minus x.
            expected = wedge.transpose(0, 2, 1)[:, :, ::-1]
            assert np.array_equal(missing_wedge(turned, shape), expected)


def test_the_wedge_knows_beams_only_as_lines():
    shape = (12, 13, 14)
    wedge = missing_wedge(CLASSIC, shape)
    turns = Rotation.from_euler("z", np.arange(41)[:, None] * 11.0, degrees=True).as_matrix()
    flip = Rotation.from_euler("x", 180, degrees=True).as_matrix()
    for matrices in (turns, flip, turns @ flip):
        same = CLASSIC.evolve(rotation_matrices=CLASSIC.rotation_matrices @ matrices, shifts=(3, 4))
        assert np.array_equal(missing_wedge(same, shape), wedge)
    assert np.array_equal(missing_wedge(CLASSIC[::-1], shape), wedge)
    twice = TiltGeometry.concatenate([CLASSIC, CLASSIC])
    assert np.array_equal(missing_wedge(twice, shape), wedge)


def test_two_axes_miss_what_both_miss():
    shape = (20, 20, 20)
    second = TiltGeometry.from_tilt_angles(range(-60, 61, 3)).rotation_matrices
    quarter = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    other = TiltGeometry(quarter @ second)
    both = missing_wedge(TiltGeometry.concatenate([CLASSIC, other]), shape)
    expected = missing_wedge(CLASSIC, shape) & missing_wedge(other, shape)
    assert np.array_equal(both, expected)


def test_one_tilt_measures_one_plane():
    wedge = missing_wedge(TiltGeometry.from_tilt_angles([0]), (9, 8, 7))
    assert np.flatnonzero(~wedge.all(axis=(1, 2))).tolist() == [4]
    assert not wedge[4].any()
    assert not missing_wedge(TiltGeometry.from_tilt_angles([0]), (9, 8, 7), half_width=90).any()


def test_what_a_backprojection_lacks_is_the_missing_wedge():
    # Nothing about it is symmetric, so that a mirrored wedge would lie elsewhere.
    geometry = TiltGeometry.from_tilt_angles(range(-30, 71, 5), tilt_axis_angle=40, x_tilts=20)
    images = np.random.default_rng(9).normal(size=(21, 32, 32))
    volume = Projector(geometry, volume_shape=(32, 32, 32), driven="voxel").adjoint(images)
    power = np.abs(np.fft.fftshift(np.fft.fftn(volume.data))) ** 2
    wedge = missing_wedge(geometry, volume.shape)
    inside = np.linalg.norm(frequencies_of(volume.shape, 1.0), axis=-1) < 0.4
    # The edges of the box spill some power into it, a mirrored wedge would hold more than half.
    assert power[inside & wedge].mean() < 0.1 * power[inside & ~wedge].mean()


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


def test_the_detector_is_that_of_the_data_where_the_projector_knows_none():
    fine = VOLUME.evolve(voxel_size=2.0)
    data = Projector(SINGLE_AXIS, image_shape=(9, 14), pixel_size=3.0).forward(fine)
    assert residual_per_tilt(Projector(SINGLE_AXIS), fine, data).max() < 1e-12
    curves = frc_of_reprojections(Projector(SINGLE_AXIS), fine, data)
    assert np.allclose(curves.correlation, 1.0, rtol=0, atol=1e-9)
    assert curves.correlation.shape == (5, 8)


@pytest.mark.parametrize("pixel_size", [1.0, 2.0, 3.0])
def test_pixels_are_those_of_the_images_whichever_side_of_a_voxel_they_are_like(pixel_size):
    box = Volume(VOLUME.data, voxel_size=(1.0, 2.0, 3.0))
    data = Projector(SINGLE_AXIS, image_shape=(17, 18), pixel_size=pixel_size).forward(box)
    assert residual_per_tilt(Projector(SINGLE_AXIS), box, data).max() < 1e-12


def test_frc_of_reprojections_sees_noise_and_takes_the_geometry_of_the_projector():
    noise = np.random.default_rng(11).normal(size=DATA.shape) * DATA.images.std()
    noisy = (DATA + noise).evolve(geometry=ANY_ROTATION)
    curves = frc_of_reprojections(PROJECTOR, VOLUME, noisy)
    assert np.allclose(curves.correlation, frc(DATA, DATA + noise).correlation, rtol=0, atol=1e-12)
    assert (curves.correlation[:, 1] > 0.5).all()
    assert np.abs(curves.correlation[:, -3:]).mean() < 0.3


def test_even_and_odd_tilts_make_the_whole():
    class Series(TiltSeries):
        """A subclass."""

    series = Series(np.arange(5.0).reshape(5, 1, 1), SINGLE_AXIS)
    even, odd = even_odd(series)
    assert (even.images.ravel().tolist(), odd.images.ravel().tolist()) == ([0, 2, 4], [1, 3])
    assert even.geometry == SINGLE_AXIS[::2]
    assert odd.geometry == SINGLE_AXIS[1::2]
    assert type(even) is type(odd) is Series
    assert np.shares_memory(even.images, series.images)


CUBE = Volume(np.ones((4, 5, 6)), voxel_size=2.0)
NAN = np.where(np.arange(120).reshape(4, 5, 6) == 7, np.nan, 1.0)
IMAGES = TiltSeries(np.ones((5, 6, 7)), SINGLE_AXIS)


@pytest.mark.parametrize(
    ("first", "second", "options", "error", "message"),
    [
        (CUBE.data, CUBE, {}, TypeError, "first must be a Volume, got ndarray; make one by Volume"),
        (CUBE, IMAGES, {}, TypeError, "second must be a Volume, got TiltSeries"),
        (CUBE, CUBE.evolve(data=NAN), {}, ValueError, r"second has 1 NaN .* \(0, 1, 1\)"),
        (
            CUBE,
            CUBE.crop((4, 4, 6)),
            {},
            ValueError,
            r"must lie on the grid of first, but shapes do not fit: \(4, 5, 6\) and \(4, 4, 6\)",
        ),
        (
            CUBE,
            CUBE.evolve(voxel_size=(2, 2, 2.1)),
            {},
            ValueError,
            r"voxel sizes differ: \[2.0, 2.0, 2.0\] and \[2.0, 2.0, 2.1\]; use second.resample",
        ),
        (
            CUBE,
            CUBE.evolve(center=(0, 1, 0)),
            {},
            ValueError,
            r"places differ: center \[0.0, 0.0, 0.0\] and \[0.0, 1.0, 0.0\] A; use second.resample",
        ),
        (CUBE, CUBE, {"mask": np.ones((4, 5))}, ValueError, "mask must have 3 dimensions"),
        (
            CUBE,
            CUBE,
            {"mask": np.ones((4, 5, 5))},
            ValueError,
            r"mask must have the shape of the volumes \(4, 5, 6\), got \(4, 5, 5\)",
        ),
        (CUBE, CUBE, {"mask": NAN}, ValueError, "mask has 1 NaN or infinite values"),
        (CUBE, CUBE, {"mask": 0 * CUBE.data}, ValueError, "mask must keep some voxels, got zero"),
        (
            CUBE,
            CUBE,
            {"missing_wedge": np.ones((4, 5, 6))},
            TypeError,
            "missing_wedge must be boolean, .* got dtype float64; make it by",
        ),
        (
            CUBE,
            CUBE,
            {"missing_wedge": np.zeros((4, 6, 6), bool)},
            ValueError,
            r"missing_wedge must have the shape of the volumes \(4, 5, 6\), got \(4, 6, 6\)",
        ),
        (
            CUBE,
            CUBE,
            {"missing_wedge": np.ones((4, 5, 6), bool)},
            ValueError,
            "missing_wedge must leave some frequencies, got True everywhere",
        ),
    ],
)
def test_fsc_refuses_what_it_cannot_compare(first, second, options, error, message):
    with pytest.raises(error, match=message):
        fsc(first, second, **options)


def test_voxel_and_pixel_sizes_that_differ_by_rounding_agree():
    fsc(CUBE, CUBE.evolve(voxel_size=2.00001))
    frc(IMAGES, IMAGES.evolve(pixel_size=1.00001))


@pytest.mark.parametrize(
    ("second", "error", "message"),
    [
        (IMAGES.images, TypeError, "second must be a TiltSeries, got ndarray; make one by"),
        (IMAGES[:4], ValueError, r"shape of first: expected \(5, 6, 7\), got \(4, 6, 7\)"),
        (IMAGES * np.nan, ValueError, "second has 210 NaN or infinite values"),
        (
            IMAGES.evolve(pixel_size=1.1),
            ValueError,
            "second must have the pixel size of first: expected 1.0, got 1.1; resample",
        ),
        (
            IMAGES[[0, 1, 3, 2, 4]],
            ValueError,
            "second must have the tilts of first in the same order, tilt 2 is another; sort both",
        ),
    ],
)
def test_frc_refuses_what_it_cannot_compare(second, error, message):
    with pytest.raises(error, match=message):
        frc(IMAGES, second)


@pytest.mark.parametrize("threshold", [0, 1, -0.1, 2, (0.1, 0.2)])
def test_a_threshold_lies_between_zero_and_one(threshold):
    curve = FourierCorrelation([0, 0.1], [1, 1], [1, 6])
    with pytest.raises(ValueError, match="threshold must be one number between 0 and 1, such as"):
        curve.resolution(threshold)
    with pytest.raises(ValueError, match="threshold must be finite"):
        curve.resolution(np.nan)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (([[0, 1]], [1, 1], [1, 1]), r"frequencies must have shape \(m,\), got \(1, 2\)"),
        (([0, 0], [1, 1], [1, 1]), "frequencies must rise from zero or above; sort them"),
        (([-1, 0], [1, 1], [1, 1]), "frequencies must rise from zero or above"),
        (([0, 1], [1], [1, 1]), r"correlation must .* expected \(2,\) or \(n, 2\), got \(1,\)"),
        (([0, 1], [1, np.nan], [1, 1]), "correlation must be finite"),
        (([0, 1], [1, 1], [1]), r"counts must .* per shell: expected \(2,\), got \(1,\)"),
        (([0, 1], [1, 1], [1, 0.5]), "counts must be whole numbers of at least 0"),
        (([0, 1], [1, 1], [1, -1]), "counts must be whole numbers of at least 0"),
    ],
)
def test_a_curve_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        FourierCorrelation(*fields)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((np.eye(3), (4, 4, 4)), {}, TypeError, "geometry must be a TiltGeometry, got ndarray"),
        ((CLASSIC, (4, 4)), {}, ValueError, "shape must be 3 positive integers"),
        ((CLASSIC, (4, 4, 4)), {"voxel_size": 0}, ValueError, "voxel_size must be one positive"),
        (
            (CLASSIC, (4, 4, 4)),
            {"half_width": 91},
            ValueError,
            "half_width must be one angle from 0 to 90 degrees, got 91; leave it out",
        ),
        ((CLASSIC, (4, 4, 4)), {"half_width": (1, 2)}, ValueError, "half_width must be one angle"),
    ],
)
def test_a_wedge_that_makes_no_sense_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        missing_wedge(*arguments, **options)


@pytest.mark.parametrize("judge", [residual_per_tilt, frc_of_reprojections])
@pytest.mark.parametrize(
    ("projector", "volume", "series", "error", "message"),
    [
        (SINGLE_AXIS, VOLUME, DATA, TypeError, "projector must be a Projector, got TiltGeometry"),
        (PROJECTOR, VOLUME.data, DATA, TypeError, "volume must be a Volume, got ndarray"),
        (PROJECTOR, VOLUME, DATA.images, TypeError, "tilt_series must be a TiltSeries, got"),
        (PROJECTOR, VOLUME * np.nan, DATA, ValueError, "volume has 8000 NaN"),
        (PROJECTOR, VOLUME, DATA * np.nan, ValueError, "tilt_series has 2000 NaN"),
        (
            PROJECTOR,
            VOLUME,
            DATA[:4],
            ValueError,
            "tilt_series must have one image per tilt of the projector: expected 5, got 4",
        ),
        (
            PROJECTOR.evolve(image_shape=(20, 21)),
            VOLUME,
            DATA,
            ValueError,
            r"tilt_series must have the projector's image_shape \(20, 21\), got \(20, 20\)",
        ),
        (
            PROJECTOR.evolve(pixel_size=2.0),
            VOLUME,
            DATA,
            ValueError,
            "tilt_series must have the projector's pixel_size 2.0, got 1.0",
        ),
        (
            PROJECTOR.evolve(volume_shape=(4, 5, 6)),
            VOLUME,
            DATA,
            ValueError,
            r"volume_shape \(4, 5, 6\), got \(20, 20, 20\)",
        ),
    ],
)
def test_what_does_not_fit_the_projector_is_refused(
    judge, projector, volume, series, error, message
):
    with pytest.raises(error, match=message):
        judge(projector, volume, series)


def test_even_odd_refuses_what_cannot_be_split():
    with pytest.raises(ValueError, match="tilt_series must have at least 2 tilts to be split"):
        even_odd(IMAGES[:1])
    with pytest.raises(TypeError, match="tilt_series must be a TiltSeries, got ndarray"):
        even_odd(IMAGES.images)


@pytest.mark.parametrize("counts", [[1, 2], [1, 2, 3, 4]])
def test_counts_are_one_for_each_shell(counts):
    with pytest.raises(ValueError, match="counts must have one number per shell"):
        FourierCorrelation([0.0, 0.1, 0.2], [1.0, 0.5, 0.1], counts)
