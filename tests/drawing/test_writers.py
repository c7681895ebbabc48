"""Files of animations read back: frames, times, how often they play."""

import re
import sys
from types import ModuleType

import imageio.v3 as iio
import numpy as np
import pytest
from helpers import duration_ms, read_gray, save_frames
from PIL import Image

from libtilt.drawing import to_gray
from libtilt.errors.installing import pip_install

RNG = np.random.default_rng(5)


def test_a_gif_reads_back_unchanged(tmp_path):
    frames = RNG.normal(size=(7, 20, 33)).cumsum(axis=0)
    path = save_frames(tmp_path / "a.gif", frames, width=33)
    assert np.array_equal(read_gray(path), to_gray(frames))


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_narrow_frames_are_not_taken_for_colors(tmp_path, width):
    frames = np.arange(3.0)[:, None, None] * np.ones((3, 6, width))
    assert read_gray(save_frames(tmp_path / "a.gif", frames, width=width)).shape == (3, 6, width)


@pytest.mark.parametrize(
    ("name", "fps", "milliseconds"),
    [
        *(("a.gif", 10, 100), ("a.gif", 15, 70), ("a.gif", 50, 20), ("a.gif", 0.5, 2000)),
        *(("a.webp", 10, 100), ("a.webp", 15, 67), ("a.webp", 0.5, 2000), ("a.apng", 15, 67)),
    ],
)
def test_frames_have_the_requested_duration(tmp_path, name, fps, milliseconds):
    path = save_frames(tmp_path / name, RNG.random((4, 8, 8)), fps=fps)
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
        ("a.webp", 0, 0),
        ("a.webp", 3, 3),
    ],
)
def test_an_animation_stores_the_requested_loop_count(tmp_path, name, loop, stored):
    """GIF counts the times after the first, and says nothing where there are none."""
    path = save_frames(tmp_path / name, RNG.random((3, 8, 8)), loop=loop)
    with Image.open(path) as image:
        assert image.info.get("loop") == stored


def test_another_suffix_is_refused(tmp_path):
    message = r"path must end with \.gif, \.png, \.apng, \.webp, \.mp4, got"
    with pytest.raises(ValueError, match=message):
        save_frames(tmp_path / "a.webm", np.zeros((2, 4, 4)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_equal_frames_are_written(tmp_path, name):
    path = save_frames(tmp_path / name, np.zeros((3, 5, 6)), width=6)
    with Image.open(path) as image:
        assert image.size == (6, 5)


def test_a_webp_file_refuses_too_long_sides(tmp_path):
    with pytest.raises(ValueError, match=r"both sides within 16383 pixels in a \.webp file"):
        save_frames(tmp_path / "a.webp", np.zeros((2, 4, 4000)), width=16384)


def test_an_existing_gif_is_kept_without_overwrite(tmp_path):
    path = save_frames(tmp_path / "a.gif", RNG.random((2, 4, 4)))
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="exists"):
        save_frames(path, np.zeros((2, 4, 4)))
    assert path.read_bytes() == before
    save_frames(path, np.zeros((2, 4, 4)), overwrite=True)
    assert path.read_bytes() != before


def test_a_file_with_lost_frames_is_an_error(tmp_path, monkeypatch):
    write = Image.Image.save

    def lossy(image, path, append_images, **options):
        write(image, path, append_images=list(append_images)[::2], **options)

    monkeypatch.setattr(Image.Image, "save", lossy)
    with pytest.raises(OSError, match=r"cannot write .*a\.gif: the file differs from"):
        save_frames(tmp_path / "a.gif", RNG.random((9, 8, 8)))
    assert list(tmp_path.iterdir()) == []


# The reader leaves its pipes to be closed by chance.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("shape", [(40, 50), (33, 47)])
def test_a_film_has_the_frames_and_duration_of_the_animation(tmp_path, shape):
    pytest.importorskip("imageio_ffmpeg", reason="MP4 files need the extra video")
    frames = np.zeros((12, *shape))
    for index, frame in enumerate(frames):
        frame[:, 3 * index : 3 * index + 8] = 1
    path = save_frames(tmp_path / "a.mp4", frames, fps=24, width=shape[1], percentiles=(0, 100))
    read = np.stack(list(iio.imiter(path, plugin="FFMPEG")))
    assert read.shape == (12, shape[0] + shape[0] % 2, shape[1] + shape[1] % 2, 3)
    assert iio.immeta(path, plugin="FFMPEG")["duration"] == pytest.approx(0.5, abs=0.01)
    centers = [np.average(np.arange(read.shape[2]), weights=f[..., 1].sum(axis=0)) for f in read]
    assert np.abs(np.diff(centers) - 3).max() < 0.6
    path = save_frames(tmp_path / "c.mp4", frames, max_size=41)
    assert max(next(iter(iio.imiter(path, plugin="FFMPEG"))).shape) == 40
    for options, message in (
        ({"loop": 2}, r"loop must be 0 for an \.mp4"),
        ({"fps": 1000}, r"fps must be 0\.1 to 240 in a \.mp4 file"),
        ({"width": 17000}, "both sides within 16384"),
    ):
        with pytest.raises(ValueError, match=message):
            save_frames(tmp_path / "b.mp4", frames, **options)


def test_a_film_without_ffmpeg_names_the_package_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=re.escape(pip_install("video"))):
        save_frames(tmp_path / "a.mp4", np.zeros((2, 4, 4)))
    absent = ModuleType("imageio_ffmpeg")

    def not_found():
        raise RuntimeError("no ffmpeg")

    absent.get_ffmpeg_exe = not_found
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", absent)
    with pytest.raises(ImportError, match="imageio-ffmpeg cannot find or run: install it"):
        save_frames(tmp_path / "a.mp4", np.zeros((2, 4, 4)))
    absent.get_ffmpeg_exe = lambda: str(tmp_path / "none")
    with pytest.raises(ImportError, match="cannot find or run"):
        save_frames(tmp_path / "a.mp4", np.zeros((2, 4, 4)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", [RuntimeError("log"), OSError("log")])
def test_a_failed_film_is_one_error_and_leaves_no_file(tmp_path, monkeypatch, fault):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="MP4 files need the extra video")

    def broken(path):
        raise fault

    monkeypatch.setattr(ffmpeg, "count_frames_and_secs", broken)
    with pytest.raises(
        OSError, match=r"cannot write .*a\.mp4: ffmpeg failed \(is the disk full\?\): log"
    ):
        save_frames(tmp_path / "a.mp4", np.zeros((2, 4, 4)))
    assert list(tmp_path.iterdir()) == []
