"""Margins keep material beside the volume out of the reconstruction."""

import numpy as np
import pytest
from helpers import relative_error
from numpy.testing import assert_allclose, assert_array_equal

from libtilt import GaussianBlobs, ImageGrid, Projector, TiltGeometry, VolumeGrid
from libtilt.reconstruction import CGLS, SIRT, TV, reconstruct
from libtilt.reconstruction.margin import add_margin

GEOMETRY = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
SHAPE = (16, 12, 40)


def slab():
    """A slab three times as wide as the images."""
    rng, n = np.random.default_rng(0), 800
    low, high = (-60, -12, -5), (60, 12, 5)
    return GaussianBlobs(
        rng.uniform(low, high, (n, 3)), rng.uniform(1.5, 2.5, n), rng.uniform(0.5, 1.5, n)
    )


@pytest.mark.parametrize(
    "method",
    [SIRT(iterations=20, bounds=(0, None)), CGLS(), TV(strength=0.001, iterations=60)],
    ids=lambda method: method.name,
)
def test_a_margin_keeps_a_wide_slab_out_of_the_corners(method):
    series, truth = slab().tilt_series(GEOMETRY, SHAPE[1:]), slab().volume(SHAPE)
    plain, wide = (reconstruct(series, method, volume_shape=SHAPE, margin=m) for m in (0, "auto"))
    assert wide.grid == plain.grid == truth.grid
    assert relative_error(wide, truth) < 0.6 < 0.8 * relative_error(plain, truth)
    assert_array_equal(reconstruct(series, method, volume_shape=SHAPE).data, wide.data)


def test_a_margin_equals_a_wider_volume_cropped():
    series = slab().tilt_series(GEOMETRY, SHAPE[1:])
    wide = reconstruct(series, SIRT(iterations=3), volume_shape=(16, 12, 60), margin=0)
    result = reconstruct(series, SIRT(iterations=3), volume_shape=SHAPE, margin=10)
    assert_array_equal(result.data, wide.crop(SHAPE).data)
    assert_allclose(result.residuals, wide.residuals)
    assert result.data.base.size == result.size


def test_start_mask_and_callback_use_the_requested_grid():
    series, rng = slab().tilt_series(GEOMETRY, SHAPE[1:]), np.random.default_rng(1)
    start, mask, seen = rng.random(SHAPE), rng.random(SHAPE) > 0.5, []
    result = reconstruct(
        series,
        SIRT(iterations=2),
        volume_shape=SHAPE,
        start=start,
        mask=mask,
        callback=lambda iteration, volume, residual: seen.append(volume.shape),
    )
    assert seen == [SHAPE, SHAPE]
    assert_array_equal(result.data[~mask], start[~mask])


@pytest.mark.parametrize(
    ("options", "margin", "expected"),
    [
        ({}, 0, (8, 30, 40)),
        ({}, 5, (8, 30, 50)),
        ({}, "auto", (8, 30, 96)),
        ({"tilt_axis_angle": 90}, "auto", (8, 40, 76)),
        ({"shifts": (0, 7.0)}, "auto", (8, 44, 96)),
        ({"shifts": (0, 7.0)}, 2, (8, 34, 44)),
    ],
)
def test_the_margin_covers_the_visible_slab(options, margin, expected):
    geometry = TiltGeometry.from_tilt_angles([-60, 0, 60], **options)
    grid = VolumeGrid((8, 30, 40))
    result = add_margin(grid, ImageGrid((30, 40)), geometry, margin)
    assert result.center.tolist() == grid.center.tolist()
    difference = np.abs(np.subtract(result.shape, expected))
    # The pixel by which even images are longer at one side counts twice at 60 degrees.
    assert difference.max() <= (4 if margin == "auto" else 0)


def test_every_ray_ends_within_the_margin():
    """A wider one still sees nothing more."""
    geometry = TiltGeometry.from_tilt_angles([-50, -20, 10, 48], tilt_axis_angle=33, shifts=(2, -1))
    grid = add_margin(VolumeGrid((10, 20, 24)), ImageGrid((20, 24)), geometry, "auto")
    more = grid.pad((10, grid.shape[1] + 8, grid.shape[2] + 8))
    rays = [
        Projector(geometry, volume_grid=g, image_grid=ImageGrid((20, 24)), backend="numba").forward(
            np.ones(g.shape)
        )
        for g in (grid, more)
    ]
    assert relative_error(rays[0], rays[1]) < 1e-9


def test_steep_tilts_have_no_automatic_margin():
    for angles in (range(-90, 90, 10), [-60, 85]):
        geometry = TiltGeometry.from_tilt_angles(angles)
        assert add_margin(VolumeGrid(SHAPE), ImageGrid((12, 40)), geometry, "auto").shape == SHAPE
        assert add_margin(VolumeGrid(SHAPE), ImageGrid((12, 40)), geometry, 3).shape == (16, 12, 46)
