"""The missing wedge, against its definition and for known geometries."""

import numpy as np
import pytest
from helpers import ANY_ROTATION, geometries, quick
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from libtilt import Projector, TiltGeometry
from libtilt.quality import missing_wedge

CLASSIC = TiltGeometry.from_tilt_angles(range(-60, 61, 3))


def frequencies_of(shape, voxel_size):
    """x, y, z in 1/angstrom of every component, zero frequency at shape // 2."""
    spacing = np.broadcast_to(voxel_size, 3)[::-1]
    axes = [np.fft.fftshift(np.fft.fftfreq(n, s)) for n, s in zip(shape, spacing, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)


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
def test_the_wedge_equals_its_definition_and_is_symmetric(geometry, shape, voxel_size):
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


def test_the_wedge_ignores_the_sign_of_beams():
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


def test_the_wedge_of_two_axes_is_the_intersection():
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


def test_a_backprojection_lacks_the_missing_wedge():
    # Nothing about it is symmetric, so that a mirrored wedge would lie elsewhere.
    geometry = TiltGeometry.from_tilt_angles(range(-30, 71, 5), tilt_axis_angle=40, x_tilts=20)
    images = np.random.default_rng(9).normal(size=(21, 32, 32))
    volume = Projector(geometry, volume_shape=(32, 32, 32), driven="voxel").adjoint(images)
    power = np.abs(np.fft.fftshift(np.fft.fftn(volume.data))) ** 2
    wedge = missing_wedge(geometry, volume.shape)
    inside = np.linalg.norm(frequencies_of(volume.shape, 1.0), axis=-1) < 0.4
    # The edges of the box spill some power into it, a mirrored wedge would hold more than half.
    assert power[inside & wedge].mean() < 0.1 * power[inside & ~wedge].mean()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((np.eye(3), (4, 4, 4)), {}, TypeError, "geometry must be a TiltGeometry, got ndarray"),
        ((CLASSIC, (4, 4)), {}, ValueError, "shape must be 3 positive integers"),
        ((CLASSIC, (4, 4, 4)), {"voxel_size": 0}, ValueError, "voxel_size must be positive"),
        (
            (CLASSIC, (4, 4, 4)),
            {"half_width": 91},
            ValueError,
            "half_width must be one angle from 0 to 90 degrees, got 91; omit it",
        ),
        ((CLASSIC, (4, 4, 4)), {"half_width": (1, 2)}, ValueError, "half_width must be one angle"),
    ],
)
def test_invalid_wedge_arguments_raise(arguments, options, error, message):
    with pytest.raises(error, match=message):
        missing_wedge(*arguments, **options)
