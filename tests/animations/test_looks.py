"""Frames of a volume show the right slices and turn the right way."""

import imageio.v3 as iio
import numpy as np
import pytest
from libtilt.gif import Panel

from libtilt import GaussianBlobs, TiltGeometry, Volume
from libtilt.animations import (
    IterationFilm,
    before_after,
    panel_of,
    side_by_side,
    slice_frames,
    spin_frames,
    surface_level,
)
from libtilt.reconstruction import sirt

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_slices_walk_along_the_axis(axis):
    data = RNG.random((3, 4, 5))
    index = "zyx".index(axis)
    frames = slice_frames(Volume(data), axis=axis)
    assert np.array_equal(frames[1], np.take(data, 1, axis=index))


def test_slices_may_be_left_out():
    data = RNG.random((7, 4, 5))
    assert np.array_equal(slice_frames(Volume(data), step=3), data[::3])
    with pytest.raises(ValueError, match="step must be a positive integer"):
        slice_frames(Volume(data), step=0)


def test_slices_of_anisotropic_voxels_have_square_pixels():
    frames = slice_frames(Volume(RNG.random((3, 10, 10)), voxel_size=(1.0, 2.0, 1.0)))
    assert frames.shape == (3, 20, 10)


def test_a_spin_turns_the_way_that_positive_tilts_do():
    blob = GaussianBlobs([[0, 0, 9]], sigmas=1.5).volume((24, 24, 24))
    frames = spin_frames(blob, count=4)
    middle = frames.shape[2] // 2
    columns = [int(frame.sum(axis=0).argmax()) - middle for frame in frames]
    assert columns == [0, 9, 0, -9]


def test_a_spin_about_x_moves_along_the_columns():
    blob = GaussianBlobs([[0, 0, 9]], sigmas=1.5).volume((24, 24, 24))
    frames = spin_frames(blob, count=4, axis="x")
    middle = frames.shape[1] // 2
    assert [int(frame.sum(axis=1).argmax()) - middle for frame in frames] == [0, -9, 0, 9]


def test_a_spin_keeps_all_of_the_volume_in_the_picture():
    volume = Volume(np.ones((9, 7, 20)), voxel_size=(1.0, 1.5, 2.0))
    sums = spin_frames(volume, count=8).sum(axis=(1, 2))
    assert sums[0] == pytest.approx(sums[4])
    assert sums[2] == pytest.approx(sums[6])
    # The sum of all voxels, each 3 times a pixel's cube: what is cut off would be missing.
    assert sums[0] == pytest.approx(9 * 7 * 20 * 3.0, rel=0.03)


@pytest.mark.parametrize("voxel_size", [(1, 2, 2), (2, 2, 1), (1, 1, 1)])
def test_the_brightness_of_a_spin_does_not_pulse_whatever_the_voxels(voxel_size):
    shape = tuple(48 // size for size in voxel_size[::-1])
    frames = spin_frames(GaussianBlobs([[0, 0, 0]], 6.0).volume(shape, voxel_size=voxel_size))
    tops = frames.max(axis=(1, 2))
    assert tops.max() / tops.min() < 1.02
    assert tops[0] == pytest.approx(6.0 * (2 * np.pi) ** 0.5, rel=0.01)


def test_a_large_volume_is_averaged_before_it_spins():
    assert max(spin_frames(Volume(np.zeros((4, 4, 600), np.float32)), count=2).shape) <= 256


def test_an_unknown_option_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"options of kind 'slices' are axis.*got count"):
        Volume(np.zeros((4, 4, 4))).to_gif(tmp_path / "a.gif", count=3)


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match="kind must be one of 'slices', 'spin'"):
        Volume(np.zeros((4, 4, 4))).to_gif(tmp_path / "a.gif", kind="wobble")


BLOBS = GaussianBlobs([[0, -6, 9], [7, 5, -3]], sigmas=[2, 2.5], amplitudes=[1, 1])


@pytest.mark.parametrize("axis", ["y", "x"])
@pytest.mark.parametrize("render", ["maximum", "surface"])
def test_all_renderings_turn_as_the_projections_do(axis, render):
    """Blobs that do not overlap have their centre where their projection has it."""
    one = GaussianBlobs([[4, -6, 9]], sigmas=2).volume((32, 30, 34), voxel_size=(1.0, 1.0, 1.0))
    expected = spin_frames(one, count=6, axis=axis)
    frames = spin_frames(one, count=6, axis=axis, render=render)
    for frame, sums in zip(frames, expected, strict=True):
        found = [
            np.average(np.arange(n), weights=(frame > 0.5 * frame.max()).sum(axis=1 - i))
            for i, n in enumerate(frame.shape)
        ]
        wanted = [
            np.average(np.arange(n), weights=(sums > 0.5 * sums.max()).sum(axis=1 - i))
            for i, n in enumerate(sums.shape)
        ]
        scale = frame.shape[0] / sums.shape[0]
        centre = [(np.array(a.shape) // 2) for a in (frame, sums)]
        offset = (np.array(found) - centre[0]) / scale - (np.array(wanted) - centre[1])
        assert np.abs(offset).max() < 1.6


def test_maxima_are_those_along_the_beam():
    volume = BLOBS.volume((24, 26, 28))
    frames = spin_frames(volume, count=4, render="maximum")
    pasted = np.zeros(frames.shape[1:])
    start = frames.shape[2] // 2 - 14
    pasted[:, start : start + 28] = volume.data.max(axis=0)
    assert np.abs(frames[0] - pasted).max() < 1e-6


def test_the_nearer_surface_hides_the_other_and_hands_are_kept():
    """z points away from who looks: of two blobs on one beam that of the smaller z is seen."""
    volume = GaussianBlobs([[0, 0, -10], [0, 0, 10]], sigmas=[2, 4], amplitudes=[1, 1]).volume(
        (48, 48, 48)
    )
    before, behind = spin_frames(volume, count=2, render="surface", level=0.5)
    # A blob's surface at half its height has a radius of 1.18 sigma.
    areas = [(frame > 0.6 * frame.max()).sum() for frame in (before, behind)]
    assert (before > 0).sum() == pytest.approx((behind > 0).sum(), rel=0.02)
    near = spin_frames(
        GaussianBlobs([[0, 0, -10]], sigmas=2).volume((48, 48, 48)),
        count=1,
        render="surface",
        level=0.5,
    )[0]
    small = near > 0
    assert np.abs(before[small] - near[small]).max() < 0.02
    assert areas[1] > areas[0]


def test_a_surface_is_lit_from_the_upper_left():
    ball = GaussianBlobs([[0, 0, 0]], sigmas=6).volume((32, 32, 32))
    (frame,) = spin_frames(ball, count=1, render="surface", level=0.5)
    rows, columns = np.nonzero(frame > 0.9 * frame.max())
    seen = np.argwhere(frame > 0).mean(axis=0)
    assert rows.mean() < seen[0] - 1
    assert columns.mean() < seen[1] - 1
    assert 0 <= frame.min() < frame.max() <= 1


def test_the_level_is_found_between_object_and_noise():
    truth = GaussianBlobs.ribosome_like().volume((48, 48, 48), voxel_size=7.0)
    noisy = truth + RNG.normal(size=truth.shape) * 0.05 * float(truth.data.max())
    inside = truth.data > 0.5 * surface_level(truth.data)
    level = surface_level(noisy.data)
    assert (noisy.data[~inside] > level).mean() < 0.01
    assert (noisy.data > level).mean() > 0.2 * inside.mean()
    assert surface_level(np.full((3, 3, 3), 2.0)) == 2.0


def test_a_level_may_be_given_in_deviations():
    volume = BLOBS.volume((24, 24, 24))
    sigma = 3.0
    level = float(volume.data.mean() + sigma * volume.data.std())
    by_sigma = spin_frames(volume, count=2, render="surface", sigma=sigma)
    assert np.allclose(by_sigma, spin_frames(volume, count=2, render="surface", level=level))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"render": "glass"}, "render must be one of 'projection', 'maximum', 'surface'"),
        ({"level": 1.0}, 'level and sigma are of render="surface"'),
        ({"render": "surface", "level": 1.0, "sigma": 2.0}, "give level or sigma, not both"),
        ({"render": "surface", "level": 9.0}, "level must lie below the largest value .*, got 9"),
        ({"render": "surface", "level": -1.0}, "and not below the least .*, got -1"),
        ({"render": "surface", "sigma": 99}, "sigma must lie between the least .*, got 99"),
        ({"render": "surface", "sigma": -9}, "sigma must lie between the least .*, got -9"),
        ({"count": 0}, "count must be a positive integer"),
        ({"axis": "z"}, "axis must be one of 'y', 'x'"),
    ],
)
def test_options_of_a_spin_that_do_not_fit_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        BLOBS.volume((16, 16, 16)).to_gif(tmp_path / "a.gif", kind="spin", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("render", ["maximum", "surface"])
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_the_scale_of_the_values_does_not_change_the_picture(render, scale):
    volume = BLOBS.volume((16, 18, 20))
    expected = spin_frames(volume, count=3, render=render)
    frames = spin_frames(volume.astype(float) * scale, count=3, render=render)
    unit = scale if render == "maximum" else 1
    assert np.abs(frames / unit - expected).max() < 1e-4 * expected.max()


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("value", [0, 5])
def test_one_value_throughout_is_turned_too(dtype, value):
    volume = Volume(np.full((4, 5, 6), value, dtype))
    assert (spin_frames(volume, count=2, render="maximum") == value).all()
    assert (spin_frames(volume, count=2, render="surface") == 0).all()


def test_values_below_zero_are_turned_too():
    """Outside is the least value, which no surface and no maximum shows."""
    volume = BLOBS.volume((16, 18, 20))
    low = volume - 10
    maxima = spin_frames(low, count=3, render="maximum")
    assert np.abs(maxima + 10 - spin_frames(volume, count=3, render="maximum")).max() < 1e-5
    level = 0.4 * float(volume.data.max())
    surfaces = [
        spin_frames(v, count=3, render="surface", level=at)
        for v, at in ((volume, level), (low, level - 10))
    ]
    assert np.abs(surfaces[0] - surfaces[1]).max() < 1e-3


@pytest.mark.parametrize(
    ("shape", "voxel_size"), [((1, 600, 600), 1.0), ((40, 40, 40), (2.0, 2.0, 40.0))]
)
def test_flat_and_stretched_volumes_are_averaged_along_each_axis(shape, voxel_size):
    volume = Volume(
        np.random.default_rng(0).random(shape).astype(np.float32), voxel_size=voxel_size
    )
    (frame,) = spin_frames(volume, count=1, render="maximum")
    assert max(frame.shape) <= 384
    assert frame.max() <= volume.data.max()


def test_an_axis_that_does_not_fit_is_named_with_and_without_a_bar():
    for annotate in (False, True):
        with pytest.raises(ValueError, match="axis must be one of 'z', 'y', 'x'"):
            panel_of(SMALL, annotate=annotate, axis="w")


def test_a_spin_of_nan_says_so():
    with pytest.raises(ValueError, match="volume has 1 NaN"):
        spin_frames(Volume(np.array([[[0, np.nan]]])), render="maximum")


SMALL = Volume(np.arange(27.0).reshape(3, 3, 3))
SERIES = BLOBS.tilt_series(TiltGeometry.from_tilt_angles([40, -40, 0]), (40, 44), pixel_size=4.0)


def test_objects_stand_beside_each_other_with_names_angles_and_bars(tmp_path):
    volume = BLOBS.volume((20, 40, 44), voxel_size=4.0)
    objects = {"map": volume, "tilts": SERIES, "again": Panel(SERIES.images)}
    width = spin_frames(volume, count=36).shape[2] + 4 + 44 + 4 + 44
    path = side_by_side(tmp_path / "a.gif", objects, kinds={"map": "spin"}, width=width)
    frames = iio.imread(path, mode="L", index=None)
    spin = spin_frames(volume, count=36).shape[2]
    assert frames.shape == (36, 40, spin + 4 + 44 + 4 + 44)
    plain = side_by_side(
        tmp_path / "b.gif", objects, kinds={"map": "spin"}, annotate=False, width=width
    )
    changed = frames != iio.imread(plain, mode="L", index=None)
    assert changed[:, -12:, : spin // 2].any()
    assert changed[:, -16:, spin + 4 : spin + 48].any()
    assert not changed[:, :, spin + 52 :].any()


def test_what_cannot_stand_beside_is_refused(tmp_path):
    with pytest.raises(TypeError, match="what to animate must be a Volume or a TiltSeries, got in"):
        side_by_side(tmp_path / "a.gif", {"a": 3})
    with pytest.raises(TypeError, match="objects must be a mapping of names to objects"):
        side_by_side(tmp_path / "a.gif", [SERIES])
    with pytest.raises(ValueError, match="objects must hold at least one"):
        side_by_side(tmp_path / "a.gif", {})
    with pytest.raises(ValueError, match=r"kinds must name objects \(a\), got b"):
        side_by_side(tmp_path / "a.gif", {"a": SERIES}, kinds={"b": "spin"})
    with pytest.raises(ValueError, match=r"options of a tilt series are .*got kind"):
        panel_of(SERIES, kind="spin")
    assert not list(tmp_path.iterdir())


def test_a_wipe_goes_from_one_volume_to_the_other_and_back(tmp_path):
    before, after = (Volume(np.full((3, 40, 60), value)) for value in (0.0, 1.0))
    options = {"count": 5, "pixel_size": None, "contrast": (0, 1)}
    path = before_after(tmp_path / "a.png", before, after, **options)
    frames = iio.imread(path, index=None)
    assert len(frames) == 8
    middle = frames[:, 25, 1:-1]
    assert (middle[0] < 10).all()
    assert (middle[4] > 245).all()
    shares = [(row > 128).mean() for row in middle]
    assert shares == sorted(shares[:5]) + shares[5:]
    assert shares[1] == shares[7]
    with pytest.raises(
        ValueError, match="before and after must lie on one grid, but shapes do not fit"
    ):
        before_after(tmp_path / "b.gif", before, Volume(np.zeros((3, 40, 50))))


def test_the_bar_of_a_wipe_is_that_of_the_stretched_slice(tmp_path, monkeypatch):
    panels = []
    monkeypatch.setattr(
        "libtilt.animations.comparisons.save_animation",
        lambda path, given, **_: panels.extend(given),
    )
    volume = Volume(np.zeros((10, 12, 15)), voxel_size=(4.0, 4.0, 2.0))
    before_after(tmp_path / "a.gif", volume, volume, axis="y")
    before_after(tmp_path / "b.gif", volume, volume, axis="z")
    assert [panel.pixel_size for panel in panels] == [2.0, 4.0]
    assert panels[0].frames.shape[1:] == (10, 30)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((SERIES, SERIES), {}, TypeError, "before must be a Volume, got TiltSeries"),
        ((SMALL, SMALL), {"labels": "raw"}, ValueError, "labels must be two texts"),
        ((SMALL, SMALL), {"labels": ("a",)}, ValueError, "labels must be two texts"),
        ((SMALL, SMALL), {"count": 1}, ValueError, "count must be at least 2"),
        ((SMALL, SMALL), {"nope": 1}, ValueError, r"options of a panel are cmap, .*; got nope"),
    ],
)
def test_a_wipe_of_what_does_not_fit_is_refused(tmp_path, arguments, options, error, message):
    with pytest.raises(error, match=message):
        before_after(tmp_path / "a.gif", *arguments, **options)
    assert not list(tmp_path.iterdir())


def test_volumes_of_another_scale_are_wiped_with_a_contrast_of_their_own(tmp_path):
    volume = BLOBS.volume((20, 40, 44))
    path = before_after(tmp_path / "a.png", volume, 1000 * volume, count=2, labels=("", ""))
    ends = iio.imread(path, index=None)
    assert np.abs(ends[0].astype(int) - ends[1]).max() <= 1
    plain = {"labels": ("", ""), "pixel_size": None, "contrast": "stack"}
    both = before_after(tmp_path / "b.png", volume, 1000 * volume, count=2, **plain)
    assert iio.imread(both, index=0)[16:30, 4:].max() < 10


def test_iterations_are_kept_with_their_residuals(tmp_path):
    film = IterationFilm("y")
    with pytest.raises(ValueError, match="there is no frame yet"):
        film.save(tmp_path / "a.gif")
    result = sirt(SERIES, volume_shape=(20, 40, 44), iterations=4, callback=film)
    assert len(film.slices) == 4
    assert np.array_equal(film.slices[-1], result.volume.data[:, 20])
    assert film.labels[0].startswith("iteration 1, residual 0.")
    with pytest.raises(ValueError, match=r"options of a panel are .*; got nope"):
        film.save(tmp_path / "a.gif", nope=3)
    with pytest.raises(ValueError, match="this film holds another reconstruction already"):
        film(1, result.volume, 0.5)
    path = film.save(tmp_path / "a.gif", fps=10, width=88)
    frames = iio.imread(path, mode="L", index=None)
    assert frames.shape == (4, 40, 88)


def test_bars_of_spins_have_the_length_that_they_say(tmp_path):
    volume = GaussianBlobs([[0, 0, 0]], sigmas=99).volume((300, 8, 8), voxel_size=2.0)
    panel = panel_of(volume, kind="spin", count=1, annotate=True)
    assert panel.pixel_size == 4.0
    fine = panel_of(volume.crop((8, 8, 8)), kind="spin", render="surface", count=1, annotate=True)
    assert fine.pixel_size == 2.0 / 16
    flat = volume.evolve(voxel_size=(3.0, 2.0, 1.0))
    assert panel_of(flat, annotate=True, axis="z").pixel_size == 2.0
    assert panel_of(flat, annotate=True, axis="x").pixel_size == 1.0
