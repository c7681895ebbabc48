"""Color maps, in files of 256 colors and in full color."""

import re
import sys

import imageio.v3 as iio
import matplotlib
import numpy as np
import pytest
from helpers import duration_ms, save_frames
from PIL import Image

from libtilt.drawing import Panel, Style
from libtilt.drawing.colors import Colors
from libtilt.drawing.montage import Montage
from libtilt.errors.installing import pip_install

RNG = np.random.default_rng(5)


COLORED = RNG.normal(size=(5, 40, 50)).cumsum(axis=0)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.apng", "a.webp"])
@pytest.mark.parametrize("cmap", ["gray", "viridis"])
def test_all_frames_read_back_in_the_colors_of_the_color_map(tmp_path, name, cmap):
    path = save_frames(tmp_path / name, COLORED, cmap=cmap, title="map", fps=10, width=50)
    panel = Panel(COLORED, Style(cmap=cmap, title="map"))
    montage = Montage.from_panels((panel,), full_color=name != "a.gif")
    with Image.open(path) as image:
        assert image.n_frames == 5
        assert image.info["loop"] == 0
        assert "transparency" not in image.info
        for index in range(5):
            image.seek(index)
            assert (np.asarray(image.convert("RGBA"))[..., 3] == 255).all()
            shown = np.asarray(image.convert("RGB"))
            assert np.array_equal(shown, montage.colors.rgb(montage.frame(index, 50)))
    assert duration_ms(path) == 500


@pytest.mark.parametrize(("full_color", "count", "tolerance"), [(False, 240, 0.02), (True, 256, 0)])
def test_colors_are_those_of_matplotlib(full_color, count, tolerance):
    ramp = np.linspace(0, 1, 256).reshape(1, 1, 256)
    panel = Panel(ramp, Style(cmap="magma", percentiles=(0, 100)))
    montage = Montage.from_panels((panel,), full_color=full_color)
    colors = montage.colors.rgb(montage.frame(0, 256))[0] / 255
    assert len(np.unique(colors, axis=0)) == count
    expected = matplotlib.colormaps["magma"](np.linspace(0, 1, 256))[:, :3]
    assert np.abs(colors - expected).max() < tolerance + 0.5 / 255 + 1e-9
    with pytest.raises(ValueError, match=r"cmap must be the name of a matplotlib .*got 'gray9'"):
        Montage.from_panels((Panel(ramp, Style(cmap="gray9")),), full_color=full_color)


def test_colors_are_a_gray_palette_or_rgb():
    gray = Colors.from_cmaps(("gray",), full=False)
    assert gray.table[200].tolist() == [200, 200, 200]
    colors = Colors.from_cmaps(("gray", "viridis"), full=True)
    assert colors.paint(np.uint8([[0]]), "viridis").tolist() == [[[68, 1, 84]]]


def test_panels_of_several_color_maps_keep_all_colors_except_in_a_gif():
    panels = tuple(
        Panel(COLORED, Style(cmap=cmap, title=cmap)) for cmap in ("gray", "magma", "viridis")
    )
    few, many = (
        len(np.unique(montage.colors.rgb(montage.frame(0, 900)).reshape(-1, 3), axis=0))
        for montage in (Montage.from_panels(panels, full_color=full) for full in (False, True))
    )
    assert few <= 256 < many


def test_labels_are_gray_on_any_color_map(tmp_path):
    frames = RNG.normal(size=(2, 64, 80))
    path = save_frames(tmp_path / "a.gif", frames, cmap="viridis", labels="map", pixel_size=4.0)
    corner = iio.imread(path, index=0)[-12:, :40].astype(int)
    white = (corner > 250).all(axis=-1)
    assert white.sum() >= 25


def test_a_color_map_without_matplotlib_names_the_extra_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=re.escape(pip_install("plot"))):
        save_frames(tmp_path / "a.gif", np.zeros((2, 4, 4)), cmap="magma")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cmaps", [("gray",), ("magma",), ("copper", "gray", "viridis")])
def test_a_palette_has_no_visible_error_and_no_noise(cmaps):
    """Below one and a half of 255 levels, also of three color maps; what is flat stays flat."""
    smooth = np.linspace(0, 1, 320 * 320).reshape(1, 320, 320)
    smooth[:, 200:, 100:] = 0.37
    panels = tuple(Panel(smooth, Style(cmap=cmap, percentiles=(0, 100))) for cmap in cmaps)
    width = 320 * len(cmaps) + 4 * (len(cmaps) - 1)
    gif, full = (
        montage.colors.rgb(montage.frame(0, width))
        for montage in (Montage.from_panels(panels, full_color=full) for full in (False, True))
    )
    assert np.sqrt(np.mean((gif.astype(float) - full) ** 2)) < (1.5 if len(cmaps) > 1 else 0.7)
    for start in range(0, width, 324):
        flat = gif[200:, start + 100 : start + 320].reshape(-1, 3)
        assert (flat == flat[0]).all()
