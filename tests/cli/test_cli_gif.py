"""What the animations of the command line show, and how large they are."""

import imageio.v3 as iio
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, Volume
from libtilt.animations import Spin
from libtilt.cli import app
from libtilt.drawing import Style
from libtilt.reconstruction import wbp


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_gif_says_how_many_frames_are_kept_within_the_limit(tmp_path):
    volume = GaussianBlobs([[4, 0, 3]], sigmas=2).volume((16, 16, 16))
    arguments = ["gif", volume.save(tmp_path / "map.mrc"), "--look", "spin", "--count", 90]
    arguments += ["-o", tmp_path / "a.gif", "--width", 64]
    output = run(*arguments)
    size = (tmp_path / "a.gif").stat().st_size
    assert f"a.gif: 90 frames, {size} bytes" in output
    assert "note" not in output
    limit = int(size / 1.2)
    output = run(*arguments, "--max-bytes", limit, "--overwrite")
    assert f"note: kept 45 of 90 frames to stay within {limit} bytes" in output


def test_the_demo_shows_the_map_as_a_surface_and_the_tomogram_as_slices(tmp_path):
    output = run("demo", "--size", 24, "-o", tmp_path / "demo")
    assert "24 x 24 x 24 voxels, by weighted back-projection" in output
    tilt_series = TiltSeries.open(tmp_path / "demo" / "tilt_series.mrc")
    expected = wbp(tilt_series, volume_shape=(24, 24, 24)).volume.data
    written = Volume.open(tmp_path / "demo" / "tomogram.mrc").data
    assert np.abs(written - expected).max() < 1e-5 * np.abs(expected).max()
    volume, tomogram = (Volume.open(tmp_path / "demo" / f"{n}.mrc") for n in ("volume", "tomogram"))
    style = Style(annotate=True)
    surface = Spin(render="surface", count=60, dust=0.1)
    volume.to_gif(tmp_path / "volume.gif", look=surface, style=style)
    tilt_series.to_gif(tmp_path / "tilt_series.gif", style=style)
    tomogram.to_gif(tmp_path / "tomogram.gif", style=style)
    for name in ("volume", "tilt_series", "tomogram"):
        written = (tmp_path / "demo" / f"{name}.gif").read_bytes()
        assert written == (tmp_path / f"{name}.gif").read_bytes()
        assert len(written) <= 5_000_000
        assert iio.imread(written, index=0).shape[0] >= 320


def test_the_demo_compiles_kernels_in_a_step_of_their_own(tmp_path, monkeypatch):
    warming = pytest.importorskip("libtilt.backends.numba.warming")
    monkeypatch.setattr(warming, "_marker_path", lambda: tmp_path / "folder" / "mark")
    compiled = []
    monkeypatch.setattr(warming, "compile_all", lambda: compiled.append(1))
    warming.compile_once.cache_clear()
    for count, options in enumerate(([], ["--overwrite"])):
        output = run("demo", "--size", 16, "-o", tmp_path / "demo", *options)
        steps = ["compiling kernels (once) ...", "tilt series ...", "tomogram ..."][count:]
        assert [line for line in output.splitlines() if line in steps] == steps
        assert ("compiling kernels (once) ..." in output) == (count == 0)
    warming.compile_once.cache_clear()
    assert compiled == [1]
    monkeypatch.setattr(warming, "_marker_path", lambda: tmp_path / "other" / "mark")
    output = run("demo", "--size", 16, "-o", tmp_path / "scipy", "--backend", "scipy")
    assert "compiling" not in output


def test_gif_prints_the_level_of_a_surface_and_warns_of_a_narrower_picture(tmp_path):
    blobs = GaussianBlobs([[4, 0, 3], [-9, 0, 0]], sigmas=[2, 1], amplitudes=[2, 9])
    volume = blobs.volume((24, 24, 24)).save(tmp_path / "map.mrc")
    arguments = ["gif", volume, "--look", "spin", "--render", "surface", "--count", 6]
    arguments += ["--level", 0.5, "--background", "white", "-o"]
    output = run(*arguments, tmp_path / "a.gif", "--width", 300)
    assert "surface at the level 0.5, " in output
    picture = iio.imread(tmp_path / "a.gif", index=0)
    assert (picture[[0, -1]] == 255).all()
    size = (tmp_path / "a.gif").stat().st_size
    output = run(*arguments, tmp_path / "b.gif", "--width", 300, "--max-bytes", size // 2)
    assert "warning: the picture is " in output
    assert f"pixels wide, not 300, to stay within --max-bytes {size // 2}" in output
    few = run(*arguments, tmp_path / "c.gif", "--dust", 0.9)
    assert "surface at the level 0.5, " in few
    assert iio.imread(tmp_path / "c.gif", index=0).shape != picture.shape


def test_volumes_and_stacks_side_by_side_are_at_one_scale_without_annotations(tmp_path):
    """Half as many rows of the same spacing fill half of the height."""
    blobs = GaussianBlobs([[0, 0, 0]], sigmas=900)
    geometry = TiltGeometry.from_tilt_angles([-40, 0, 40])
    tilts = blobs.tilt_series(geometry, (40, 40), pixel_size=4.0).save(tmp_path / "tilts.st")
    volume = blobs.volume((3, 20, 20), voxel_size=4.0).save(tmp_path / "map.mrc")
    run("gif", volume, tilts, "--limits", -1, 0, "-o", tmp_path / "a.png")
    frame = iio.imread(tmp_path / "a.png", index=0, mode="L")
    assert frame.shape == (320, 160 + 4 + 320)
    rows = (frame[:, 80] == 255).nonzero()[0]
    assert (rows.min(), rows.max()) == (80, 239)
    assert (frame[:, 300] == 255).all()


def test_a_spin_of_tilt_series_alone_shows_their_tilts_and_says_so(tmp_path):
    geometry = TiltGeometry.from_tilt_angles([-40, 0, 40])
    blobs = GaussianBlobs([[0, 0, 0]], sigmas=20)
    tilts = blobs.tilt_series(geometry, (16, 16), pixel_size=4.0).save(tmp_path / "tilts.st")
    output = run("gif", tilts, "--look", "spin", "-o", tmp_path / "a.gif")
    assert f"note: --look spin applies to volumes; showing the tilts of {tilts}\n" in output
    volume = blobs.volume((16, 16, 16), voxel_size=4.0).save(tmp_path / "map.mrc")
    together = [volume, tilts, "--look", "spin", "--count", 3]
    assert "note" not in run("gif", *together, "-o", tmp_path / "b.gif")


def test_gif_says_how_many_frames_the_file_has(tmp_path):
    data = np.zeros((8, 16, 16), np.float32)
    data[3:5, 4:8, 4:8] = 1
    path = Volume(data).save(tmp_path / "box.mrc")
    for suffix in ("gif", "png", "webp"):
        output = run("gif", path, "-o", tmp_path / f"a.{suffix}")
        with Image.open(tmp_path / f"a.{suffix}") as image:
            assert image.n_frames < 14
            stored = f"14 frames (stored as {image.n_frames}: equal ones are joined), "
        assert stored in output
