"""The writer and the sample data of the napari plugin."""

import re
from importlib.resources import files

import numpy as np
import pytest

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.io.mrc_writing import SUFFIXES
from libtilt.napari import sample_tilt_series, sample_volume, write_image
from libtilt.napari.reader import read

DATA = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
ANGSTROMS = ("angstrom",) * 3


def layer(**changes):
    """The attributes of a layer, as napari passes them on."""
    return {
        "name": "a",
        "scale": [3.0, 2.0, 1.0],
        "translate": [30.0, 20.0, 10.0],
        "rotate": np.eye(3).tolist(),
        "shear": [0.0, 0.0, 0.0],
        "affine": np.eye(4),
        "units": ANGSTROMS,
        "metadata": {},
    } | changes


@pytest.mark.parametrize(("unit", "length"), [("angstrom", 1), ("nanometer", 10), ("pm", 0.01)])
def test_scale_and_translation_are_written_in_angstroms(tmp_path, unit, length):
    (path,) = write_image(str(tmp_path / "a.mrc"), DATA, layer(units=(unit,) * 3))
    volume = Volume.open(path)
    assert np.array_equal(volume.data, DATA)
    assert volume.voxel_size == pytest.approx(np.array([1, 2, 3]) * length)
    assert volume.origin == pytest.approx(np.array([10, 20, 30]) * length)


def test_an_image_is_one_section_as_thick_as_its_pixels(tmp_path):
    options = layer(scale=[2, 1], translate=[5, 6], units=ANGSTROMS[1:], affine=np.eye(3))
    (path,) = write_image(tmp_path / "a.mrc", DATA[0], options | {"rotate": np.eye(2)})
    volume = Volume.open(path)
    assert volume.voxel_size.tolist() == [1, 2, 1]
    assert volume.origin.tolist() == [6, 5, 0]
    assert np.array_equal(volume.data, DATA[:1])


def test_a_layer_of_several_levels_is_written_at_the_finest(tmp_path):
    (path,) = write_image(tmp_path / "a.mrc", [DATA, DATA[:, ::2]], layer(multiscale=True))
    assert np.array_equal(Volume.open(path).data, DATA)


def test_a_volume_comes_back_with_its_place(tmp_path):
    volume = Volume(DATA, voxel_size=(1, 2, 3), center=(4, 5, 6), origin=(7, 8, 9))
    data, options, _ = volume.to_layer_data()
    (path,) = write_image(tmp_path / "a.mrc", data, options)
    back = Volume.open(path)
    assert (back.center.tolist(), back.origin.tolist()) == ([4, 5, 6], [7, 8, 9])


def test_a_tilt_series_comes_back_with_its_geometry(tmp_path):
    geometry = TiltGeometry.from_tilt_angles([-7, 7], tilt_axis_angle=85, shifts=(0.3, 1))
    series = TiltSeries(DATA, geometry, pixel_size=2.5)
    ((data, options, _),) = read(str(series.save(tmp_path / "a.st")))
    (path,) = write_image(tmp_path / "b.st", data, options)
    assert TiltSeries.open(path).geometry == geometry
    assert TiltSeries.open(path).pixel_size == 2.5
    # Part of the series has no geometry of its own, and its axis of tilts is no length.
    with pytest.raises(TypeError, match=r"unit of length on the axes z, y, x, got pixel"):
        write_image(tmp_path / "c.mrc", data[:1], options)
    with pytest.raises(TypeError, match=r"square pixels, got 5 x 2\.5 Å"):
        write_image(tmp_path / "c.mrc", data, options | {"scale": (1, 5, 2.5)})


def test_part_of_a_volume_stays_where_it_is(tmp_path):
    volume = Volume(np.ones((6, 7, 8)), voxel_size=(1, 2, 3), center=(4, 5, 6), origin=(7, 8, 9))
    data, options, _ = volume.to_layer_data()
    moved = np.add(options["translate"], np.array([1, 2, 3]) * options["scale"])
    (path,) = write_image(tmp_path / "a.mrc", data[1:, 2:, 3:], options | {"translate": moved})
    part, expected = Volume.open(path), volume[1:, 2:, 3:]
    assert part.center == pytest.approx(expected.center)
    assert part.origin == pytest.approx(expected.origin)


def test_part_of_each_image_stays_where_it_is(tmp_path):
    geometry = TiltGeometry.from_tilt_angles([-7, 7], shifts=(0.3, 1))
    series = TiltSeries(np.ones((2, 6, 8)), geometry, pixel_size=2.5)
    data, options, _ = series.to_layer_data()
    moved = np.add(options["translate"], np.array([0, 1, 3]) * options["scale"])
    (path,) = write_image(tmp_path / "a.mrc", data[:, 1:, 3:], options | {"translate": moved})
    # The pixel in the middle is number 5 of 8 and 3 of 6, and was 4 and 3.
    assert TiltSeries.open(path).geometry.shifts == pytest.approx(geometry.shifts - [2.5, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": None}, "'a' must have a unit of length on the axes z, y, x, got pixel"),
        ({"units": ("second", *ANGSTROMS[1:])}, "got second, angstrom, angstrom: set it first"),
        ({"rgb": True}, "'a' is in color"),
        ({"scale": [1, -1, 1]}, "positive scales, got"),
        ({"rotate": [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}, r"a transform \(rotate\)"),
        ({"shear": [0, 0.1, 0]}, r"a transform \(shear\)"),
        ({"affine": np.eye(4) * 2}, r"a transform \(affine\)"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(tmp_path, changes, message):
    with pytest.raises(TypeError, match=message):
        write_image(tmp_path / "a.mrc", DATA, layer(**changes))
    assert list(tmp_path.iterdir()) == []


def test_layers_of_four_dimensions_are_refused(tmp_path):
    with pytest.raises(TypeError, match=r"two or three dimensions, got shape \(1, 2, 3, 4\)"):
        write_image(tmp_path / "a.mrc", DATA[None], layer())


def test_a_file_is_not_replaced(tmp_path):
    path = tmp_path / "a.mrc"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"a\.mrc.* exists; files are not replaced from napa"):
        write_image(path, DATA, layer())
    assert path.read_text() == "mine"


def test_sample_data_show_the_phantom_in_the_center():
    ((volume, placed, _),), ((images, centered, _),) = sample_volume(), sample_tilt_series()
    assert volume.max() > 10 * np.abs(volume[0]).max()
    assert placed["translate"] == (-192, -192, -192)
    assert centered["translate"] == (0, -192, -192)
    middle = centered["metadata"]["tilt_angles"].index(0)
    assert np.corrcoef(images[middle].ravel(), volume.sum(0).ravel())[0, 1] > 0.999


def test_the_manifest_names_the_suffixes_that_can_be_written():
    text = (files("libtilt.napari") / "napari.yaml").read_text(encoding="utf-8")
    (names,) = re.findall(r"filename_extensions: \[(.*)\]", text)
    assert set(re.findall(r'"([^"]+)"', names)) == set(SUFFIXES)
