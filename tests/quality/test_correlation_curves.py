"""`FourierCorrelation`: resolutions and validation."""

import pickle

import numpy as np
import pytest

from libtilt import Volume
from libtilt.quality import FourierCorrelation, fsc


def pair(shape, voxel_size=1.0, seed=0, dtype=np.float64):
    """Two volumes that share half of their power, with means."""
    signal, *noise = np.random.default_rng(seed).normal(size=(3, *shape))
    data = (signal + part + mean for part, mean in zip(noise, (0.3, -2.0), strict=True))
    return tuple(Volume(part.astype(dtype), voxel_size=voxel_size) for part in data)


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
        (([0, 0], [1, 1], [1, 1]), "frequencies must be non-negative and strictly"),
        (([-1, 0], [1, 1], [1, 1]), "frequencies must be .* increasing"),
        (([0, 1], [1], [1, 1]), r"correlation must .* expected \(2,\) or \(n, 2\), got \(1,\)"),
        (([0, 1], [1, np.nan], [1, 1]), "correlation must be finite"),
        (([0, 1], [1, 1], [1]), r"counts must .* per shell: expected \(2,\), got \(1,\)"),
        (([0, 1], [1, 1], [1, 0.5]), "counts must be non-negative whole numbers"),
        (([0, 1], [1, 1], [1, -1]), "counts must be non-negative whole numbers"),
    ],
)
def test_invalid_curves_raise(fields, message):
    with pytest.raises(ValueError, match=message):
        FourierCorrelation(*fields)


@pytest.mark.parametrize("counts", [[1, 2], [1, 2, 3, 4]])
def test_counts_are_one_for_each_shell(counts):
    with pytest.raises(ValueError, match="counts must have one number per shell"):
        FourierCorrelation([0.0, 0.1, 0.2], [1.0, 0.5, 0.1], counts)
