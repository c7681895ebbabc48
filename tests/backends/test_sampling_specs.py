"""Rays, splines and planes: the components of backends."""

import attrs
import numpy as np
import pytest
from helpers import TRILINEAR, arrays, relative_error
from scipy import ndimage
from scipy.spatial.transform import Rotation

from libtilt.backends import SamplingSpec, SciPyBackend, SparseBackend, single_axis, splines
from libtilt.backends import scipy as scipy_backend
from libtilt.backends.base import DRIVEN
from libtilt.backends.rays import depth_range
from libtilt.backends.single_axis import SingleAxisLayout
from libtilt.testing import make_spec

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("margin", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_depth_range_reaches_every_corner_and_not_further(margin, seed):
    """Compared with a search on a fine detector larger than the volume."""
    shape = (5, 8, 3)
    grid = np.column_stack([Rotation.random(random_state=seed).as_matrix(), [1.3, -2.1, 0.4]])
    high = np.array(shape)[::-1] - 1 + margin
    u_v = np.arange(-20, 21, 0.5)
    touching = []
    for k in range(-20, 21):
        u, v, depth = np.meshgrid(u_v, u_v, float(k))
        xyz = np.stack([u, v, depth, np.ones_like(u)], axis=-1) @ grid.T
        if ((xyz > -margin) & (xyz < high)).all(axis=-1).any():
            touching.append(k)
    depths = depth_range(grid, shape, margin)
    assert set(touching) <= set(depths)
    assert len(depths) <= len(touching) + 2


def test_a_depth_on_the_very_border_is_not_lost_to_rounding():
    grid = np.eye(3, 4)
    for rounding in (-1e-9, 0, 1e-9):
        grid[2, 3] = 0.5 + rounding
        assert depth_range(grid, (4, 4, 4), margin=0.5) == range(-1, 4)


@pytest.mark.parametrize("backend", TRILINEAR)
@pytest.mark.parametrize("driven", DRIVEN)
def test_depth_steps_beyond_the_volume_give_zeros(backend, driven):
    grids = np.eye(3, 4)[None].copy()
    grids[0, 2, 2:] = 50, 25
    spec = SamplingSpec(grids=grids, volume_shape=(4, 4, 4), image_shape=(4, 4), driven=driven)
    volume = np.ones((4, 4, 4), np.float32)
    assert backend.forward(spec, volume).sum() == (0 if driven == "ray" else 64)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_coefficients_interpolate_as_scipy_does_against_zeros(order):
    array = RNG.normal(size=(6, 7))
    positions = RNG.uniform(-4, 10, size=(2, 200))
    expected = ndimage.map_coordinates(array, positions, order=order, mode="grid-constant")
    got = ndimage.map_coordinates(
        splines.coefficients(array, order, (0, 1)),
        positions + splines.PADDING[order],
        order=order,
        mode="grid-constant",
        prefilter=False,
    )
    assert np.allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("axes", [(0,), (1, 2), (0, 1, 2)])
def test_the_transpose_of_the_spline_filter_is_exact(axes):
    array = RNG.normal(size=(4, 5, 6))
    filtered = splines.coefficients(array, 3, axes)
    other = RNG.normal(size=filtered.shape)
    back = splines.coefficients_adjoint(other, 3, axes)
    assert back.shape == array.shape
    assert np.vdot(filtered, other) == pytest.approx(np.vdot(array, back), rel=1e-13)


@pytest.mark.parametrize("order", [1, 3])
def test_taps_are_the_weights_of_the_b_spline(order):
    position = RNG.uniform(-3, 9, size=50)
    indices, weights = splines.taps(position, 7, order)
    array = RNG.normal(size=7)
    got = sum(weight * array[index] for index, weight in zip(indices, weights, strict=True))
    expected = ndimage.map_coordinates(
        np.pad(array, 8), position[None] + 8, order=order, prefilter=False
    )
    assert np.allclose(got, expected, atol=1e-13)


@pytest.mark.parametrize("order", [1, 3])
def test_a_splat_is_the_transpose_of_interpolation(order):
    shape = (5, 6)
    positions = RNG.uniform(-3, 8, size=(2, 40))
    array, values = RNG.normal(size=shape), RNG.normal(size=40)
    target = np.zeros(30)
    np.add.at(target, *splines.splat(list(positions), values, shape, order))
    samples = ndimage.map_coordinates(np.pad(array, 8), positions + 8, order=order, prefilter=False)
    assert np.vdot(target, array) == pytest.approx(np.vdot(samples, values), rel=1e-12)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("detector_axis", range(2))
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("sign", [1, -1])
def test_any_volume_axis_along_either_detector_axis_is_a_plane(axis, detector_axis, driven, sign):
    """With any scale along the axis, and any map in the plane across it."""
    grids = np.zeros((3, 3, 4))
    across = [a for a in range(3) if a != detector_axis]
    in_plane = [a for a in range(3) if a != axis]
    for tilt, grid in enumerate(grids):
        turn = Rotation.from_euler("z", 20 + 30 * tilt, degrees=True).as_matrix()[:2, :2]
        grid[np.ix_(in_plane, across)] = turn @ np.diag([0.9, 1.0])
        grid[axis, detector_axis] = sign * (0.8 + 0.1 * tilt)
        grid[:, 3] = RNG.uniform(0, 4, size=3)
    spec = SamplingSpec(
        grids=grids, volume_shape=(6, 7, 5), image_shape=(7, 6), dtype="float64", driven=driven
    )
    layout = SingleAxisLayout.find(spec)
    assert (layout.axis, layout.detector_axis) == (axis, detector_axis)
    volume, images = arrays(spec)
    sparse, scipy = SparseBackend(), SciPyBackend()
    assert relative_error(sparse.forward(spec, volume), scipy.forward(spec, volume)) < 1e-12
    assert relative_error(sparse.adjoint(spec, images), scipy.adjoint(spec, images)) < 1e-12


def test_rays_that_leave_the_plane_by_little_are_found_at_the_scale_of_the_data():
    spec = make_spec("single axis, odd sizes")
    grids = spec.grids.copy()
    grids[1, 1, 0] = 1e-12
    assert SingleAxisLayout.find(attrs.evolve(spec, grids=grids)) is not None
    grids[1, 1, 0] = 1e-6
    assert SingleAxisLayout.find(attrs.evolve(spec, grids=grids)) is None


def test_one_tilt_out_of_line_is_enough_to_leave_the_planes():
    spec = make_spec("single axis, odd sizes")
    grids = spec.grids.copy()
    grids[2, :, :3] = np.roll(np.eye(3), 1, axis=0)
    assert SingleAxisLayout.find(attrs.evolve(spec, grids=grids)) is None


def test_matrices_built_in_chunks_are_the_same(monkeypatch):
    spec = make_spec("single axis, large detector")
    volume, _ = arrays(spec)
    whole = SparseBackend().forward(spec, volume)
    monkeypatch.setattr(single_axis, "_CHUNK", 100)
    assert np.array_equal(SparseBackend().forward(spec, volume), whole)


def test_slabs_of_depth_add_up(monkeypatch):
    spec = make_spec("any rotation")
    volume, images = arrays(spec)
    whole = SciPyBackend().forward(spec, volume), SciPyBackend().adjoint(spec, images)
    monkeypatch.setattr(scipy_backend, "_SLAB", 3 * 80)
    assert relative_error(SciPyBackend().forward(spec, volume), whole[0]) < 1e-14
    assert relative_error(SciPyBackend().adjoint(spec, images), whole[1]) < 1e-14
