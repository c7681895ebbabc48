"""A volume turns the right way, and what is seen of it is right."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from libtilt import GaussianBlobs, Volume
from libtilt.animations import (
    Spin,
    surface_level,
)

RNG = np.random.default_rng(5)
BLOBS = GaussianBlobs([[0, -6, 9], [7, 5, -3]], sigmas=[2, 2.5], amplitudes=[1, 1])


def test_a_spin_turns_in_the_sense_of_positive_tilts():
    blob = GaussianBlobs([[0, 0, 9]], sigmas=1.5).volume((24, 24, 24))
    frames = Spin(count=4).frames(blob)
    middle = frames.shape[2] // 2
    columns = [int(frame.sum(axis=0).argmax()) - middle for frame in frames]
    assert columns == [0, 9, 0, -9]


def test_a_spin_about_x_moves_along_the_columns():
    blob = GaussianBlobs([[0, 0, 9]], sigmas=1.5).volume((24, 24, 24))
    frames = Spin(count=4, axis="x").frames(blob)
    middle = frames.shape[1] // 2
    assert [int(frame.sum(axis=1).argmax()) - middle for frame in frames] == [0, -9, 0, 9]


def test_a_spin_about_z_turns_an_upright_volume_counterclockwise_as_seen_from_the_top():
    """Pictures have x to the right and z upward; at first, y points away from the viewer."""
    blob = GaussianBlobs([[9, 0, 6]], sigmas=1.5).volume((26, 24, 24))
    frames = Spin(count=4, axis="z").frames(blob)
    width = frames.shape[2]
    columns = [int(frame.sum(axis=0).argmax()) - width // 2 for frame in frames]
    rows = [int(frame.sum(axis=1).argmax()) for frame in frames]
    assert columns == [9, 0, -9, 0]
    assert rows == [26 - 1 - (13 + 6)] * 4
    # A quarter turn moves what is in front, at the smallest y, to the right: it then has x = 9.
    near = GaussianBlobs([[0, -9, 0]], sigmas=1.5).volume((26, 24, 24))
    shaded = Spin(count=4, axis="z", render="surface", level=0.5).frames(near)
    assert shaded[0].max() > shaded[2].max()
    turned = Spin(count=4, axis="z").frames(near)[1]
    assert int(turned.sum(axis=0).argmax()) - width // 2 == 9


def test_a_spin_about_z_keeps_anisotropic_voxels_square_and_whole():
    volume = Volume(np.ones((9, 7, 20)), voxel_size=(1.0, 1.5, 2.0))
    frames = Spin(count=4, axis="z").frames(volume)
    assert frames.shape[1] == 18
    sums = frames.sum(axis=(1, 2))
    assert sums[0] == pytest.approx(9 * 7 * 20 * 3.0, rel=0.03)
    assert sums[0] == pytest.approx(sums[2])


def test_the_pictures_of_a_spin_hold_the_whole_volume():
    volume = Volume(np.ones((9, 7, 20)), voxel_size=(1.0, 1.5, 2.0))
    sums = Spin(count=8).frames(volume).sum(axis=(1, 2))
    assert sums[0] == pytest.approx(sums[4])
    assert sums[2] == pytest.approx(sums[6])
    # The sum of all voxels, each 3 times a pixel's cube: what is cut off would be missing.
    assert sums[0] == pytest.approx(9 * 7 * 20 * 3.0, rel=0.03)


@pytest.mark.parametrize("voxel_size", [(1, 2, 2), (2, 2, 1), (1, 1, 1)])
def test_the_brightness_of_a_spin_is_constant_for_anisotropic_voxels(voxel_size):
    shape = tuple(48 // size for size in voxel_size[::-1])
    frames = Spin().frames(GaussianBlobs([[0, 0, 0]], 6.0).volume(shape, voxel_size=voxel_size))
    tops = frames.max(axis=(1, 2))
    assert tops.max() / tops.min() < 1.02
    assert tops[0] == pytest.approx(6.0 * (2 * np.pi) ** 0.5, rel=0.01)


def test_a_large_volume_is_binned_before_a_spin():
    assert max(Spin(count=2).frames(Volume(np.zeros((4, 4, 600), np.float32))).shape) <= 256


@pytest.mark.parametrize("axis", ["z", "y", "x"])
@pytest.mark.parametrize("render", ["maximum", "surface"])
def test_all_renderings_turn_like_the_projections(axis, render):
    """Blobs that do not overlap have their center where their projection has it."""
    one = GaussianBlobs([[4, -6, 9]], sigmas=2).volume((32, 30, 34), voxel_size=(1.0, 1.0, 1.0))
    expected = Spin(count=6, axis=axis).frames(one)
    frames = Spin(count=6, axis=axis, render=render).frames(one)
    offsets = []
    for frame, sums in zip(frames, expected, strict=True):
        found = [
            np.average(np.arange(n), weights=(frame > 0.5 * frame.max()).sum(axis=1 - i))
            for i, n in enumerate(frame.shape)
        ]
        wanted = [
            np.average(np.arange(n), weights=(sums > 0.5 * sums.max()).sum(axis=1 - i))
            for i, n in enumerate(sums.shape)
        ]
        scale = 4 if render == "surface" else 1
        center = [(np.array(a.shape) // 2) for a in (frame, sums)]
        offsets.append((np.array(found) - center[0]) / scale - (np.array(wanted) - center[1]))
    # Pictures of a surface are cut along the axis, and keep it in their middle.
    along = 1 if axis == "x" else 0
    if render == "surface":
        offsets -= np.eye(2)[along] * np.mean(offsets, axis=0)
    assert np.abs(offsets).max() < 1.6


def test_maxima_are_those_along_the_beam():
    volume = BLOBS.volume((24, 26, 28))
    frames = Spin(count=4, render="maximum").frames(volume)
    pasted = np.zeros(frames.shape[1:])
    start = frames.shape[2] // 2 - 14
    pasted[:, start : start + 28] = volume.data.max(axis=0)
    assert np.abs(frames[0] - pasted).max() < 1e-6


def test_the_nearer_surface_hides_the_other_and_handedness_is_kept():
    """z points away from who looks: of two blobs on one beam that of the smaller z is seen."""
    volume = GaussianBlobs([[0, 0, -10], [0, 0, 10]], sigmas=[2, 4], amplitudes=[1, 1]).volume(
        (48, 48, 48)
    )
    before, behind = Spin(count=2, render="surface", level=0.5).frames(volume)
    # A blob's surface at half its height has a radius of 1.18 sigma.
    areas = [(frame > 0.6 * frame.max()).sum() for frame in (before, behind)]
    assert (before > 0).sum() == pytest.approx((behind > 0).sum(), rel=0.02)
    near = Spin(count=1, render="surface", level=0.5).frames(
        GaussianBlobs([[0, 0, -10]], sigmas=2).volume((48, 48, 48))
    )[0]
    # Both are cut to what is seen, around the same axis.
    cut = tuple(
        slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(before.shape, near.shape, strict=True)
    )
    small = ndimage.binary_erosion(near > 0, iterations=3)
    assert small.sum() > 50
    assert np.abs(before[cut][small] - near[small]).max() < 0.02
    assert areas[1] > areas[0]


def test_a_surface_is_lit_from_the_upper_left():
    ball = GaussianBlobs([[0, 0, 0]], sigmas=6).volume((32, 32, 32))
    (frame,) = Spin(count=1, render="surface", level=0.5).frames(ball)
    rows, columns = np.nonzero(frame > 0.9 * frame.max())
    seen = np.argwhere(frame > 0).mean(axis=0)
    assert rows.mean() < seen[0] - 1
    assert columns.mean() < seen[1] - 1
    assert 0 <= frame.min() < frame.max() <= 1


def test_the_surface_level_separates_object_and_noise():
    truth = GaussianBlobs.ribosome_like().volume((48, 48, 48), voxel_size=7.0)
    noisy = truth + RNG.normal(size=truth.shape) * 0.05 * float(truth.data.max())
    inside = truth.data > 0.5 * surface_level(truth.data)
    level = surface_level(noisy.data)
    assert (noisy.data[~inside] > level).mean() < 0.01
    assert (noisy.data > level).mean() > 0.2 * inside.mean()
    assert surface_level(np.full((3, 3, 3), 2.0)) == 2.0


def test_the_pictures_of_a_surface_fit_what_is_seen_in_the_whole_turn():
    """Of a box of 64 voxels, a ball of 8 fills more than half of its pictures."""
    ball = GaussianBlobs([[0, 3, 0]], sigmas=4).volume((64, 64, 64), voxel_size=2.0)
    for axis in "zyx":
        panel = Spin(count=6, axis=axis, render="surface", level=0.5).panel(ball)
        assert panel.pixel_size == 1.0
        size = 2 * 2.355 * 2  # the diameter in pixels, of half a voxel
        assert all(size < n < 5 * size for n in panel.frames.shape[1:])
        assert (panel.frames[:, [0, -1]] == 0).all()
        assert (panel.frames[:, :, [0, -1]] == 0).all()


def test_dust_hides_pieces_shorter_than_a_part_of_the_longest():
    large = GaussianBlobs([[0, 0, 0]], sigmas=4).volume((48, 48, 48), voxel_size=2.0)
    specks = GaussianBlobs([[30, 0, 0], [-20, 20, 9]], sigmas=1.4, amplitudes=[3, 3])
    dusty = large + specks.volume((48, 48, 48), voxel_size=2.0).data
    options = {"count": 4, "render": "surface", "level": 0.5}
    assert Spin(**options).frames(dusty).shape[2] > 1.5 * Spin(**options).frames(large).shape[2]
    clean = Spin(**options, dust=0.8).frames(dusty)
    assert np.abs(clean - Spin(**options).frames(large)).max() < 0.05
    assert np.array_equal(Spin(**options, dust=0.1).frames(dusty), Spin(**options).frames(dusty))


def test_the_outline_of_a_surface_is_smooth():
    """The sum of opacities is the area of a disc, whatever its place between pixels."""
    for shift in (0.0, 0.13, 0.29):
        ball = GaussianBlobs([[shift, shift, 0]], sigmas=9).volume((64, 64, 64))
        panel = Spin(count=1, render="surface", level=0.5 * float(ball.data.max())).panel(ball)
        radius = 9 * (2 * np.log(2)) ** 0.5 * 2
        assert panel.opacity.sum() == pytest.approx(np.pi * radius**2, rel=0.004)
        edge = (panel.opacity > 0) & (panel.opacity < 1)
        assert 4 * radius < edge.sum() < 16 * radius
        assert (panel.frames <= panel.opacity).all()


def test_the_level_of_a_surface_is_noted_and_logged(caplog):
    caplog.set_level("INFO", logger="libtilt")
    volume = 10 + BLOBS.volume((24, 24, 24))
    (note,) = Spin(count=1, render="surface", level=10.5).panel(volume).notes
    sigma = (10.5 - volume.data.mean()) / volume.data.std()
    assert note == f"surface at the level 10.5, {sigma:.3g} standard deviations above the mean"
    assert note in caplog.text


def test_sigma_sets_the_level_in_standard_deviations():
    volume = BLOBS.volume((24, 24, 24))
    sigma = 3.0
    level = float(volume.data.mean() + sigma * volume.data.std())
    by_sigma = Spin(count=2, render="surface", sigma=sigma).frames(volume)
    assert np.allclose(by_sigma, Spin(count=2, render="surface", level=level).frames(volume))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"render": "glass"}, "render must be one of 'projection', 'maximum', 'surface'"),
        ({"level": 1.0}, 'level, sigma and dust require render="surface"'),
        ({"dust": 0.1}, 'level, sigma and dust require render="surface"'),
        (
            {"render": "surface", "dust": 30},
            "dust must be a part of the longest piece, 0 to 1, got",
        ),
        ({"render": "surface", "level": 1.0, "sigma": 2.0}, "pass level or sigma, not both"),
        ({"render": "surface", "level": 9.0}, "level must be .* below the maximum .*, got 9"),
        ({"render": "surface", "level": -1.0}, "level must be at least the minimum .*, got -1"),
        ({"render": "surface", "sigma": 99}, "sigma must lie between the minimum .*, got 99"),
        ({"render": "surface", "sigma": -9}, "sigma must lie between the minimum .*, got -9"),
        ({"count": 0}, "count must be a positive integer"),
        ({"count": 10_001}, "count must be at most 10000, got 10001"),
        ({"axis": "w"}, "axis must be one of 'z', 'y', 'x'"),
    ],
)
def test_invalid_options_of_a_spin_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        BLOBS.volume((16, 16, 16)).to_gif(tmp_path / "a.gif", look=Spin(**options))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("render", ["maximum", "surface"])
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_the_scale_of_the_values_does_not_change_the_picture(render, scale):
    volume = BLOBS.volume((16, 18, 20))
    expected = Spin(count=3, render=render).frames(volume)
    frames = Spin(count=3, render=render).frames(volume.astype(float) * scale)
    unit = scale if render == "maximum" else 1
    assert np.abs(frames / unit - expected).max() < 1e-4 * expected.max()


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("value", [0, 5])
def test_a_constant_volume_spins(dtype, value):
    volume = Volume(np.full((4, 5, 6), value, dtype))
    assert (Spin(count=2, render="maximum").frames(volume) == value).all()
    assert (Spin(count=2, render="surface").frames(volume) == 0).all()


def test_negative_values_are_rendered():
    """Outside is the least value, which no surface and no maximum shows."""
    volume = BLOBS.volume((16, 18, 20))
    low = volume - 10
    maxima = Spin(count=3, render="maximum").frames(low)
    assert np.abs(maxima + 10 - Spin(count=3, render="maximum").frames(volume)).max() < 1e-5
    level = 0.4 * float(volume.data.max())
    surfaces = [
        Spin(count=3, render="surface", level=at).frames(v)
        for v, at in ((volume, level), (low, level - 10))
    ]
    assert np.abs(surfaces[0] - surfaces[1]).max() < 1e-3


@pytest.mark.parametrize(
    ("shape", "voxel_size"), [((1, 600, 600), 1.0), ((40, 40, 40), (2.0, 2.0, 40.0))]
)
def test_flat_and_elongated_volumes_are_binned_along_each_axis(shape, voxel_size):
    volume = Volume(
        np.random.default_rng(0).random(shape).astype(np.float32), voxel_size=voxel_size
    )
    (frame,) = Spin(count=1, render="maximum").frames(volume)
    assert max(frame.shape) <= 384
    assert frame.max() <= volume.data.max()


def test_animations_need_no_projector():
    code = "import sys, libtilt.animations; sys.exit('libtilt.projector' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_spin_of_nan_is_refused():
    with pytest.raises(ValueError, match="volume has 1 NaN"):
        Spin(render="maximum").frames(Volume(np.array([[[0, np.nan]]])))
