"""Labels, scale bars and dials, found again in the pixels."""

import sys

import imageio.v3 as iio
import numpy as np
import pytest
from helpers import save_frames

from libtilt import GaussianBlobs, TiltGeometry
from libtilt.drawing import Style
from libtilt.drawing.colors import Colors
from libtilt.drawing.fonts import font_for, renderable_text, text_width
from libtilt.drawing.overlays import angle_labels, draw_overlay, length_text, scale_bar_length

FRAMES = np.full((3, 96, 120), 60, np.uint8)


def drawn_into(style, frames=FRAMES, zoom=1.0):
    """Frames of gray values with everything drawn into them."""
    colors = Colors.from_cmaps(("gray",), full=False)
    layers = [draw_overlay(style, index, frames.shape[1:], zoom) for index in range(len(frames))]
    return np.stack([colors.write(f, *drawn) for f, drawn in zip(frames, layers, strict=True)])


def test_frames_without_annotations_are_left_unchanged():
    assert draw_overlay(Style(), 0, (96, 120)) is None


def test_a_title_is_at_the_left_and_moves_labels_to_the_right():
    changed = drawn_into(Style(title="map", labels=["-60", "0", "60"])) != FRAMES
    assert changed[:, :20, :40].any(axis=(1, 2)).all()
    assert changed[:, :20, 80:].any(axis=(1, 2)).all()
    assert not changed[:, 40:].any()


@pytest.mark.parametrize(
    ("labels", "side"),
    [(["-60.0°", "0.0°", "60.0°"], np.s_[60:]), (["z = 1", "z = 2", "z = 3"], np.s_[:60])],
)
def test_numbers_are_at_the_upper_right_and_other_labels_at_the_left(labels, side):
    drawn = drawn_into(Style(labels=labels))
    changed = drawn != FRAMES
    assert changed[:, :20, side].any(axis=(1, 2)).all()
    changed[:, :20, side] = False
    assert not changed.any()
    assert (drawn[0] != drawn[2]).any()
    same = drawn_into(Style(labels="map"))
    assert np.array_equal(same[0], same[2])


@pytest.mark.parametrize(
    ("pixel_size", "zoom", "length", "text"),
    [
        (1.0, 1.0, 20, "2 nm"),
        (4.0, 1.0, 25, "10 nm"),
        (4.0, 0.5, 25, "20 nm"),
        (0.05, 1.0, 40, "0.2 nm"),
    ],
)
def test_a_scale_bar_has_the_length_of_its_label(pixel_size, zoom, length, text):
    drawn = drawn_into(Style(pixel_size=pixel_size), zoom=zoom)[0]
    assert (drawn[-7] == 255).sum() == length
    assert length_text(length * pixel_size / zoom) == text
    assert (drawn[-30:-9, :60] != 60).any()


@pytest.mark.parametrize("angle", [-60, -20, 20, 60])
def test_the_dial_turns_like_the_specimen(angle):
    """A point at the right end of the slab is where the geometry says: down for a positive tilt."""
    drawn = drawn_into(Style(dial=[angle]), FRAMES[:1])[0]
    rows, columns = np.nonzero(drawn == 255)
    center = 96 - 7 - 5, 120 - 7 - 5
    right = columns > center[1] + 1
    matrix = TiltGeometry.from_tilt_angles([angle]).rotation_matrices[0].T
    x, _, z = matrix @ [1.0, 0, 0]
    assert np.sign(rows[right].mean() - center[0]) == np.sign(-z)
    assert x > 0
    slope = np.polyfit(columns - center[1], rows - center[0], 1)[0]
    if abs(angle) < 45:
        assert slope == pytest.approx(np.tan(np.radians(angle)), abs=0.15)


def test_an_annotated_series_reads_back_with_angles_and_duration(tmp_path):
    blobs = GaussianBlobs([[0, 0, 60]], sigmas=12)
    geometry = TiltGeometry.from_tilt_angles([40, -40, 0])
    series = blobs.tilt_series(geometry, (72, 96), pixel_size=4.0)
    path = series.to_gif(
        tmp_path / "a.gif", style=Style(annotate=True, ping_pong=False), fps=5, width=96
    )
    frames = iio.imread(path, mode="L", index=None)
    assert frames.shape == (3, 72, 96)
    plain = series.to_gif(tmp_path / "b.gif", style=Style(ping_pong=False), fps=5, width=96)
    changed = frames != iio.imread(plain, mode="L", index=None)
    for corner in (np.s_[:, :16, -40:], np.s_[:, -16:, :30], np.s_[:, -20:, -20:]):
        assert changed[corner].any(axis=(1, 2)).all()
    # The blob above the axis moves to the right as the angle rises: middle rows, no overlay there.
    assert not changed[:, 30:44].any()
    where = frames[:, 30:44].argmax(axis=2)[:, 6]
    assert where[0] < where[1] < where[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["a", "b"]}, "labels must be one text or one per frame: expected 3, got 2"),
        ({"labels": [1, 2, 3]}, "labels must be one text or one per frame"),
        ({"dial": [1, 2]}, "dial must have one angle per frame: expected 3, got 2"),
        ({"dial": [1, 2, np.nan]}, "dial must be finite"),
        ({"dial": 3}, "dial must have one angle per frame, got shape"),
        ({"pixel_size": 0}, "pixel_size must be one positive number"),
        ({"first_frame": 3}, "first_frame must be the index of one of 3 frames, got 3"),
        ({"first_frame": -1}, "first_frame must be the index of a frame, 0 or more, got -1"),
        ({"first_frame": True}, "first_frame must be the index of a frame, 0 or more, got True"),
    ],
)
def test_invalid_styles_are_refused_and_leave_no_file(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        save_frames(tmp_path / "a.gif", FRAMES, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("width", "pixel_size"), [(64, 40.0), (40, 7.0), (43, 5.1), (256, 30.0)])
def test_the_label_of_a_scale_bar_stays_in_the_picture(width, pixel_size):
    """Its left edge is not cut: what is drawn there begins with the black edge of a letter."""
    frames = np.full((1, 48, width), 60, np.uint8)
    drawn = drawn_into(Style(pixel_size=pixel_size), frames)[0]
    wide = drawn_into(Style(pixel_size=pixel_size), np.full((1, 48, 900), 60, np.uint8))
    assert wide.shape == (1, 48, 900)
    assert (drawn[:-9, 0] == 60).all()


@pytest.mark.parametrize("extent", [300.0, 250 * 1.2, 3e3 * (1 - 1e-16), 2.9999999999999996])
def test_the_scale_bar_length_is_robust_to_rounding(extent):
    assert scale_bar_length(extent) == pytest.approx(extent / 3)


def test_letters_that_the_font_lacks_come_from_another_font(monkeypatch):
    pytest.importorskip("matplotlib", reason="it brings the other font")
    shown = drawn_into(Style(labels="\u00c5 \u00b5 \u03b1"), FRAMES[:1])
    boxes = drawn_into(Style(labels="\uffff \uffff \uffff"), FRAMES[:1])
    assert (shown != boxes).any()
    font_for.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    own = font_for("\u00c5\u03b1", 12)
    assert renderable_text("\u00c5\u03b1", own) == "A?"
    font_for.cache_clear()


def test_accents_are_dropped_from_letters_that_the_font_lacks():
    text = renderable_text("\u00c5ngstr\u00f6m \u03bb", font_for("A", 12))
    assert text == "Angstrom ?"


def test_angles_have_a_true_minus_and_one_decimal_only_if_one_of_them_needs_it():
    assert angle_labels([-0.04, -3.0, 60.02]) == ["0°", "\u22123°", "60°"]
    assert angle_labels([-0.04, -3.0, 60.5]) == ["0.0°", "\u22123.0°", "60.5°"]


def test_the_minus_is_a_bar_as_wide_as_digits_are_and_at_half_their_height():
    """Pillow's font has no minus, so it is drawn; a hyphen is half as wide, a box is higher."""
    font = font_for("\u2212", 20)
    assert text_width("\u2212", font) == text_width("0", font)
    label, digits = (
        drawn_into(Style(labels=[text, "0" * 9]), np.full((2, 320, 320), 60, np.uint8))[0] == 255
        for text in ("\u2212", "0")
    )
    rows, columns = np.nonzero(label)
    assert np.ptp(columns) + 1 == pytest.approx(0.75 * text_width("0", font), abs=1)
    assert np.ptp(rows) + 1 == 2
    assert rows.mean() == pytest.approx(np.nonzero(digits)[0].mean(), abs=1)


@pytest.mark.parametrize("title", [None, "tilt series"])
def test_numbers_keep_their_place_from_frame_to_frame(title):
    """Whether or not there is a minus or a further digit, the last digit does not move."""
    labels = angle_labels([-60, -6, 6, 66])
    frames = np.full((4, 320, 320), 60, np.uint8)
    drawn = drawn_into(Style(labels=labels, title=title), frames)[:, :30, 160:]
    digits = drawn_into(Style(labels="\u221266°"), frames[:1])[0, :30, 160:]
    ends = [int(np.flatnonzero((frame == 255).any(axis=0)).max()) for frame in drawn]
    assert len(set(ends)) == 1
    assert 160 - 10 - ends[0] in (1, 2, 3)  # flush with the margin
    place = ends[0] - 16
    assert np.array_equal(drawn[1][:, place:], drawn[2][:, place:])
    assert np.array_equal(digits[:, place:], drawn[3][:, place:])


def test_long_texts_are_drawn_smaller():
    long = Style(title="weighted back-projection", labels=["iteration 12", "iteration 3"])
    drawn = drawn_into(long, np.full((2, 96, 200), 60, np.uint8)) != 60
    assert drawn[:, :20, :104].any()
    columns = np.flatnonzero(drawn[0, :20].any(axis=0))
    gap = np.diff(columns).max()
    assert gap > 5
    assert columns.max() < 200


def test_a_figure_space_is_a_blank_as_wide_as_a_digit():
    frames = np.full((2, 320, 320), 60, np.uint8)
    nine, ten = drawn_into(Style(labels=["sweep \u20079, 0.5", "sweep 10, 0.5"]), frames)[:, :30]
    differs = np.flatnonzero((nine != ten).any(axis=0))
    width = text_width("00", font_for("0", 20))
    assert 10 < np.ptp(differs) < width + 4
    assert differs.max() < 10 + text_width("sweep 00", font_for("sweep 0", 20)) + 2


def test_a_tab_divides_a_label_into_a_left_and_a_right_one():
    frames = np.full((3, 96, 200), 60, np.uint8)
    both, left, right = drawn_into(Style(labels=["one\ttwo", "one\t", "\ttwo"]), frames) != 60
    assert left[:, :100].any()
    assert not left[:, 100:].any()
    assert not right[:, :100].any()
    assert np.array_equal(both, left | right)
    beside = drawn_into(Style(labels="one\ttwo", title="map"), frames[:1])
    joined = drawn_into(Style(labels="one | two", title="map"), frames[:1])
    assert np.array_equal(beside, joined)


@pytest.mark.parametrize("height", [64, 320, 1000])
def test_overlays_keep_a_distance_of_3_percent_from_the_edges(height):
    frames = np.full((1, height, 2 * height), 60, np.uint8)
    style = Style(title="map", labels="60°", pixel_size=1.0, dial=[20])
    drawn = drawn_into(style, frames)[0] != 60
    margin = max(3, round(0.03 * height) - 1)
    inner = np.s_[margin:-margin, margin:-margin]
    assert drawn[inner].sum() == drawn.sum()


def test_letters_are_black_on_a_white_background():
    frames = np.full((1, 96, 120), 255, np.uint8)
    drawn = drawn_into(Style(title="map", pixel_size=1.0, background="white"), frames)
    assert (drawn == 0).sum() > 30
    black = drawn_into(Style(title="map", pixel_size=1.0, background="black"), 255 - frames)
    assert np.abs(255 - drawn.astype(int) - black).max() <= 1


def test_panels_of_one_height_have_titles_of_one_size():
    heights = []
    for width in (160, 320, 640):
        drawn = drawn_into(Style(title="map"), np.full((1, 320, width), 60, np.uint8))[0]
        rows = np.flatnonzero((drawn == 255).any(axis=1))
        heights.append((rows.min(), rows.max()))
    assert heights[0] == heights[1] == heights[2]
