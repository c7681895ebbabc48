"""Options of napari layers: units, places, contrast."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.exchange.layers import layer_options

AXES = {"z": "angstrom", "y": "angstrom", "x": "angstrom"}


def contrast(data):
    options = layer_options(
        data, name="a", axes=AXES, scale=(1, 1, 1), translate=(0, 0, 0), metadata={}
    )
    return options.get("contrast_limits")


def test_all_axes_of_a_volume_are_lengths_in_angstroms():
    options = Volume(np.zeros((2, 3, 4)), center=(1, 2, 3)).to_layer_data()[1]
    assert options["axis_labels"] == ("z", "y", "x")
    assert options["units"] == ("angstrom",) * 3
    assert options["metadata"] == {"rotation_center": [0, 0, 0]}


def test_the_tilts_of_a_series_are_counted_and_its_images_are_centered():
    geometry = TiltGeometry.from_tilt_angles([-3, 0, 3], shifts=(1, 2))
    options = TiltSeries(np.zeros((3, 4, 6)), geometry, pixel_size=2.0).to_layer_data()[1]
    assert options["axis_labels"] == ("tilt", "y", "x")
    assert options["units"] == ("pixel", "angstrom", "angstrom")
    assert options["translate"] == (0, -4, -6)
    assert options["metadata"]["tilt_angles"] == [-3, 0, 3]
    assert TiltGeometry.from_json(options["metadata"]["geometry"]) == geometry


def test_contrast_leaves_out_the_extremes_and_values_that_are_not_finite():
    data = np.random.default_rng(0).normal(size=(12, 300, 400)).astype(np.float32)
    data[:, 5], data[5, :, 7] = np.nan, 1e6
    expected = np.nanpercentile(data, (0.5, 99.8))
    assert contrast(data) == pytest.approx(expected, abs=0.1)
    assert contrast(data.transpose(2, 0, 1)) == pytest.approx(expected, abs=0.1)
    assert contrast(np.full((2, 2, 2), np.nan)) is None
    assert contrast(np.full((2, 2, 2), 3.0)) == (2.5, 3.5)
    assert contrast(np.eye(4, dtype=bool)[None]) == (0, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the pages of a map are those of /proc")
def test_the_contrast_of_a_mapped_volume_reads_a_small_part_of_it(tmp_path):
    path = tmp_path / "large.npy"
    data = np.lib.format.open_memmap(path, "w+", np.float32, (256, 256, 256))
    data.flush()
    del data
    mapped = np.load(path, mmap_mode="r")
    assert contrast(mapped) == (-0.5, 0.5)
    maps = Path("/proc/self/smaps").read_text()
    entry = re.search(rf"{re.escape(str(path))}\n(?:.*\n)*?Rss: +(\d+) kB", maps)
    assert 0 < int(entry[1]) < 8192  # of 65536
