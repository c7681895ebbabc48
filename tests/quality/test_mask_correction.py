import numpy as np
import pytest

from libtilt import Volume
from libtilt.quality import fsc, mask_corrected_fsc

SIDE = 40


def ball(radius, edge=3.0):
    z, y, x = np.indices((SIDE,) * 3) - SIDE // 2
    distance = np.sqrt(z**2 + y**2 + x**2)
    return np.clip((radius + edge - distance) / edge, 0, 1)


def halves_of(signal, rng, noise=1.0):
    return [Volume(signal + noise * rng.normal(size=signal.shape), voxel_size=2.0) for _ in "ab"]


def test_the_correlation_of_masked_noise_is_corrected_to_zero(rng):
    curves = mask_corrected_fsc(*halves_of(np.zeros((SIDE,) * 3), rng), ball(4))
    beyond = slice(6, None)
    # The mask is a few Fourier voxels wide, over which noise is the same in both.
    assert abs(curves.corrected.correlation[beyond].mean()) < 0.1


def test_a_tight_mask_around_noise_with_a_common_edge_is_unmasked(rng):
    """A constant beneath the mask correlates by the mask alone, and that part is taken off."""
    common = np.full((SIDE,) * 3, 3.0)
    halves = halves_of(common, rng)
    mask = (ball(6, edge=0.5) > 0.5).astype(float)
    with pytest.warns(UserWarning, match="mask has hard edges"):
        curves = mask_corrected_fsc(*halves, mask)
    beyond = slice(6, None)
    assert curves.masked.correlation[beyond].mean() > 0.5
    assert curves.phase_randomized.correlation[beyond].mean() > 0.5
    assert abs(curves.corrected.correlation[beyond].mean()) < 0.2


def test_signal_inside_the_mask_is_kept(rng):
    mask = ball(12)
    signal = 2 * mask * rng.normal(size=mask.shape)
    curves = mask_corrected_fsc(*halves_of(signal, rng), mask)
    # Inside the mask the power of the signal is 4 and that of the noise 1: 4 / (4 + 1).
    assert curves.corrected.correlation[5:].mean() == pytest.approx(0.8, abs=0.04)
    assert curves.unmasked.correlation[5:].mean() < 0.45


def test_shells_before_the_randomized_ones_are_those_of_the_masked_maps(rng):
    halves = halves_of(20 * ball(8), rng)
    curves = mask_corrected_fsc(*halves, ball(12), randomize_below=0.7)
    start = int(np.flatnonzero(curves.unmasked.frequencies == curves.randomized_from)[0])
    assert start > 1
    assert (curves.unmasked.correlation[1:start] >= 0.7).all()
    kept = slice(0, start + 2)
    assert (curves.corrected.correlation[kept] == curves.masked.correlation[kept]).all()
    assert np.allclose(curves.masked.correlation, fsc(*halves, mask=ball(12)).correlation)
    assert list(curves.curves) == ["unmasked", "masked", "phase-randomized", "corrected"]


def test_phases_are_those_of_the_seed(rng):
    halves = halves_of(ball(8), rng)
    one, same, other = (mask_corrected_fsc(*halves, ball(9), seed=seed) for seed in (1, 1, 2))
    assert (one.corrected.correlation == same.corrected.correlation).all()
    assert (one.corrected.correlation != other.corrected.correlation).any()


def test_equal_maps_are_not_corrected(rng):
    volume = Volume(rng.normal(size=(SIDE,) * 3))
    curves = mask_corrected_fsc(volume, volume, ball(9))
    assert curves.randomized_from == np.inf
    assert np.allclose(curves.corrected.correlation[1:], 1)


def test_bad_arguments_of_mask_correction_are_named(rng):
    halves = halves_of(ball(8), rng)
    with pytest.raises(ValueError, match="randomize_below must lie between 0 and 1, got 2"):
        mask_corrected_fsc(*halves, ball(9), randomize_below=2)
    with pytest.raises(ValueError, match="mask must have the shape of the volumes"):
        mask_corrected_fsc(*halves, np.ones((3, 3, 3)))
