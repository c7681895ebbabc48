"""GIFs are read back: frames, times, sizes and what they show."""

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from libtilt import TiltGeometry, TiltSeries
from libtilt.gif import save_gif, to_grey

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


@pytest.mark.parametrize(("loop", "stored"), [(0, 0), (3, 3)])
def test_it_loops_as_often_as_asked(tmp_path, loop, stored):
    path = save_gif(tmp_path / "a.gif", RNG.random((3, 8, 8)), loop=loop)
    with Image.open(path) as image:
        assert image.info["loop"] == stored


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
    half = save_gif(tmp_path / "half.gif", frames, max_bytes=full // 2)
    assert half.stat().st_size <= full // 2
    assert len(read_grey(half)) == 40
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
        (np.zeros((2, 4, 4)), {"fps": 60}, "fps must be at most 50"),
        (np.zeros((2, 4, 4)), {"loop": -1}, "loop must be 0"),
        (np.zeros((2, 4, 4)), {"width": 0}, "width must be a positive integer"),
        (np.zeros((2, 4, 4)), {"max_bytes": 0}, "max_bytes must be a positive integer"),
        (np.zeros((2, 4, 4)), {"percentiles": (9, 3)}, "percentiles must rise"),
    ],
)
def test_bad_input_is_named_and_leaves_nothing(tmp_path, frames, options, message):
    with pytest.raises(ValueError, match=message):
        save_gif(tmp_path / "a.gif", frames, **options)
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"path must end with \.gif"):
        save_gif(tmp_path / "a.png", np.zeros((2, 4, 4)))


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
    write = iio.imwrite
    monkeypatch.setattr("imageio.v3.imwrite", lambda p, f, **kw: write(p, f[::2], **kw))
    with pytest.raises(OSError, match=r"cannot write .*a\.gif: it reads back other"):
        save_gif(tmp_path / "a.gif", RNG.random((9, 8, 8)))
    assert list(tmp_path.iterdir()) == []
