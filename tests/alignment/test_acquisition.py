"""The tilt scheme by the order of acquisition, and the exposure, in words."""

import numpy as np
import pytest

from libtilt import TiltGeometry
from libtilt.alignment import Acquisition, Alignment

SYMMETRIC = [0, 3, -3, -6, 6, 9, -9]
GROUPS = [0, 3, 6, -3, -6, 9, 12, -9, -12]


@pytest.mark.parametrize(
    ("taken", "scheme"),
    [
        (range(-60, 61, 3), "unidirectional"),
        (range(60, -61, -3), "unidirectional"),
        ([*range(0, 61, 3), *range(-3, -61, -3)], "bidirectional"),
        ([*range(-20, 61, 2), *range(-22, -61, -2)], "bidirectional"),
        ([*range(0, 61, 3), *range(0, -61, -3)], "bidirectional"),
        (SYMMETRIC, "dose-symmetric"),
        (GROUPS, "dose-symmetric"),
        ([10 + angle for angle in SYMMETRIC], "dose-symmetric"),
        ([0, 9, -3, 3, 6, -9], "irregular"),
        ([0], "unidirectional"),
    ],
)
def test_the_scheme_is_found_in_any_order_of_images(taken, scheme, rng):
    angles = np.array(taken, float) + rng.normal(scale=0.05, size=len(taken))
    images = rng.permutation(len(angles))
    found = Acquisition(times=images).describe_scheme(angles[images])
    assert found == scheme


def test_without_an_order_the_scheme_is_unknown():
    assert Acquisition().describe_scheme([0, 3]) == "unknown"
    assert Acquisition(times=[1, np.nan]).describe_scheme([0, 3]) == "unknown"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"exposures": [3, 3, 3]}, "3 e/Å² per image, 9 e/Å² in all"),
        ({"exposures": [2, 3, 4]}, "2 to 4 e/Å² per image, 9 e/Å² in all"),
        ({"exposures": [2, np.nan]}, "unknown"),
        ({"exposures": [0, 0]}, "unknown"),
        ({"pre_exposures": [0, 120, 60]}, "120 e/Å² before the last image"),
        ({"exposures": [0, 0], "pre_exposures": [0, 3]}, "3 e/Å² before the last image"),
    ],
)
def test_the_exposure_is_summed(fields, text):
    assert Acquisition(**fields).describe_exposure() == text


def test_an_alignment_shows_tilts_sizes_and_what_else_is_known():
    alignment = Alignment(
        TiltGeometry.from_tilt_angles([-3, 0, 3], tilt_axis_angle=85),
        views=[0, 1, 3],
        stack_shape=(4, 48, 64),
        pixel_size=1.35,
        volume_shape=(16, 24, 32),
        voxel_size=2.7,
        acquisition=Acquisition(times=[0, 1, 2], exposures=[3, 3, 3]),
    )
    assert repr(alignment) == (
        "Alignment(3 tilts from -3° to 3° in steps of 3°, tilt axis at 85°, shifts: 0, "
        "order: unidirectional, exposure: 3 e/Å² per image, 9 e/Å² in all, excluded views: 2, "
        "images: 48 x 64 pixels of 1.35 Å, tomogram: 16 x 24 x 32 voxels of 2.7 Å)"
    )
    assert alignment._repr_html_().count("<tr>") == 8


def test_a_scheme_needs_an_angle_for_each_image():
    with pytest.raises(
        ValueError, match=r"times must have one entry per tilt: expected \(2,\), got"
    ):
        Acquisition(times=[0, 1, 2]).describe_scheme([0, 3])
