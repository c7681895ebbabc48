"""Masks with soft edges."""

import warnings

import numpy as np
import pytest

from libtilt import Volume
from libtilt.errors import LibtiltWarning
from libtilt.quality import conical_fsc, fsc, mask_corrected_fsc, soft_mask

SHAPE = (40, 38, 36)
z, y, x = np.indices(SHAPE) - np.reshape(SHAPE, (3, 1, 1, 1)) // 2
DISTANCE = np.sqrt(z**2 + y**2 + x**2)
BALL = Volume(np.exp(-DISTANCE / 4), voxel_size=(2, 2, 3.0), center=(1, 2, 3))


def test_a_mask_is_one_inside_falls_as_a_cosine_and_is_zero_beyond():
    mask = soft_mask(BALL, np.exp(-5 / 4) - 1e-12, expand=3, soft=6)
    assert mask.grid == BALL.grid
    assert mask.dtype == np.float32
    # The ball has a radius of 5; distances are between voxel centers, so within one of the sphere.
    assert (mask.data[DISTANCE <= 7] == 1).all()
    assert (mask.data[DISTANCE >= 15] == 0).all()
    line = mask.data[20, 19, 18 + 5 :]  # exact along an axis, from the edge of the ball
    expected = 0.5 + 0.5 * np.cos(np.pi * np.clip((np.arange(len(line)) - 3) / 6, 0, 1))
    assert np.allclose(line, expected, atol=1e-6)


def test_without_an_edge_the_mask_is_the_grown_region():
    inside = DISTANCE <= 5
    assert (soft_mask(BALL, np.exp(-5 / 4) - 1e-12, expand=0, soft=0).data == inside).all()
    grown = soft_mask(Volume(inside.astype(np.uint8)), 0.5, expand=1, soft=0).data
    assert grown[20, 19, 18 + 6] == 1
    assert grown[20, 19, 18 + 7] == 0


def test_a_softened_hard_mask_raises_no_warning(rng):
    halves = [Volume(rng.normal(size=SHAPE)) for _ in "ab"]
    hard = DISTANCE < 8
    with pytest.warns(LibtiltWarning, match=r"mask has hard edges .* pass soft_mask\(") as caught:
        mask_corrected_fsc(*halves, hard)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mask_corrected_fsc(*halves, soft_mask(Volume(hard.astype(float)), 0.5))
        mask_corrected_fsc(*halves, np.ones(SHAPE))  # has no edge


@pytest.mark.parametrize("measure", [fsc, conical_fsc, mask_corrected_fsc])
@pytest.mark.parametrize(("low", "high"), [(-0.1, 1), (0, 1.5)])
def test_masks_beyond_zero_to_one_are_refused(rng, measure, low, high):
    halves = [Volume(rng.normal(size=SHAPE)) for _ in "ab"]
    mask = np.clip(10 - DISTANCE, low, high)
    message = f"mask must have values from 0 to 1, got {low} to {high}; make one with"
    with pytest.raises(ValueError, match=message):
        measure(*halves, mask=mask)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 2}, "level must be at most the largest density 1, got 2"),
        ({"level": np.nan}, "level must be"),
        ({"level": 0.5, "expand": -1}, "expand must be at least 0 voxels, got -1"),
        ({"level": 0.5, "soft": -1}, "soft must be at least 0 voxels, got -1"),
    ],
)
def test_invalid_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        soft_mask(BALL, **options)
