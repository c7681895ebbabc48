"""Sizes of pictures and of files, and how panels share a picture."""

import base64
import io
import re

import attrs
import numpy as np
import pytest
from helpers import duration_ms, quick, read_gray, save_frames
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from libtilt.drawing import Animation, Panel, Style, to_gray
from libtilt.drawing.montage import Montage
from libtilt.errors import ArgumentError, LibtiltWarning

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


@quick
@given(
    count=st.integers(1, 200),
    place=st.floats(0, 1),
    most=st.integers(1, 200),
    ping_pong=st.booleans(),
    periodic=st.booleans(),
)
def test_thinned_frames_have_even_steps_and_none_is_shown_twice_in_a_row(
    count, place, most, ping_pong, periodic
):
    first = round(place * (count - 1)) if ping_pong else None
    style = Style(ping_pong=ping_pong, first_frame=first)
    panel = Panel(np.zeros((count, 1, 1)), style, periodic=periodic)
    order = panel.thinned_order(most)
    assert 1 <= len(order) <= most
    assert order[0] == (first or 0)
    steps = np.abs(np.diff(np.append(order, order[0])))
    if len(order) > 1:
        assert len(set(steps[:-1])) == 1
        if ping_pong:
            assert steps[-1] == steps[0]
            assert np.bincount(order).max() <= 2
        elif periodic:
            assert (order[0] - order[-1]) % count == steps[0]
    if most >= len(panel.order):
        assert np.array_equal(order, panel.order)


def test_a_file_within_the_limit_has_frames_of_equal_length_and_no_frame_twice(tmp_path):
    """80 frames there and back are 158: every second of them is not 79 in the file but 78."""
    frames = RNG.random((80, 64, 64))
    options = {"width": 64, "ping_pong": True, "first_frame": 40}
    full = save_frames(tmp_path / "a.gif", frames, **options).stat().st_size
    path = save_frames(tmp_path / "b.gif", frames, **options, max_bytes=int(full / 1.5))
    with Image.open(path) as image:
        assert image.n_frames == 78
        times = set()
        for index in range(78):
            image.seek(index)
            times.add(image.info["duration"])
    assert times == {120}


def test_a_thinned_turn_keeps_a_number_of_frames_that_divides_it(tmp_path):
    """A third of 128 frames would be 43, with a shorter step where the turn starts again."""
    frames = RNG.random((128, 64, 64))
    turn, line = (Animation(Panel(frames, periodic=p), max_size=96) for p in (True, False))
    full = turn.save(tmp_path / "a.gif").stat().st_size
    kept = [
        len(read_gray(attrs.evolve(each, max_bytes=int(full / 2.2)).save(tmp_path / f"{name}.gif")))
        for name, each in (("turn", turn), ("line", line))
    ]
    assert kept == [64, 43]


def test_a_width_that_the_limit_does_not_allow_is_warned_of(tmp_path):
    frames = RNG.random((20, 90, 90))
    full = save_frames(tmp_path / "a.gif", frames, width=90).stat().st_size
    limit = full // 2
    message = rf"the picture is (\d+) pixels wide, not 90, to stay within max_bytes={limit}; pass"
    with pytest.warns(LibtiltWarning, match=message) as caught:
        path = save_frames(tmp_path / "b.gif", frames, width=90, max_bytes=limit)
    said = re.search(message, str(caught[0].message))
    assert read_gray(path).shape[2] == int(said[1]) < 90
    assert caught[0].message.arguments == ("max_bytes",)
    save_frames(tmp_path / "c.gif", frames, max_bytes=limit)
    assert Animation(Panel(frames), width=400)._repr_html_()


def test_the_text_of_an_animation_is_short():
    series = Panel(np.zeros((41, 64, 60)), Style(title="tilts", dial=np.arange(41), ping_pong=True))
    assert repr(series) == "<Panel 'tilts': 41 frames of 64 x 60>"
    assert repr(Animation([series, Panel(np.zeros((2, 8, 8)))])) == (
        "<Animation: 80 pictures, 15 a second, of <Panel 'tilts': 41 frames of 64 x 60>, "
        "<Panel: 2 frames of 8 x 8>>"
    )


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
def test_max_bytes_scales_the_picture_down_once_frames_are_few(tmp_path, name):
    frames = RNG.random((40, 120, 120))
    full = save_frames(tmp_path / f"full-{name}", frames, width=120).stat().st_size
    with pytest.warns(LibtiltWarning, match="pixels wide, not 120"):
        path = save_frames(tmp_path / name, frames, width=120, max_bytes=full // 3, fps=10)
    read = read_gray(path)
    assert full // 6 < path.stat().st_size <= full // 3
    assert len(read) == 40
    assert 64 <= read.shape[1] == read.shape[2] < 120
    assert len(np.unique(read)) > 150
    assert duration_ms(path) == 4000


def test_max_bytes_too_small_for_any_width_names_a_sufficient_width(tmp_path):
    frames = RNG.random((4, 80, 80))
    message = r"max_bytes=5000 is .*: 4 frames 64 .* take (\d+) .* width=\.\.\. to about (\d+)"
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
        (np.zeros((2, 4, 4)), {"width": 60000}, "the picture is 60000 x 60000; set max_size"),
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
    path = Animation(panels, width=104).save(tmp_path / "a.gif")
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
    assert read_gray(save_frames(tmp_path / "b.gif", tall, max_size=200)).shape == (2, 200, 133)
    assert read_gray(save_frames(tmp_path / "d.gif", tall, max_size=999)).shape == (2, 360, 240)
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


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((40, 50), (320, 400)),  # eight times
        ((50, 40), (350, 280)),  # seven times, the next integer above 6.4
        ((161, 100), (320, 199)),
        ((330, 100), (330, 100)),
        ((40, 400), (128, 1280)),  # not beyond 1280 columns
        ((40, 1500), (40, 1500)),
    ],
)
def test_small_arrays_are_enlarged_to_320_rows(tmp_path, shape, shown):
    frames = RNG.random((1, *shape))
    assert read_gray(save_frames(tmp_path / "a.png", frames)).shape[1:] == shown
    given = save_frames(tmp_path / "c.png", frames, title="map", width=50)
    assert read_gray(given).shape[2] == 50


@pytest.mark.parametrize("name", ["a.gif", "a.apng", "a.webp", "a.mp4"])
def test_max_bytes_thins_frames_before_it_narrows_the_picture(tmp_path, name):
    if name == "a.mp4":
        pytest.importorskip("imageio_ffmpeg", reason="MP4 files need the extra video")
    frames = RNG.random((121, 64, 64))
    frames[0] = 1
    counts = []
    options = {"width": 64, "fps": 30, "progress": lambda done, count: counts.append(count)}
    full = save_frames(tmp_path / f"full-{name}", frames, **options, max_bytes=None)
    limit = int(full.stat().st_size / 2.1)
    path = save_frames(tmp_path / name, frames, **options, max_bytes=limit)
    assert path.stat().st_size <= limit
    assert counts[0] == 121
    assert counts[-1] == 41  # every third
    if name != "a.mp4":
        read = read_gray(path)
        assert read.shape == (41, 64, 64)
        assert np.array_equal(read, to_gray(frames)[::3])
        assert duration_ms(path) == pytest.approx(121 * 1000 / 30, rel=0.02)


@pytest.mark.parametrize(("fps", "milliseconds"), [(50, 40), (16, 120), (10, 120), (4, 250)])
def test_a_thinned_animation_keeps_its_duration_at_8_frames_a_second_or_more(
    tmp_path, fps, milliseconds
):
    frames = RNG.random((90, 64, 64))
    full = save_frames(tmp_path / "a.gif", frames, width=64, fps=fps).stat().st_size
    path = save_frames(tmp_path / "b.gif", frames, width=64, fps=fps, max_bytes=int(full / 1.5))
    assert duration_ms(path) == 45 * milliseconds


def test_a_file_has_at_most_5_megabytes_by_default(tmp_path, caplog):
    caplog.set_level("INFO", logger="libtilt")
    path = save_frames(tmp_path / "a.gif", RNG.random((50, 400, 400)))
    assert 2_500_000 < path.stat().st_size <= 5_000_000
    assert re.search(r"max_bytes=5000000: wrote 50 of 50 frames, \d+ pixels wide", caplog.text)
    whole = save_frames(tmp_path / "b.gif", RNG.random((50, 400, 400)), max_bytes=None)
    assert whole.stat().st_size > 8_000_000


def test_no_more_frames_are_left_out_than_needed(tmp_path):
    """The middle of a volume, where most is, does not speak for all of it."""
    z = np.linspace(-1, 1, 101)[:, None, None]
    frames = RNG.random((101, 96, 96)) * (np.abs(z) < 0.3)
    options = {"width": 96, "ping_pong": True, "first_frame": 50}
    full = save_frames(tmp_path / "a.gif", frames, **options, max_bytes=None)
    counts = []
    options["progress"] = lambda done, count: counts.append(count)
    limit = int(full.stat().st_size * 1.05)
    path = save_frames(tmp_path / "b.gif", frames, **options, max_bytes=limit)
    assert set(counts) == {200}
    assert path.read_bytes() == full.read_bytes()


def test_panels_with_a_pixel_size_are_drawn_at_one_scale_with_one_bar():
    """Frames of half the height lie between black bars; what has no pixel size fills the height."""
    panels = [
        Panel(np.full((2, 40, 40), 1.0), Style(pixel_size=4.0, contrast=(0, 2), title="a")),
        Panel(np.full((2, 20, 30), 1.0), Style(pixel_size=4.0, contrast=(0, 2))),
        Panel(np.full((2, 80, 80), 1.0), Style(contrast=(0, 2)), pixel_size=2.0),
        Panel(np.full((2, 10, 10), 1.0), Style(contrast=(0, 2))),
    ]
    montage = Montage.from_panels(tuple(panels), full_color=False)
    assert montage.shares == (1.0, 0.5, 1.0, 1.0)
    width = montage.layout.width_of(320)
    assert montage.layout.sizes(width) == (320, (320, 240, 320, 320))
    frame = montage.frame(0, width)
    second = frame[:, 324:564]
    assert (second[80:240] == 128).all()
    assert (second[:80] == 0).all()
    assert (second[240:] == 0).all()
    assert (frame[:, 568:888] == 128).all()
    assert (frame[-16:, :320] == 255).any()
    assert not (frame[:, 324:564] == 255).any()


@pytest.mark.parametrize("cmap", ["gray", "copper"])
@pytest.mark.parametrize("full", [False, True])
def test_what_has_an_opacity_is_drawn_on_the_background_of_the_style(cmap, full):
    """Full, half and no opacity of brightness 0.6, which the frames are multiplied by."""
    if cmap != "gray":
        pytest.importorskip("matplotlib")
    opacity = np.repeat([1.0, 0.75, 0.25, 0.0], 8)[None, None] * np.ones((1, 8, 1))
    colors = {}
    for background in ("white", "black", None):
        style = Style(contrast=(0, 1), cmap=cmap, background=background)
        panel = Panel(0.6 * opacity, style, opacity=opacity)
        montage = Montage.from_panels((panel,), full_color=full)
        pixels = montage.frame(0, 32)
        rgb = montage.colors.rgb(pixels)
        colors[background] = rgb[4, 4::8].astype(int)
    white, black = colors["white"], colors["black"]
    assert np.abs(white[0] - black[0]).max() <= 1
    assert (white[3] == 255).all()
    assert (black[3] == 0).all()
    bright = white @ [0.299, 0.587, 0.114]
    assert (np.diff(bright)[1:] > 0).all()
    if full or cmap == "gray":
        expected = white[0] * 0.25 + 255 * 0.75
        assert np.abs(white[2] - expected).max() <= 3
        assert np.abs(black[2] - black[0] * 0.25).max() <= 3
    if cmap == "gray":
        assert np.abs(colors[None] - black).max() <= 2


def test_bars_beside_a_smaller_panel_have_the_background_of_the_style():
    panels = [
        Panel(np.full((1, rows, 40), 1.0), Style(contrast=(0, 2), background="white"), pixel_size=1)
        for rows in (40, 20)
    ]
    frame = Montage.from_panels(tuple(panels), full_color=False).frame(0, 84)
    assert (frame[:10, 44:] == 255).all()
    assert (frame[10:30, 44:] == 128).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Panel(np.zeros((2, 4, 4)), opacity=np.zeros((1, 4, 4))),
            r"opacity must have the shape of the frames, \(2, 4, 4\), got \(1, 4, 4\)",
        ),
        (lambda: Style(background="red"), "background must be one of 'black', 'white', got 'red'"),
    ],
)
def test_invalid_opacities_and_backgrounds_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_panels_of_very_different_extents_each_fill_the_height_with_their_own_bar():
    small, large = (
        Panel(np.full((1, 40, 40), 1.0), Style(pixel_size=size, contrast=(0, 2)))
        for size in (1.0, 9.0)
    )
    montage = Montage.from_panels((small, large), full_color=False)
    assert montage.shares == (1.0, 1.0)
    bars = [panel.style.pixel_size for panel in montage.panels]
    assert bars == [1.0, 9.0]


@pytest.mark.parametrize("max_bytes", [5_000_000, None, 250_000])
def test_a_notebook_is_given_a_gif_within_html(max_bytes):
    frames = RNG.random((41, 72, 72))
    shown = Animation(Panel(frames), fps=60, width=72, max_bytes=max_bytes)._repr_html_()
    found = re.fullmatch(r"<img alt='animation' src='data:image/gif;base64,([^']+)'>", shown)
    data = base64.b64decode(found[1])
    assert len(data) <= min(max_bytes or 2_000_000, 2_000_000)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "GIF"
        assert image.n_frames == 41
        image.seek(30)
        red = np.asarray(image.convert("RGB"))[..., 0]
    if max_bytes != 250_000:
        assert np.array_equal(red, to_gray(frames)[30])


def test_a_large_animation_is_shown_in_a_notebook_within_2_megabytes():
    shown = Animation(Panel(RNG.random((45, 300, 300))), max_bytes=None)._repr_html_()
    assert 1_000_000 < len(shown) < 2_700_000


@pytest.mark.parametrize("panels", [[], [np.zeros((2, 4, 4))]])
def test_objects_other_than_panels_are_refused(panels):
    with pytest.raises(ValueError, match="panels must be one or more Panel objects"):
        Animation(panels)


def test_progress_is_reported_after_each_frame(tmp_path):
    told = []
    frames = RNG.random((5, 20, 20))
    save_frames(tmp_path / "a.gif", frames, progress=lambda done, count: told.append((done, count)))
    assert told == [(done, 5) for done in range(1, 6)]
