"""The reader of the napari plugin."""

import gzip
import re
from importlib.resources import files
from itertools import product

import numpy as np
import pytest

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, Volume
from libtilt.io.hdf5 import SUFFIXES as HDF5
from libtilt.io.image_files import has_image_suffix
from libtilt.io.mrc_writing import SUFFIXES as MRC
from libtilt.io.tiff import SUFFIXES as TIFF
from libtilt.napari.reader import read

BLOBS = GaussianBlobs([[9, -7, 6]], sigmas=3)
KINDS = (*MRC, *TIFF, *HDF5, ".preali", ".png")
GEOMETRY = TiltGeometry.from_tilt_angles([-40, 0, 50])


def is_mapped(array):
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = getattr(array, "base", None)
    return False


def test_volumes_and_series_are_mapped(tmp_path):
    volume = BLOBS.volume((20, 30, 40)).save(tmp_path / "map.mrc")
    series = BLOBS.tilt_series(GEOMETRY, (30, 40)).save(tmp_path / "tilts.st")
    for data, _, _ in read([str(volume), str(series)]):
        assert is_mapped(data)


def test_files_that_cannot_be_mapped_are_read(tmp_path):
    path = Volume(np.ones((2, 3, 4), np.float32), voxel_size=2).save(tmp_path / "map.mrc")
    packed = tmp_path / "map.mrc.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    ((data, options, _),) = read(str(packed))
    assert not is_mapped(data)
    assert data.sum() == 24
    assert options["scale"] == (2, 2, 2)


def test_damaged_files_are_refused_and_not_read_twice(tmp_path):
    path = tmp_path / "map.mrc"
    Volume(np.ones((2, 3, 4), np.float32)).save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="cut short"):
        read(str(path))


def test_a_series_keeps_its_geometry_on_the_way_through_a_layer(tmp_path):
    moved = GEOMETRY.evolve(shifts=np.arange(6.0).reshape(3, 2) / 3)
    series = TiltSeries(np.ones((3, 4, 5), np.float32), moved, pixel_size=1.5)
    ((_, options, _),) = read(str(series.save(tmp_path / "tilts.mrc")))
    assert TiltGeometry.from_json(options["metadata"]["geometry"]) == moved


def test_the_manifest_names_the_files_that_can_be_read():
    text = (files("libtilt.napari") / "napari.yaml").read_text(encoding="utf-8")
    patterns = set(re.findall(r'- "\*(\S+)"', text))
    for suffix, compressed in product(KINDS, ["", ".gz", ".bz2", ".xz"]):
        name = suffix + compressed
        assert (name in patterns) == has_image_suffix(f"a{name}"), name
    assert all(has_image_suffix(f"a{pattern}") for pattern in patterns)
