"""Objects beside each other, one before the other, and iteration after iteration."""

import imageio.v3 as iio
import numpy as np
import pytest

from libtilt import GaussianBlobs, TiltGeometry, Volume
from libtilt.animations import (
    IterationSlices,
    Spin,
    before_after,
    side_by_side,
)
from libtilt.drawing import Animation, Panel, Style
from libtilt.errors import ArgumentError
from libtilt.reconstruction import sirt

BLOBS = GaussianBlobs([[0, -6, 9], [7, 5, -3]], sigmas=[2, 2.5], amplitudes=[1, 1])
SMALL = Volume(np.arange(27.0).reshape(3, 3, 3))
SERIES = BLOBS.tilt_series(TiltGeometry.from_tilt_angles([40, -40, 0]), (40, 44), pixel_size=4.0)


def test_objects_are_side_by_side_with_titles_angles_and_scale_bars(tmp_path):
    volume = BLOBS.volume((20, 40, 44), voxel_size=4.0)
    objects = {"map": volume, "tilts": SERIES, "again": Panel(SERIES.images)}
    width = Spin(count=36).frames(volume).shape[2] + 4 + 44 + 4 + 44
    path = Animation(side_by_side(objects, looks={"map": "spin"}), width=width).save(
        tmp_path / "a.gif"
    )
    frames = iio.imread(path, mode="L", index=None)
    spin = Spin(count=36).frames(volume).shape[2]
    assert frames.shape == (36, 40, spin + 4 + 44 + 4 + 44)
    bare = side_by_side(objects, looks={"map": Spin}, style=Style(annotate=False))
    plain = Animation(bare, width=width).save(tmp_path / "b.gif")
    changed = frames != iio.imread(plain, mode="L", index=None)
    assert changed[:, -12:, : spin // 2].any()
    assert changed[:, -16:, spin + 4 : spin + 48].any()
    assert not changed[:, :, spin + 52 :].any()


@pytest.mark.parametrize(
    ("objects", "looks", "error", "message"),
    [
        ({"a": 3}, {}, TypeError, "source must be a Volume or a TiltSeries, got int"),
        ([1], {}, TypeError, "objects must be a mapping of titles to objects"),
        ({}, {}, ValueError, "objects must hold at least one"),
        ({"a": 3}, {"b": "spin"}, ValueError, r"looks must name objects \(a\), got b"),
    ],
)
def test_invalid_objects_of_side_by_side_are_refused(objects, looks, error, message):
    with pytest.raises(error, match=message):
        side_by_side(objects, looks=looks)


def test_a_look_for_another_class_is_refused():
    with pytest.raises(
        ArgumentError, match="look 'spin' shows a Volume, got a TiltSeries"
    ) as caught:
        side_by_side({"a": SERIES}, looks={"a": "spin"})
    assert caught.value.arguments == ("look",)


def test_a_wipe_goes_from_one_volume_to_the_other_and_back(tmp_path):
    before, after = (Volume(np.full((3, 40, 60), value)) for value in (0.0, 1.0))
    wipe = before_after(before, after, count=5, style=Style(annotate=False, contrast=(0, 1)))
    path = Animation(wipe).save(tmp_path / "a.png")
    frames = iio.imread(path, index=None)
    assert len(frames) == 8
    # The first picture, alone in previews, shows half of each.
    half = frames.shape[2] // 2
    assert (frames[0, 200, : half - 16] < 10).all()
    assert (frames[0, 200, half + 16 :] > 245).all()
    middle = np.roll(frames[:, 200, 1:-1], 2, axis=0)
    assert (middle[0] < 10).all()
    assert (middle[4] > 245).all()
    shares = [(row > 128).mean() for row in middle]
    assert shares == sorted(shares[:5]) + shares[5:]
    assert shares[1] == shares[7]
    with pytest.raises(
        ValueError, match="before and after must lie on the same grid, but shapes differ"
    ):
        before_after(before, Volume(np.zeros((3, 40, 50))))


def test_a_wipe_names_each_side_while_it_is_visible_and_does_not_stall():
    wipe = before_after(SMALL, SMALL, labels=("raw", "denoised"), count=40)
    assert wipe.style.labels == ("raw\t", *2 * ["raw\tdenoised"], "\tdenoised")
    volume = BLOBS.volume((3, 100, 200))
    wipe = before_after(-volume, volume, count=21)
    seams = [int((frame != wipe.frames[0])[50:60].any(axis=0).sum()) for frame in wipe.frames]
    assert np.abs(np.diff(seams) - 10).max() <= 3
    # The line between the sides spares the texts.
    assert (wipe.frames[5][20:80, 150] == 255).all()
    assert not (wipe.frames[5][[0, -1], 150] == 255).any()
    bare = before_after(-volume, volume, count=21, style=Style(annotate=False))
    assert (bare.frames[5][:, 150] == 255).all()


def test_the_scale_bar_of_a_wipe_matches_the_resampled_slice():
    volume = Volume(np.zeros((10, 12, 15)), voxel_size=(4.0, 4.0, 2.0))
    panels = [before_after(volume, volume, axis=axis) for axis in ("y", "z")]
    assert [panel.style.pixel_size for panel in panels] == [2.0, 4.0]
    assert panels[0].frames.shape[1:] == (10, 30)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((SERIES, SERIES), {}, TypeError, "before must be a Volume, got TiltSeries"),
        ((SMALL, SMALL), {"labels": "raw"}, ValueError, "labels must be two texts"),
        ((SMALL, SMALL), {"labels": ("a",)}, ValueError, "labels must be two texts"),
        ((SMALL, SMALL), {"count": 1}, ValueError, "count must be at least 2"),
        ((SMALL, SMALL), {"axis": "w"}, ValueError, "axis must be one of 'z', 'y', 'x'"),
    ],
)
def test_a_wipe_of_volumes_on_different_grids_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        before_after(*arguments, **options)


def test_each_volume_of_a_wipe_has_its_own_contrast(tmp_path):
    volume = BLOBS.volume((20, 40, 44))
    wipe = before_after(volume, 1000 * volume, count=2, labels=("", ""))
    assert np.abs(wipe.frames[0].astype(int) - wipe.frames[1]).max() <= 1
    style = Style(annotate=False, contrast="stack")
    wipe = before_after(volume, 1000 * volume, count=2, labels=("", ""), style=style)
    both = Animation(wipe).save(tmp_path / "b.png")
    assert iio.imread(both, index=0)[16:30, 4:].max() < 10


def test_iteration_slices_keep_every_iteration_with_their_residuals(tmp_path):
    slices = IterationSlices("y")
    with pytest.raises(ValueError, match="no iteration has been recorded"):
        slices.panel()
    result = sirt(SERIES, volume_shape=(20, 40, 44), iterations=4, callback=slices)
    assert len(slices.slices) == 4
    assert np.array_equal(slices.slices[-1], result.volume.data[:, 20])
    assert slices.labels[0].startswith("iteration 1, residual 0.")
    slices.labels = [f"iteration {number}, residual 0.123" for number in (1, 2, 9, 10)]
    slices._last = 10
    assert slices.panel().style.labels[2:] == (
        "iteration \u20079, residual 0.123",
        "iteration 10, residual 0.123",
    )
    with pytest.raises(ValueError, match="callback holds slices of another reconstruction"):
        slices(1, result.volume, 0.5)
    path = Animation(slices.panel(), fps=10, width=88).save(tmp_path / "a.gif")
    frames = iio.imread(path, mode="L", index=None)
    assert frames.shape == (4, 40, 88)
