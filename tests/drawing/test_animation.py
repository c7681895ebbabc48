"""GIFs are read back: frames, times, sizes and what they show."""

import sys
from types import ModuleType

import imageio.v3 as iio
import matplotlib
import numpy as np
import pytest
from libtilt.gif import Panel, save_animation, save_gif, to_grey
from libtilt.gif.films import Film
from PIL import Image

from libtilt import TiltGeometry, TiltSeries

RNG = np.random.default_rng(5)


def duration_ms(path):
    """Total time of one run."""
    with Image.open(path) as image:
        total = 0
        for index in range(image.n_frames):
            image.seek(index)
            total += image.info["duration"]
    return total


def read_grey(path):
    frames = iio.imread(path, index=None)
    assert (frames[..., 0] == frames[..., 2]).all()
    return frames[..., 0]


def test_what_is_written_is_what_reads_back(tmp_path):
    frames = RNG.normal(size=(7, 20, 33)).cumsum(axis=0)
    path = save_gif(tmp_path / "a.gif", frames)
    assert np.array_equal(read_grey(path), to_grey(frames))


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_narrow_frames_are_not_taken_for_colours(tmp_path, width):
    frames = np.arange(3.0)[:, None, None] * np.ones((3, 6, width))
    assert read_grey(save_gif(tmp_path / "a.gif", frames)).shape == (3, 6, width)


@pytest.mark.parametrize(("fps", "milliseconds"), [(10, 100), (15, 70), (50, 20), (0.5, 2000)])
def test_frames_last_as_long_as_asked(tmp_path, fps, milliseconds):
    path = save_gif(tmp_path / "a.gif", RNG.random((4, 8, 8)), fps=fps)
    assert duration_ms(path) == 4 * milliseconds


@pytest.mark.parametrize(
    ("name", "loop", "stored"),
    [
        ("a.gif", 0, 0),
        ("a.gif", 1, None),
        ("a.gif", 3, 2),
        ("a.png", 0, 0),
        ("a.png", 1, 1),
        ("a.png", 3, 3),
    ],
)
def test_it_plays_as_often_as_asked(tmp_path, name, loop, stored):
    """GIF counts the times after the first, and says nothing where there are none."""
    path = save_gif(tmp_path / name, RNG.random((3, 8, 8)), loop=loop)
    with Image.open(path) as image:
        assert image.info.get("loop") == stored


def test_ping_pong_runs_back_without_repeating_the_ends(tmp_path):
    frames = np.arange(4.0)[:, None, None] + np.zeros((4, 8, 8))
    path = save_gif(tmp_path / "a.gif", frames, ping_pong=True, percentiles=(0, 100))
    assert read_grey(path)[:, 0, 0].tolist() == [0, 85, 170, 255, 170, 85]


@pytest.mark.parametrize("width", [16, 50, 120])
def test_width_scales_the_picture_and_keeps_its_shape(tmp_path, width):
    path = save_gif(tmp_path / "a.gif", RNG.random((3, 30, 60)), width=width)
    assert read_grey(path).shape == (3, width // 2, width)


def test_scaling_down_averages(tmp_path):
    stripes = np.tile([0.0, 1.0], (2, 64, 32))
    stripes[1] = 1 - stripes[1]
    path = save_gif(tmp_path / "a.gif", stripes, width=16, percentiles=(0, 100))
    assert abs(read_grey(path)[:, 2:-2, 2:-2].astype(float) - 127.5).max() < 40


def test_max_bytes_is_kept_by_shrinking_and_then_by_dropping_frames(tmp_path):
    frames = RNG.random((40, 120, 120))
    full = save_gif(tmp_path / "full.gif", frames).stat().st_size
    fewer = save_gif(tmp_path / "fewer.gif", frames, max_bytes=int(0.8 * full))
    assert fewer.stat().st_size <= 0.8 * full
    assert read_grey(fewer).shape == (40, 120, 120)
    assert set(np.unique(read_grey(fewer))) <= set(np.rint(np.linspace(0, 255, 64)).astype(int))
    half = save_gif(tmp_path / "half.gif", frames, max_bytes=full // 4)
    assert half.stat().st_size <= full // 4
    assert read_grey(half).shape[0] == 40
    assert 64 <= read_grey(half).shape[2] < 120
    tiny = save_gif(tmp_path / "tiny.gif", frames, max_bytes=60_000, fps=10)
    assert tiny.stat().st_size <= 60_000
    assert read_grey(tiny).shape[1:] == (64, 64)
    assert abs(duration_ms(tiny) - 4000) <= 400


def test_max_bytes_that_cannot_be_kept_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"max_bytes=100 is too small: 2 frames of 64 pixels"):
        save_gif(tmp_path / "a.gif", RNG.random((4, 80, 80)), max_bytes=100)
    assert list(tmp_path.iterdir()) == []


def test_contrast_is_that_of_the_whole_stack():
    frames = np.stack([np.full((4, 4), value) for value in (0.0, 5.0, 10.0)])
    assert to_grey(frames, percentiles=(0, 100))[:, 0, 0].tolist() == [0, 128, 255]


def test_percentiles_cut_outliers():
    frames = np.linspace(0, 1, 1000).reshape(1, 10, 100).copy()
    frames[0, 0, 0] = 1e6
    grey = to_grey(frames, percentiles=(1, 99))
    assert grey[0, 0, 0] == 255
    assert 100 < np.median(grey) < 155


def test_nan_is_black_and_infinities_are_the_ends():
    frames = np.array([[[np.nan, np.inf, -np.inf, 0.0, 1.0, 0.5]]])
    grey = to_grey(frames, percentiles=(0, 100))
    assert grey[0, 0].tolist() == [0, 255, 0, 0, 255, 128]


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-30, 1e30])
def test_one_value_throughout_is_mid_grey(value):
    assert (to_grey(np.full((2, 3, 3), value)) == 128).all()


@pytest.mark.parametrize("scale", [1e-40, 1e-300, 1.0, 1e300])
def test_tiny_and_huge_ranges_use_all_greys(scale):
    grey = to_grey(np.linspace(-1, 1, 101).reshape(1, 1, 101) * scale, percentiles=(0, 100))
    assert grey.min() == 0
    assert grey.max() == 255
    assert (np.diff(grey[0, 0].astype(int)) >= 0).all()


def test_almost_all_zero_still_shows_the_rest():
    frames = np.zeros((1, 100, 100))
    frames[0, 0, 0] = 2.0
    assert to_grey(frames).max() == 255


def test_a_sample_that_misses_every_finite_value_is_not_the_end():
    frames = np.full((1, 1, 2_000_001), np.nan)
    frames[0, 0, 1] = 1.0
    assert to_grey(frames)[0, 0, 1] == 128


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        (np.zeros((0, 4, 4)), {}, "frames must not be empty"),
        (np.full((2, 4, 4), np.nan), {}, "frames must hold finite values"),
        (np.zeros((4, 4)), {}, "frames must have 3 dimensions"),
        (np.zeros((2, 4, 4)), {"fps": 0}, "fps must be one positive number"),
        (np.zeros((2, 4, 4)), {"fps": 60}, r"fps must be 0\.002 to 50 in a \.gif file, got 60"),
        (np.zeros((2, 4, 4)), {"fps": 0.001}, r"fps must be 0\.002 to 50"),
        (np.zeros((700, 4, 4)), {"fps": 1}, "fps=1 is too slow: equal frames"),
        (np.zeros((2, 4, 4)), {"loop": -1}, r"loop must be 0 \(for ever\) to 65535 times"),
        (np.zeros((2, 4, 4)), {"loop": 70000}, "loop must be 0"),
        (np.zeros((2, 4, 4)), {"loop": 1.5}, "loop must be 0"),
        (np.zeros((2, 4, 4)), {"loop": True}, "loop must be 0"),
        (np.zeros((2, 4, 4)), {"width": 70000}, "must leave no side above 65535 pixels"),
        (np.zeros((2, 4, 4)), {"width": 60000}, "the picture is 60000 x 60000, set max_size"),
        (np.zeros((2, 4, 4)), {"width": 0}, "width must be a positive integer"),
        (np.zeros((2, 4, 4)), {"max_bytes": 0}, "max_bytes must be a positive integer"),
        (np.zeros((2, 4, 4)), {"percentiles": (9, 3)}, "percentiles must be two numbers that rise"),
        (
            np.zeros((2, 4, 4)),
            {"percentiles": 5},
            "percentiles must be two numbers that rise",
        ),
        (np.zeros((2, 4, 4)), {"contrast": 5}, "contrast must be"),
        (np.zeros((2, 4, 4)), {"contrast": None}, "contrast must be"),
        (np.zeros((2, 4, 4)), {"contrast": ("a", "b")}, "contrast must be"),
    ],
)
def test_bad_input_is_named_and_leaves_nothing(tmp_path, frames, options, message):
    with pytest.raises(ValueError, match=message):
        save_gif(tmp_path / "a.gif", frames, **options)
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"path must end with \.gif, \.png, \.apng, \.mp4, got"):
        save_gif(tmp_path / "a.webm", np.zeros((2, 4, 4)))
    assert list(tmp_path.iterdir()) == []


def test_an_existing_gif_is_kept_unless_asked(tmp_path):
    path = save_gif(tmp_path / "a.gif", RNG.random((2, 4, 4)))
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="exists"):
        save_gif(path, np.zeros((2, 4, 4)))
    assert path.read_bytes() == before
    save_gif(path, np.zeros((2, 4, 4)), overwrite=True)
    assert path.read_bytes() != before


def test_a_tilt_series_is_shown_in_the_order_of_its_angles(tmp_path):
    values = np.array([2.0, 0.0, 1.0])[:, None, None]
    tilts = TiltSeries(values * np.ones((3, 8, 8)), TiltGeometry.from_tilt_angles([60, -60, 0]))
    path = tilts.to_gif(tmp_path / "a.gif", percentiles=(0, 100))
    assert read_grey(path)[:, 0, 0].tolist() == [0, 128, 255, 128]


def test_contrast_has_no_blind_columns():
    frames = np.random.default_rng(0).normal(size=(64, 256, 256))
    bright = frames.copy()
    bright[:, :, 65] = 100.0
    shown = to_grey(bright)[:, :, 65]
    assert (shown >= 250).all()
    assert np.median(to_grey(bright)[:, :, 66]) < 20


def test_a_file_that_lost_frames_is_an_error(tmp_path, monkeypatch):
    write = Image.Image.save

    def lossy(image, path, append_images, **options):
        write(image, path, append_images=list(append_images)[::2], **options)

    monkeypatch.setattr(Image.Image, "save", lossy)
    with pytest.raises(OSError, match=r"cannot write .*a\.gif: it reads back other"):
        save_gif(tmp_path / "a.gif", RNG.random((9, 8, 8)))
    assert list(tmp_path.iterdir()) == []


COLOURED = RNG.normal(size=(5, 40, 50)).cumsum(axis=0)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.apng"])
@pytest.mark.parametrize("cmap", ["gray", "viridis"])
def test_all_frames_read_back_in_the_colours_of_the_map(tmp_path, name, cmap):
    path = save_gif(tmp_path / name, COLOURED, cmap=cmap, fps=10)
    film = Film.of((Panel(COLOURED, cmap=cmap),))
    with Image.open(path) as image:
        assert image.n_frames == 5
        assert image.info["loop"] == 0
        for index in range(5):
            image.seek(index)
            shown = np.asarray(image.convert("RGB"))
            assert np.array_equal(shown, film.palette.table[film.frame(index, 50)])
    assert duration_ms(path) == 500


def test_colours_are_those_of_matplotlib():
    ramp = np.linspace(0, 1, 256).reshape(1, 1, 256)
    film = Film.of((Panel(ramp, cmap="magma", percentiles=(0, 100)),))
    colours = film.palette.table[film.frame(0, 256)][0] / 255
    expected = matplotlib.colormaps["magma"](np.linspace(0, 1, 256))[:, :3]
    assert np.abs(colours - expected).max() < 0.02
    with pytest.raises(ValueError, match=r"cmap must be the name of a colour map.*got 'grey9'"):
        Film.of((Panel(ramp, cmap="grey9"),))


def test_labels_are_grey_on_any_colour_map(tmp_path):
    frames = RNG.normal(size=(2, 64, 80))
    path = save_gif(tmp_path / "a.gif", frames, cmap="viridis", labels="map", pixel_size=4.0)
    corner = iio.imread(path, index=0)[-12:, :40].astype(int)
    white = (corner > 250).all(axis=-1)
    assert white.sum() >= 25


def test_contrast_per_frame_and_by_values():
    frames = np.stack([np.linspace(0, top, 101).reshape(1, 101) for top in (1.0, 100.0)])
    own = to_grey(frames, contrast="frame", percentiles=(0, 100))
    assert np.abs(own[0].astype(int) - own[1]).max() <= 1
    assert to_grey(frames, contrast="stack", percentiles=(0, 100))[0].max() == 3
    fixed = to_grey(frames, contrast=(0, 2))
    assert np.array_equal(to_grey(frames, contrast=np.array([0.0, 2.0])), fixed)
    assert fixed[0, 0, 100] == 128
    assert (fixed[1, 0, 2:] == 255).all()
    empty = np.stack([np.full((1, 101), np.nan), frames[1]])
    assert (to_grey(empty, contrast="frame")[0] == 0).all()


@pytest.mark.parametrize("contrast", ["stak", (2, 1), (0, np.inf), (1, 2, 3)])
def test_contrast_that_does_not_fit_is_refused(contrast):
    with pytest.raises(ValueError, match='contrast must be "stack", "frame" or the two rising'):
        to_grey(np.ones((1, 2, 2)), contrast=contrast)


def test_panels_stand_beside_each_other_and_each_runs_once(tmp_path):
    up = np.arange(8.0)[:, None, None] + np.zeros((8, 20, 30))
    few = np.arange(2.0)[:, None, None] + np.zeros((2, 40, 40))
    panels = [Panel(up, percentiles=(0, 100)), Panel(few, percentiles=(0, 100))]
    path = save_animation(tmp_path / "a.gif", panels)
    frames = read_grey(path)
    assert frames.shape == (8, 40, 60 + 4 + 40)
    assert (frames[:, :, 60:64] == 255).all()
    assert frames[:, 5, 5].tolist() == [0, 36, 73, 109, 146, 182, 219, 255]
    assert frames[:, 5, 80].tolist() == [0] * 4 + [255] * 4
    small = save_animation(tmp_path / "b.gif", panels, width=56)
    assert read_grey(small).shape == (8, 21, 56)


def test_the_longest_side_is_kept(tmp_path):
    tall = RNG.random((2, 90, 60))
    assert read_grey(save_gif(tmp_path / "a.gif", tall, max_size=45)).shape == (2, 45, 30)
    assert read_grey(save_gif(tmp_path / "b.gif", tall, max_size=200)).shape == (2, 90, 60)
    with pytest.raises(ValueError, match="max_size must be a positive integer"):
        save_gif(tmp_path / "c.gif", tall, max_size=0)
    thin = [Panel(np.zeros((2, 90, 3)))] * 10
    with pytest.raises(ValueError, match="max_size=30 is too small for 10 panels"):
        save_animation(tmp_path / "e.gif", thin, max_size=30)


def test_tall_pictures_shrink_before_frames_are_dropped(tmp_path):
    path = save_gif(tmp_path / "a.gif", RNG.random((20, 400, 60)), max_bytes=200_000)
    frames = read_grey(path)
    assert len(frames) == 20
    assert frames.shape[2] < 60


def test_small_pictures_are_enlarged_where_something_is_written_into_them(tmp_path):
    frames = RNG.random((2, 40, 50))
    assert read_grey(save_gif(tmp_path / "a.gif", frames)).shape == (2, 40, 50)
    assert read_grey(save_gif(tmp_path / "b.gif", frames, title="map")).shape == (2, 160, 200)
    path = save_gif(tmp_path / "c.gif", frames, title="map", width=50)
    assert read_grey(path).shape == (2, 40, 50)
    path = save_gif(tmp_path / "d.gif", frames, title="map", max_size=100)
    assert read_grey(path).shape == (2, 80, 100)


# The reader leaves its pipes to be closed by chance.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("shape", [(40, 50), (33, 47)])
def test_a_film_has_its_frames_its_time_and_its_picture(tmp_path, shape):
    pytest.importorskip("imageio_ffmpeg", reason="MP4 films need the extra video")
    frames = np.zeros((12, *shape))
    for index, frame in enumerate(frames):
        frame[:, 3 * index : 3 * index + 8] = 1
    path = save_gif(tmp_path / "a.mp4", frames, fps=24, percentiles=(0, 100))
    read = np.stack(list(iio.imiter(path, plugin="FFMPEG")))
    assert read.shape == (12, shape[0] + shape[0] % 2, shape[1] + shape[1] % 2, 3)
    assert iio.immeta(path, plugin="FFMPEG")["duration"] == pytest.approx(0.5, abs=0.01)
    centres = [np.average(np.arange(read.shape[2]), weights=f[..., 1].sum(axis=0)) for f in read]
    assert np.abs(np.diff(centres) - 3).max() < 0.6
    path = save_gif(tmp_path / "c.mp4", frames, max_size=41)
    assert max(next(iter(iio.imiter(path, plugin="FFMPEG"))).shape) == 40
    for options, message in (
        ({"loop": 2}, r"loop is not kept in an \.mp4"),
        ({"fps": 1000}, r"fps must be 0\.1 to 240 in a \.mp4 file"),
        ({"width": 17000}, "no side above 16384"),
    ):
        with pytest.raises(ValueError, match=message):
            save_gif(tmp_path / "b.mp4", frames, **options)


def test_a_film_without_ffmpeg_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"pip install 'libtilt\[video\]'"):
        save_gif(tmp_path / "a.mp4", np.zeros((2, 4, 4)))
    absent = ModuleType("imageio_ffmpeg")

    def not_found():
        raise RuntimeError("no ffmpeg")

    absent.get_ffmpeg_exe = not_found
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", absent)
    with pytest.raises(ImportError, match="imageio-ffmpeg did not find or cannot run: install it"):
        save_gif(tmp_path / "a.mp4", np.zeros((2, 4, 4)))
    absent.get_ffmpeg_exe = lambda: str(tmp_path / "none")
    with pytest.raises(ImportError, match="did not find or cannot run"):
        save_gif(tmp_path / "a.mp4", np.zeros((2, 4, 4)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", [RuntimeError("log"), OSError("log")])
def test_a_film_that_cannot_be_written_is_one_error_and_leaves_nothing(
    tmp_path, monkeypatch, fault
):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="MP4 films need the extra video")

    def broken(path):
        raise fault

    monkeypatch.setattr(ffmpeg, "count_frames_and_secs", broken)
    with pytest.raises(
        OSError, match=r"cannot write .*a\.mp4: ffmpeg failed \(is the disk full\?\): log"
    ):
        save_gif(tmp_path / "a.mp4", np.zeros((2, 4, 4)))
    assert list(tmp_path.iterdir()) == []


def test_a_colour_map_without_matplotlib_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'libtilt\[plot\]'"):
        save_gif(tmp_path / "a.gif", np.zeros((2, 4, 4)), cmap="magma")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("panels", [[], [np.zeros((2, 4, 4))]])
def test_what_is_no_panel_is_refused(tmp_path, panels):
    with pytest.raises(ValueError, match="panels must be one Panel or more"):
        save_animation(tmp_path / "a.gif", panels)


def test_progress_is_told_frame_by_frame(tmp_path):
    told = []
    frames = RNG.random((5, 20, 20))
    save_gif(tmp_path / "a.gif", frames, progress=lambda done, count: told.append((done, count)))
    assert told == [(done, 5) for done in range(1, 6)]
