"""The plugin in napari itself: layers of a viewer, and a window drawn off the screen."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, Volume

# This folder itself is found as a package without a file.
if (spec := find_spec("napari")) is None or spec.origin is None:
    pytest.skip("napari is not installed", allow_module_level=True)
# Warnings of napari and of what it imports are not ours.
pytestmark = pytest.mark.filterwarnings("ignore")

PAGE = Path(__file__).parents[2] / "docs" / "napari.md"
BLOCK = re.compile(r"^```py(?:thon)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOBS = GaussianBlobs([[9, -7, 6]], sigmas=3)


@pytest.fixture
def viewer():
    import npe2
    from napari.components import ViewerModel

    npe2.PluginManager.instance().discover()
    return ViewerModel()


@pytest.fixture
def window():
    from napari import Viewer
    from napari.qt import get_qapp
    from qtpy.QtGui import QOpenGLContext

    if get_qapp().platformName() == "offscreen" or not QOpenGLContext().create():
        pytest.skip("nothing is drawn without OpenGL: install Xvfb, or start on a display")
    shown = Viewer(show=True)
    shown.window.resize(900, 600)
    yield shown
    shown.close()


def test_a_volume_lies_where_the_same_volume_in_nanometers_lies(viewer, tmp_path):
    volume = BLOBS.volume((20, 30, 40), voxel_size=(5, 6, 7))
    (layer,) = viewer.open(volume.save(tmp_path / "a.mrc"), plugin="libtilt")
    before = viewer.layers.extent.world
    scale, start = volume.voxel_size[::-1] / 10, volume.origin[::-1] / 10
    viewer.add_image(volume.data, scale=scale, translate=start, units=("nm",) * 3)
    assert [str(unit) for unit in viewer.layers.extent.units] == ["angstrom"] * 3
    np.testing.assert_allclose(viewer.layers.extent.world, before)
    assert layer.axis_labels == ("z", "y", "x")


def test_a_tilt_series_is_opened_and_saved_in_napari(viewer, tmp_path):
    geometry = TiltGeometry.from_tilt_angles([-3, 0, 3], tilt_axis_angle=85, shifts=(1, 2))
    series = BLOBS.tilt_series(geometry, (30, 40), pixel_size=2.5).astype(np.float32)
    (layer,) = viewer.open(series.save(tmp_path / "a.st"), plugin="libtilt")
    assert [str(unit) for unit in layer.units] == ["pixel", "angstrom", "angstrom"]
    (saved,) = layer.save(str(tmp_path / "b.st"), plugin="libtilt")
    back = TiltSeries.open(saved)
    assert np.array_equal(back.images, series.images)
    assert (back.geometry, back.pixel_size) == (series.geometry, 2.5)


def test_a_layer_in_nanometers_is_saved_in_angstroms(viewer, tmp_path):
    data = np.ones((2, 3, 4), np.float32)
    layer = viewer.add_image(data, scale=(0.5, 0.4, 0.3), units=("nm",) * 3)
    (saved,) = layer.save(str(tmp_path / "a.mrc"), plugin="libtilt")
    assert Volume.open(saved).voxel_size == pytest.approx([3, 4, 5])
    plain = viewer.add_image(data)
    with pytest.raises(TypeError, match="unit of length on the axes z, y, x, got pixel"):
        plain.save(str(tmp_path / "b.mrc"), plugin="libtilt")


def test_the_code_of_the_page_runs(viewer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("napari.Viewer", lambda: viewer)
    Volume(np.ones((4, 6, 8), np.float32), voxel_size=5.0).save("tomogram.mrc")
    names = {}
    for block in re.findall(
        r"^```py(?:thon)?\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    ):
        exec(block, names)
    assert Volume.open("map.mrc").voxel_size.tolist() == [5, 5, 5]
    assert len(viewer.layers) == 3


@pytest.mark.parametrize("key", ["volume", "tilt_series"])
def test_sample_data_open_from_the_menu(viewer, key):
    (layer,) = viewer.open_sample("libtilt", key)
    assert layer.data.shape[1:] == (96, 96)


def test_both_units_are_drawn_at_one_size(window):
    box = Volume(np.ones((4, 20, 20), np.float32), voxel_size=10.0)
    data, options, _ = box.to_layer_data()
    window.add_image(data, **options | {"contrast_limits": (0, 1), "colormap": "red"})
    beside = np.array([0, 0, 30.0]) + box.origin[::-1] / 10
    nanometers = {"scale": (1, 1, 1), "translate": beside, "units": ("nm",) * 3, "name": "nm"}
    window.add_image(data, **nanometers, contrast_limits=(0, 1), colormap="green")
    window.reset_view()
    picture = window.screenshot(canvas_only=True, flash=False)
    red, green = (int((picture[..., channel] > 128).sum()) for channel in (0, 1))
    assert red > 1000
    assert green == pytest.approx(red, rel=0.05)
