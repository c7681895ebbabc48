"""Gray values from values of any range."""

import numpy as np
import pytest

from libtilt.drawing import to_gray


def test_contrast_is_shared_by_the_whole_stack():
    frames = np.stack([np.full((4, 4), value) for value in (0.0, 5.0, 10.0)])
    assert to_gray(frames, percentiles=(0, 100))[:, 0, 0].tolist() == [0, 128, 255]


def test_percentiles_cut_outliers():
    frames = np.linspace(0, 1, 1000).reshape(1, 10, 100).copy()
    frames[0, 0, 0] = 1e6
    gray = to_gray(frames, percentiles=(1, 99))
    assert gray[0, 0, 0] == 255
    assert 100 < np.median(gray) < 155


def test_nan_is_black_and_infinities_are_black_and_white():
    frames = np.array([[[np.nan, np.inf, -np.inf, 0.0, 1.0, 0.5]]])
    gray = to_gray(frames, percentiles=(0, 100))
    assert gray[0, 0].tolist() == [0, 255, 0, 0, 255, 128]


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-30, 1e30])
def test_a_constant_stack_is_mid_gray(value):
    assert (to_gray(np.full((2, 3, 3), value)) == 128).all()


@pytest.mark.parametrize("scale", [1e-40, 1e-300, 1.0, 1e300])
def test_tiny_and_huge_ranges_use_all_grays(scale):
    gray = to_gray(np.linspace(-1, 1, 101).reshape(1, 1, 101) * scale, percentiles=(0, 100))
    assert gray.min() == 0
    assert gray.max() == 255
    assert (np.diff(gray[0, 0].astype(int)) >= 0).all()


def test_a_few_nonzero_values_among_zeros_are_visible():
    frames = np.zeros((1, 100, 100))
    frames[0, 0, 0] = 2.0
    assert to_gray(frames).max() == 255


def test_a_sample_without_finite_values_falls_back_to_all_values():
    frames = np.full((1, 1, 2_000_001), np.nan)
    frames[0, 0, 1] = 1.0
    assert to_gray(frames)[0, 0, 1] == 128


def test_contrast_samples_all_columns():
    frames = np.random.default_rng(0).normal(size=(64, 256, 256))
    bright = frames.copy()
    bright[:, :, 65] = 100.0
    shown = to_gray(bright)[:, :, 65]
    assert (shown >= 250).all()
    assert np.median(to_gray(bright)[:, :, 66]) < 20


def test_contrast_per_frame_and_by_values():
    frames = np.stack([np.linspace(0, top, 101).reshape(1, 101) for top in (1.0, 100.0)])
    own = to_gray(frames, contrast="frame", percentiles=(0, 100))
    assert np.abs(own[0].astype(int) - own[1]).max() <= 1
    assert to_gray(frames, contrast="stack", percentiles=(0, 100))[0].max() == 3
    fixed = to_gray(frames, contrast=(0, 2))
    assert np.array_equal(to_gray(frames, contrast=np.array([0.0, 2.0])), fixed)
    assert fixed[0, 0, 100] == 128
    assert (fixed[1, 0, 2:] == 255).all()
    empty = np.stack([np.full((1, 101), np.nan), frames[1]])
    assert (to_gray(empty, contrast="frame")[0] == 0).all()


@pytest.mark.parametrize("contrast", ["stak", (2, 1), (0, np.inf), (1, 2, 3), 5, None, ("a", "b")])
def test_invalid_contrast_is_refused(contrast):
    with pytest.raises(ValueError, match='contrast must be "stack", "frame" or two increasing'):
        to_gray(np.ones((1, 2, 2)), contrast=contrast)
