"""Ordered subsets cover all angles, and successive ones are far apart."""

import sys

import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import Projector, TiltGeometry
from libtilt.geometry.window import Window
from libtilt.reconstruction import SIRT, reconstruct
from libtilt.reconstruction.subsets import ordered_subsets

# Value, half axes, center and angle of each ellipse of the (modified) Shepp-Logan phantom.
SHEPP_LOGAN = [
    (1.0, 0.69, 0.92, 0.0, 0.0, 0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0),
]


def shepp_logan(size, finer=5):
    """A slice of it across y, each voxel the mean of finer ones."""
    z, x = np.mgrid[-1 : 1 : size * finer * 1j, -1 : 1 : size * finer * 1j]
    image = np.zeros_like(x)
    for value, a, b, x0, z0, angle in SHEPP_LOGAN:
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        along, across = (x - x0) * c + (z - z0) * s, (z - z0) * c - (x - x0) * s
        image += value * ((along / a) ** 2 + (across / b) ** 2 <= 1)
    return Window.bin(image.shape, finer).block_means(image, image.dtype)[:, np.newaxis]


@given(count=st.integers(1, 60), parts=st.integers(1, 60), seed=st.integers(0, 99))
@quick
def test_each_tilt_is_in_one_subset_and_each_subset_covers_all_angles(count, parts, seed):
    parts = min(parts, count)
    angles = np.random.default_rng(seed).permutation(np.linspace(-60, 60, count))
    subsets = ordered_subsets(TiltGeometry.from_tilt_angles(angles), parts)
    assert sorted(np.concatenate(subsets)) == list(range(count))
    for some in subsets:
        ranks = np.sort(np.argsort(np.argsort(angles))[some])
        assert (np.diff(ranks) == parts).all()


@pytest.mark.parametrize("parts", [8, 13, 41, 60])
def test_successive_subsets_are_far_apart(parts):
    geometry = TiltGeometry.from_tilt_angles(np.linspace(-60, 60, 2 * parts))
    firsts = np.array(
        [geometry.tilt_angles[some].min() for some in ordered_subsets(geometry, parts)]
    )
    places = (firsts - firsts.min()) / np.ptp(firsts)
    assert np.abs(np.diff(places)).min() > 0.25


def test_golden_section_order_converges_faster_than_angular_order(monkeypatch):
    geometry = TiltGeometry.from_tilt_angles(np.linspace(0, 180, 100, endpoint=False))
    truth = shepp_logan(100)
    projector = Projector(geometry, volume_shape=truth.shape, voxel_size=1.0)
    series, method = projector.forward(truth), SIRT(iterations=1, subsets=len(geometry))
    errors = {"spread": reconstruct(series, method, projector=projector) - truth}
    monkeypatch.setattr(
        sys.modules["libtilt.reconstruction.sirt"],
        "ordered_subsets",
        lambda geometry, count: [np.arange(i, len(geometry), count) for i in range(count)],
    )
    errors["by angle"] = reconstruct(series, method, projector=projector) - truth
    spread, by_angle = (float(np.sqrt(np.mean(error.data**2))) for error in errors.values())
    assert spread < 0.045 < 0.1 < by_angle
