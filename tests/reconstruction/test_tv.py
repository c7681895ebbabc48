"""Total variation: its minimum, gradient and stopping rule."""

import numpy as np
import pytest
from helpers import BLOBS, EVERY_BACKEND, geometry_for, quick, relative_error
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries
from libtilt.backends.numba import NumbaBackend
from libtilt.reconstruction import sirt, tv, wbp
from libtilt.reconstruction.gradient import Gradient

SHAPE = (8, 12, 14)
GEOMETRY = TiltGeometry.from_tilt_angles(range(-60, 61, 20), tilt_axis_angle=11)
# One thread: pools cost more than volumes this small.
PROJECTOR = Projector(
    GEOMETRY, volume_shape=SHAPE, image_shape=(12, 14), backend=NumbaBackend(threads=1)
)


def noisy(seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    images = BLOBS.tilt_series(GEOMETRY, (12, 14)).images
    images = images + rng.normal(size=images.shape) * images.std()
    return TiltSeries(images.astype(dtype), GEOMETRY)


def total_variation(data, factors=(1, 1, 1)):
    gradient = [
        factor * np.diff(data, axis=axis, append=data.take([-1], axis))
        for axis, factor in enumerate(factors)
    ]
    return np.sqrt(np.square(gradient).sum(axis=0)).sum()


def objective(data, series, strength):
    weight = strength * np.abs(PROJECTOR.adjoint(series).data).max()
    misfit = PROJECTOR.forward(data).images - series.images
    return 0.5 * np.square(misfit).sum() + weight * total_variation(data)


def test_tv_finds_a_minimum_of_its_objective():
    series, rng, strength = noisy(), np.random.default_rng(1), 0.05
    result = tv(
        series, projector=PROJECTOR, strength=strength, iterations=2000, tolerance=1e-4, margin=0
    )
    assert result.stop_reason == "tolerance"
    data, scale = result.volume.data, result.volume.data.max()
    least = objective(data, series, strength)
    for size in (1e-3, 1e-2, 1e-1):
        other = np.maximum(data + size * scale * rng.normal(size=SHAPE), 0)
        assert objective(other, series, strength) > least
    for factor in (0.98, 1.02):
        assert objective(factor * data, series, strength) > least * (1 - 1e-6)


def test_tv_converges_from_any_start():
    options = {"projector": PROJECTOR, "iterations": 500, "tolerance": 1e-9, "margin": 0}
    start = np.random.default_rng(2).random(SHAPE)
    ends = [tv(noisy(), start=start, **options), tv(noisy(), **options)]
    values = [objective(end.volume.data, noisy(), 0.05) for end in ends]
    assert_allclose(values[0], values[1], rtol=1e-3)


def test_larger_strength_is_smoother():
    variations = [
        total_variation(tv(noisy(), projector=PROJECTOR, strength=strength).volume.data)
        for strength in (1e-3, 1e-2, 1e-1)
    ]
    assert variations == sorted(variations, reverse=True)


def test_densities_are_negative_only_without_nonnegative():
    assert tv(noisy(), projector=PROJECTOR).volume.data.min() == 0
    assert tv(noisy(), projector=PROJECTOR, nonnegative=False).volume.data.min() < 0


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tv_reduces_the_residual_with_every_backend(backend, dtype):
    series = BLOBS.tilt_series(geometry_for(backend), (13, 15)).astype(dtype)
    result = tv(series, volume_shape=(15, 13, 17), strength=1e-4, iterations=30, backend=backend)
    assert result.residuals[-1] < 0.35
    assert result.volume.dtype == dtype
    assert len(result.residuals) == result.iterations + 1


@given(
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    spacings=st.tuples(*[st.floats(0.5, 2)] * 3),
    seed=st.integers(0, 99),
)
@quick
def test_the_gradient_and_its_transpose_are_adjoint(shape, spacings, seed):
    rng, spacings = np.random.default_rng(seed), np.array(spacings)
    volume, dual_of = rng.normal(size=shape), rng.normal(size=shape)
    options = {"spacings": spacings, "limit": 1e9, "least": -np.inf}
    gradient = Gradient(shape, np.dtype("f8"), **options)
    gradient.ascend(volume, 1.0)
    factors = (spacings.min() / spacings)[::-1]
    pieces = [
        factor * np.diff(volume, axis=axis, append=volume.take([-1], axis))
        for axis, factor in enumerate(factors)
    ]
    # From zero, a step of 1 against the transpose leaves minus the transpose.
    moved, ahead = np.zeros(shape), np.zeros(shape)
    gradient.descend(moved, ahead, np.zeros(shape), 1.0)
    differences = [
        factor * np.diff(dual_of, axis=axis, append=dual_of.take([-1], axis))
        for axis, factor in enumerate(factors)
    ]
    assert_allclose(np.sum(-moved * dual_of), np.vdot(pieces, differences), atol=1e-10)
    assert_allclose(ahead, 2 * moved)
    assert np.linalg.norm(pieces) ** 2 <= gradient.squared_norm * np.sum(volume**2) + 1e-9


def test_spacings_count_in_the_gradient():
    geometry = TiltGeometry.from_tilt_angles(range(-60, 61, 20))
    cubic, flat = (
        tv(
            TiltSeries(noisy().images, geometry),
            projector=Projector(
                geometry, volume_shape=SHAPE, image_shape=(12, 14), voxel_size=size, pixel_size=1.0
            ),
        ).volume.data
        for size in (1.0, (1, 1, 1.001))
    )
    assert relative_error(flat, cubic) < 0.05


def test_tv_and_sirt_beat_wbp_for_noise_and_a_missing_wedge():
    blobs = GaussianBlobs.random((40, 40, 40), n=12, seed=5, sigmas=(1.5, 3))
    geometry = TiltGeometry.from_tilt_angles(range(-60, 61, 3))
    clean = blobs.tilt_series(geometry, (40, 40))
    noise = np.random.default_rng(6).normal(size=clean.shape)
    deviations = clean.images.std(axis=(1, 2), keepdims=True) / np.sqrt(0.1)
    series, shape = clean + noise * deviations, (40, 40, 40)
    truth = blobs.volume(shape).data
    errors = {
        "wbp": relative_error(wbp(series, volume_shape=shape).data, truth),
        "sirt": relative_error(
            sirt(series, volume_shape=shape, iterations=3, bounds=(0, None)).volume.data, truth
        ),
        "tv": relative_error(tv(series, volume_shape=shape, strength=0.1).volume.data, truth),
    }
    assert errors["tv"] < 0.6 * errors["sirt"] < 0.2 * errors["wbp"]
    assert errors["tv"] < 0.4
