"""Looks show the right slices and tilts, and are drawn as their styles say."""

import pickle

import attrs
import numpy as np
import pytest
from helpers import read_gray

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, Volume
from libtilt.animations import (
    LOOKS,
    Look,
    Slices,
    Spin,
    Tilts,
    resolve_look,
)
from libtilt.drawing import Panel, Style
from libtilt.errors import ArgumentError

RNG = np.random.default_rng(5)
SMALL = Volume(np.arange(27.0).reshape(3, 3, 3))


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_slices_follow_the_axis(axis):
    data = RNG.random((3, 4, 5))
    index = "zyx".index(axis)
    frames = Slices(axis=axis).frames(Volume(data))
    assert np.array_equal(frames[1], np.take(data, 1, axis=index))


def test_the_step_skips_slices():
    data = RNG.random((7, 4, 5))
    assert np.array_equal(Slices(step=3).frames(Volume(data)), data[::3])
    with pytest.raises(ValueError, match="step must be a positive integer"):
        Slices(step=0)


@pytest.mark.parametrize("count", [1, 6, 7, 20])
@pytest.mark.parametrize("step", [1, 2, 3, 5, 50])
def test_slices_begin_with_the_one_through_the_center(count, step):
    panel = Slices(step=step).panel(Volume(np.arange(count)[:, None, None] * np.ones((4, 5))))
    shown = panel.frames[panel.order, 0, 0]
    assert shown[0] == count // 2
    assert (np.abs(np.diff(shown)) == step).all()


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"start": 2, "stop": 5}, [3, 4, 3, 2]),
        ({"start": 4}, [5, 6, 5, 4]),
        ({"start": -2}, [6, 5]),
        ({"stop": 4, "step": 2}, [3, 1]),
        ({"start": 1, "stop": -1, "step": 2}, [3, 5, 3, 1]),
    ],
)
def test_slices_from_a_start_to_a_stop(options, shown):
    volume = Volume(np.arange(7)[:, None, None] * np.ones((4, 5)))
    panel = Slices(**options).panel(volume, Style(annotate=True))
    assert panel.frames[panel.order, 0, 0].tolist() == shown
    assert [panel.style.labels[k] for k in panel.order] == [f"z = {k} of 7" for k in shown]


def test_labels_of_slices_have_one_width():
    panel = Slices(axis="x").panel(Volume(np.zeros((2, 2, 128))), Style(annotate=True))
    assert len({len(label) for label in panel.style.labels}) == 1
    assert panel.style.labels[7] == "x = \u2007\u20077 of 128"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 9}, "start and stop must leave at least one of 7 slices along z, got start=9$"),
        ({"start": 3, "stop": 3}, "start and stop must leave"),
        ({"start": 1.5}, r"start must be 1 integer, got \(1.5,\)"),
    ],
)
def test_a_start_and_a_stop_without_slices_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Slices(**options).frames(Volume(np.zeros((7, 4, 5))))


def test_slices_of_anisotropic_voxels_have_square_pixels():
    frames = Slices().frames(Volume(RNG.random((3, 10, 10)), voxel_size=(1.0, 2.0, 1.0)))
    assert frames.shape == (3, 20, 10)


def test_a_look_is_picked_by_name_class_or_instance():
    assert {name: look.name for name, look in LOOKS.items()} == {name: name for name in LOOKS}
    for look in ("spin", Spin, Spin()):
        assert resolve_look(look) == Spin()
    assert pickle.loads(pickle.dumps(Spin(count=3))) == Spin(count=3)


@pytest.mark.parametrize(
    ("look", "error", "message"),
    [
        ("wobble", ValueError, "look 'wobble' is not known: choose from 'slices', 'spin', 'tilts'"),
        ("surface", ArgumentError, r"'surface' is a .* Spin: pass look=Spin\(render='surface'\)"),
        (3, TypeError, "look must be a name, a Look class or a Look, got 3"),
        (Tilts(), ArgumentError, "look 'tilts' shows a TiltSeries, got a Volume"),
    ],
)
def test_invalid_looks_are_refused(tmp_path, look, error, message):
    with pytest.raises(error, match=message):
        Volume(np.zeros((4, 4, 4))).to_gif(tmp_path / "a.gif", look=look)
    assert not list(tmp_path.iterdir())


def test_the_style_of_a_custom_look_is_completed_by_the_callers(tmp_path):
    @attrs.frozen(kw_only=True)
    class Halves(Look):
        shows = Volume

        def _panel(self, what):
            return Panel(what.data[::2], Style(pixel_size=3.0, ping_pong=True, contrast=(0, 9)))

    look = Halves()
    assert look.name == "halves"
    assert look.panel(SMALL).style.pixel_size is None
    drawn = look.panel(SMALL, Style(annotate=True, ping_pong=False, title="a")).style
    assert (drawn.pixel_size, drawn.ping_pong, drawn.title) == (3.0, False, "a")
    assert drawn.contrast == (0, 9)
    assert look.panel(SMALL, Style(pixel_size=2.0, annotate=True)).style.pixel_size == 2.0
    assert SMALL.to_gif(tmp_path / "a.gif", look=look).exists()


def test_a_tilt_series_is_shown_in_the_order_of_its_angles(tmp_path):
    values = np.array([2.0, 0.0, 1.0])[:, None, None]
    tilts = TiltSeries(values * np.ones((3, 8, 8)), TiltGeometry.from_tilt_angles([60, -60, 0]))
    path = tilts.to_gif(tmp_path / "a.gif", style=Style(percentiles=(0, 100)))
    assert read_gray(path)[:, 0, 0].tolist() == [128, 255, 128, 0]


def test_tilts_begin_with_the_least_tilted_image():
    geometry = TiltGeometry.from_tilt_angles([40, -50, -2, 10])
    panel = Tilts().panel(TiltSeries(np.zeros((4, 8, 8)), geometry), Style(annotate=True))
    labels = [panel.style.labels[index] for index in panel.order]
    assert labels == ["\u22122°", "10°", "40°", "10°", "\u22122°", "\u221250°"]


def test_an_invalid_axis_is_named():
    with pytest.raises(ValueError, match="axis must be one of 'z', 'y', 'x', got 'w'"):
        Slices(axis="w")


def test_scale_bars_use_the_pixel_size_of_the_frames():
    annotated = Style(annotate=True)
    volume = GaussianBlobs([[0, 0, 0]], sigmas=99).volume((300, 8, 8), voxel_size=2.0)
    surface = Spin(render="surface", count=1)
    assert Spin(count=1).panel(volume, annotated).style.pixel_size == 4.0
    assert surface.panel(volume.crop((8, 8, 8)), annotated).style.pixel_size == 2.0 / 16
    flat = volume.evolve(voxel_size=(3.0, 2.0, 1.0))
    assert Slices(axis="z").panel(flat, annotated).style.pixel_size == 2.0
    assert Slices(axis="x").panel(flat, annotated).style.pixel_size == 1.0
