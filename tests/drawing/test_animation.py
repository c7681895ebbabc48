"""Sizes of pictures and of files, and how panels share a picture."""

import re

import numpy as np
import pytest
from helpers import duration_ms, read_gray, save_frames

from libtilt.drawing import Animation, Panel, Style
from libtilt.errors import ArgumentError

RNG = np.random.default_rng(5)


def test_ping_pong_runs_back_without_repeating_the_ends(tmp_path):
    frames = np.arange(4.0)[:, None, None] + np.zeros((4, 8, 8))
    path = save_frames(tmp_path / "a.gif", frames, ping_pong=True, percentiles=(0, 100))
    assert read_gray(path)[:, 0, 0].tolist() == [0, 85, 170, 255, 170, 85]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_frames_run_there_and_back_from_any_first_frame(count, place):
    """All steps are to a neighbor, also from the last to the first: the period has no halt."""
    first = round(place * (count - 1))
    order = Panel(np.zeros((count, 4, 4)), Style(ping_pong=True, first_frame=first)).order
    assert order[0] == first
    assert set(order) == set(range(count))
    assert len(order) == max(1, 2 * count - 2)
    if count > 1:
        assert (np.abs(np.diff(np.append(order, first))) == 1).all()
    if 0 < first < count - 1:
        assert order[1] == first + 1
    forth = Panel(np.zeros((count, 4, 4)), Style(ping_pong=False, first_frame=first)).order
    assert forth.tolist() == list(range(count))


@pytest.mark.parametrize("width", [16, 50, 120])
def test_width_scales_the_picture_and_keeps_its_shape(tmp_path, width):
    path = save_frames(tmp_path / "a.gif", RNG.random((3, 30, 60)), width=width)
    assert read_gray(path).shape == (3, width // 2, width)


def test_scaling_down_averages(tmp_path):
    stripes = np.tile([0.0, 1.0], (2, 64, 32))
    stripes[1] = 1 - stripes[1]
    path = save_frames(tmp_path / "a.gif", stripes, width=16, percentiles=(0, 100))
    assert abs(read_gray(path)[:, 2:-2, 2:-2].astype(float) - 127.5).max() < 40


@pytest.mark.parametrize("name", ["a.gif", "a.apng", "a.webp"])
def test_max_bytes_only_scales_the_picture_down(tmp_path, name):
    frames = RNG.random((40, 120, 120))
    full = save_frames(tmp_path / f"full-{name}", frames).stat().st_size
    path = save_frames(tmp_path / name, frames, max_bytes=full // 3, fps=10)
    read = read_gray(path)
    assert full // 6 < path.stat().st_size <= full // 3
    assert len(read) == 40
    assert 64 <= read.shape[1] == read.shape[2] < 120
    assert len(np.unique(read)) > 150
    assert duration_ms(path) == 4000


def test_max_bytes_too_small_for_any_width_names_a_sufficient_width(tmp_path):
    frames = RNG.random((4, 80, 80))
    message = r"max_bytes=5000 is .*: 4 frames 64 pixels wide take (\d+) .* (\d+) pixels wide"
    with pytest.raises(ArgumentError, match=message) as caught:
        save_frames(tmp_path / "a.gif", frames, max_bytes=5000)
    assert caught.value.arguments == ("max_bytes", "width")
    assert list(tmp_path.iterdir()) == []
    found = re.search(message, str(caught.value))
    assert int(found[1]) > 5000
    save_frames(tmp_path / "a.gif", frames, max_bytes=int(found[1]))
    save_frames(tmp_path / "b.gif", frames, max_bytes=5000, width=int(found[2]) - 5)


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        (np.zeros((0, 4, 4)), {}, "frames must not be empty"),
        (np.full((2, 4, 4), np.nan), {}, "frames must have finite values"),
        (np.zeros((4, 4)), {}, "frames must have 3 dimensions"),
        (np.zeros((2, 4, 4)), {"fps": 0}, "fps must be one positive number"),
        (np.zeros((2, 4, 4)), {"fps": 60}, r"fps must be 0\.002 to 50 in a \.gif file, got 60"),
        (np.zeros((2, 4, 4)), {"fps": 0.001}, r"fps must be 0\.002 to 50"),
        (np.eye(700)[:, -16:].reshape(700, 4, 4), {"fps": 1}, "fps=1 is too slow: consecutive"),
        (np.zeros((2, 4, 4)), {"loop": -1}, r"loop must be 0 \(forever\) to 65535"),
        (np.zeros((2, 4, 4)), {"loop": 70000}, "loop must be 0"),
        (np.zeros((2, 4, 4)), {"loop": 1.5}, "loop must be 0"),
        (np.zeros((2, 4, 4)), {"loop": True}, "loop must be 0"),
        (np.zeros((2, 4, 4)), {"width": 70000}, "must keep both sides within 65535 pixels"),
        (np.zeros((2, 4, 4)), {"width": 60000}, "the picture is 60000 x 60000, set max_size"),
        (np.zeros((2, 4, 4)), {"width": 0}, "width must be a positive integer"),
        (np.zeros((2, 4, 4)), {"max_bytes": 0}, "max_bytes must be a positive integer"),
        (np.zeros((2, 4, 4)), {"percentiles": (9, 3)}, "percentiles must be two increasing"),
        (
            np.zeros((2, 4, 4)),
            {"percentiles": 5},
            "percentiles must be two increasing",
        ),
        (np.zeros((2, 4, 4)), {"contrast": 5}, "contrast must be"),
        (np.zeros((2, 4, 4)), {"contrast": ("a", "b")}, "contrast must be"),
    ],
)
def test_invalid_input_is_named_and_leaves_no_file(tmp_path, frames, options, message):
    with pytest.raises(ValueError, match=message):
        save_frames(tmp_path / "a.gif", frames, **options)
    assert list(tmp_path.iterdir()) == []


def test_panels_are_side_by_side_and_each_runs_once(tmp_path):
    up = np.arange(8.0)[:, None, None] + np.zeros((8, 20, 30))
    few = np.arange(2.0)[:, None, None] + np.zeros((2, 40, 40))
    panels = [Panel(frames, Style(percentiles=(0, 100))) for frames in (up, few)]
    path = Animation(panels).save(tmp_path / "a.gif")
    frames = read_gray(path)
    assert frames.shape == (8, 40, 60 + 4 + 40)
    assert (frames[:, :, 60:64] == 255).all()
    assert frames[:, 5, 5].tolist() == [0, 36, 73, 109, 146, 182, 219, 255]
    assert frames[:, 5, 80].tolist() == [0] * 4 + [255] * 4
    small = Animation(panels, width=56).save(tmp_path / "b.gif")
    assert read_gray(small).shape == (8, 21, 56)


def test_max_size_limits_the_longest_side(tmp_path):
    tall = RNG.random((2, 90, 60))
    assert read_gray(save_frames(tmp_path / "a.gif", tall, max_size=45)).shape == (2, 45, 30)
    assert read_gray(save_frames(tmp_path / "b.gif", tall, max_size=200)).shape == (2, 90, 60)
    with pytest.raises(ValueError, match="max_size must be a positive integer"):
        save_frames(tmp_path / "c.gif", tall, max_size=0)
    thin = [Panel(np.zeros((2, 90, 3)))] * 10
    with pytest.raises(ValueError, match="max_size=30 is too small for 10 panels"):
        Animation(thin, max_size=30).save(tmp_path / "e.gif")


def test_tall_pictures_are_scaled_down_to_max_bytes(tmp_path):
    path = save_frames(tmp_path / "a.gif", RNG.random((20, 400, 60)), max_bytes=200_000)
    frames = read_gray(path)
    assert len(frames) == 20
    assert frames.shape[2] < 60


def test_small_pictures_with_overlays_are_enlarged(tmp_path):
    frames = RNG.random((2, 40, 50))
    assert read_gray(save_frames(tmp_path / "a.gif", frames)).shape == (2, 40, 50)
    assert read_gray(save_frames(tmp_path / "b.gif", frames, title="map")).shape == (2, 160, 200)
    path = save_frames(tmp_path / "c.gif", frames, title="map", width=50)
    assert read_gray(path).shape == (2, 40, 50)
    path = save_frames(tmp_path / "d.gif", frames, title="map", max_size=100)
    assert read_gray(path).shape == (2, 80, 100)


@pytest.mark.parametrize("panels", [[], [np.zeros((2, 4, 4))]])
def test_objects_other_than_panels_are_refused(panels):
    with pytest.raises(ValueError, match="panels must be one Panel or more"):
        Animation(panels)


def test_progress_is_reported_after_each_frame(tmp_path):
    told = []
    frames = RNG.random((5, 20, 20))
    save_frames(tmp_path / "a.gif", frames, progress=lambda done, count: told.append((done, count)))
    assert told == [(done, 5) for done in range(1, 6)]
