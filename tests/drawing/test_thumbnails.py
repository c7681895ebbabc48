"""What notebooks and napari are given."""

import base64
import io
import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, Volume
from libtilt.drawing import thumbnails
from libtilt.io.mrc_writing import SUFFIXES
from libtilt.napari import get_reader

BLOBS = GaussianBlobs([[9, -7, 6]], sigmas=3)
VOLUME = BLOBS.volume((20, 30, 40), voxel_size=(1, 2, 3))
SERIES = BLOBS.tilt_series(TiltGeometry.from_tilt_angles([-40, 0, 50]), (30, 40), pixel_size=2.5)


def pixels(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


@pytest.mark.parametrize(("what", "count"), [(VOLUME, 2), (SERIES, 3), (SERIES[:1], 1)])
def test_a_notebook_shows_a_small_picture(what, count):
    picture = pixels(what._repr_png_())
    assert picture.shape[0] == 128
    assert picture.shape[1] < 3 * 260
    assert picture.std() > 10
    assert (picture == 255).all(axis=0).sum() >= 3 * (count - 1)


@pytest.mark.parametrize(
    ("what", "facts"),
    [
        (VOLUME, ["slice z = 10 of 20, slice y = 15 of 30"]),
        (SERIES, ["tilt \u221240°, tilt 0°, tilt 50°"]),
        (VOLUME, ["Volume", "20 x 30 x 40", "float64", "1 x 2 x 3 Å", " to "]),
        (SERIES, ["TiltSeries", "3 x 30 x 40", "2.5 Å", "3 tilts from -40° to 50°"]),
        (Volume(np.full((2, 2, 2), np.nan)), ["no finite values"]),
        (Volume(np.array([[[np.nan, 1, 3]]])), ["1 to 3"]),
        (Volume(np.zeros((1, 1, 1))), ["0 to 0", ">1 Å<"]),
        (Volume(np.zeros((1, 1, 1)), voxel_size=(2, 3, 2)), ["2 x 3 x 2 Å"]),
        (Volume(np.array([[[-np.inf, 1e300, -1e300]]])), ["-1e+300 to 1e+300"]),
        (Volume(np.full((4, 4, 4), 1e30)), ["1e+30 to 1e+30"]),
    ],
)
def test_a_notebook_shows_facts_beside_the_picture(what, facts):
    card = what._repr_html_()
    for fact in facts:
        assert fact in card
    data = re.search(r"base64,([^']+)'", card)
    assert data is not None
    assert base64.b64decode(data[1]) == what._repr_png_()


def test_names_of_subclasses_are_escaped_and_large_files_are_not_read_whole(monkeypatch):
    monkeypatch.setattr(thumbnails, "MOST_VALUES", 10)
    kind = type("A<b>", (Volume,), {})
    card = kind(np.arange(60.0).reshape(3, 4, 5))._repr_html_()
    assert "A&lt;b&gt;" in card
    assert "10 to 54 in the slices shown" in card


def test_layers_have_the_position_of_the_volume():
    moved = VOLUME.evolve(origin=(5, 6, 7))
    data, options, kind = moved.to_layer_data()
    assert data is moved.data
    assert options["scale"] == (3, 2, 1)
    assert options["translate"] == (7, 6, 5)
    assert kind == "image"
    assert SERIES.to_layer_data()[1]["metadata"]["tilt_angles"] == pytest.approx([-40, 0, 50])


def test_napari_opens_saved_files(tmp_path):
    volume = VOLUME.save(tmp_path / "map.mrc")
    series = SERIES.save(tmp_path / "tilts.st")
    read = get_reader([str(volume), str(series)])
    assert read is not None
    layers = read([str(volume), str(series)])
    assert [layer[1]["name"] for layer in layers] == ["map", "tilts"]
    assert layers[1][1]["scale"] == (1, 2.5, 2.5)
    assert np.allclose(layers[0][0], VOLUME.data, atol=1e-6)
    assert read(VOLUME.save(tmp_path / "map.v1.2.mrc"))[0][1]["name"] == "map.v1.2"
    assert get_reader("notes.txt") is None
    assert get_reader(volume) is not None
    (tmp_path / "broken.mrc").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"broken\.mrc"):
        read(str(tmp_path / "broken.mrc"))


def test_the_manifest_names_the_reader_and_all_suffixes():
    (point,) = entry_points(group="napari.manifest", name="libtilt")
    package, _, name = point.value.partition(":")
    text = (files(package) / name).read_text(encoding="utf-8")
    assert "python_name: libtilt.napari:get_reader" in text
    patterns = re.findall(r'- "\*(\.[^"]+)"', text)
    assert set(SUFFIXES) <= set(patterns)
    assert Path(name).suffix == ".yaml"


def test_a_series_of_a_subclass_keeps_its_name():
    class Mine(TiltSeries):
        pass

    mine = Mine(SERIES.images, SERIES.geometry)
    assert mine.to_layer_data()[1]["name"] == "Mine"
