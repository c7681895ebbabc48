"""The log says what was taken for granted, and no warning again."""

import logging
import subprocess
import sys
import warnings

import mrcfile
import numpy as np
import pytest
from click.testing import CliRunner

from libtilt import Projector, TiltGeometry, TiltSeries, Volume
from libtilt.alignment import open_alignment
from libtilt.cli import app
from libtilt.reconstruction import sirt, wbp

GEOMETRY = TiltGeometry.from_tilt_angles([-20, 0, 20])


@pytest.fixture
def said(caplog):
    """Run something, and return what it logged."""

    def run(work):
        caplog.clear()
        with caplog.at_level("INFO", logger="libtilt"):
            work()
        assert {record.levelname for record in caplog.records} <= {"INFO"}
        told = [record.getMessage() for record in caplog.records]
        # The first use of kernels on a machine compiles them.
        return [text for text in told if not text.startswith("compiling")]

    return run


def test_a_projector_logs_the_grids_that_it_completes_and_its_backend(said):
    lines = said(lambda: Projector(GEOMETRY).forward(Volume(np.ones((4, 5, 6)), voxel_size=2)))
    assert lines[0].startswith("grids to project: completed to VolumeGrid(shape=(4, 5, 6)")
    assert lines[0].endswith("ImageGrid(shape=(5, 6), pixel_size=2.0)")
    assert lines[1].startswith("backend: auto selects numba, rows")
    assert len(lines) == 2


def test_a_projector_that_knows_all_logs_nothing(said):
    known = Projector(GEOMETRY).between(Volume(np.ones((4, 5, 6)), voxel_size=2))
    assert said(lambda: known.forward(np.ones((4, 5, 6)))) == []


def test_a_reconstruction_logs_its_margin_and_its_pair(said):
    images = np.random.default_rng(0).normal(size=(3, 16, 16))
    series = TiltSeries(images, GEOMETRY)
    lines = said(lambda: sirt(series, volume_shape=(8, 12, 12), iterations=1))
    assert any(line.startswith("margin: computed on (8, ") for line in lines)
    lines = said(lambda: wbp(series, volume_shape=(8, 12, 12)))
    assert "driven: 'voxel', as the method requires" in lines


def test_an_opened_series_logs_where_its_tilts_are_from(said, tmp_path):
    images = np.ones((3, 4, 4), np.float32)
    mrcfile.write(tmp_path / "a.ali", images, voxel_size=2.0)
    (tmp_path / "a.tlt").write_text("-3\n0\n3\n")
    assert said(lambda: TiltSeries.open(tmp_path / "a.ali")) == [
        f"tilt axis: along y, since {tmp_path / 'a.ali'} is an aligned stack by its name",
        f"{tmp_path / 'a.ali'}: tilts and axis from {tmp_path / 'a.tlt'}",
    ]
    lines = said(lambda: TiltSeries.open(tmp_path / "a.ali", geometry=[-3, 0, 3]))
    assert lines[0] == "tilt axis: along y, since tilt angles were given without one"


def test_an_alignment_logs_the_tomogram_and_the_axis_that_it_assumes(said):
    lines = said(lambda: open_alignment([-3, 0, 3], stack_shape=(3, 4, 6), pixel_size=2.0))
    assert lines == [
        "tilt axis: along y, since tilt angles were given without one",
        "tomogram: as high, wide and deep as the images are, (6, 4, 6)",
    ]


def test_what_is_warned_of_is_not_logged_too(said, tmp_path):
    mrcfile.write(tmp_path / "a.mrc", np.ones((3, 4, 4), np.float32))
    (tmp_path / "a.tlt").write_text("-3\n0\n3\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lines = said(lambda: TiltSeries.open(tmp_path / "a.mrc"))
    assert any("axis" in str(warning.message) for warning in caught)
    assert lines == [f"{tmp_path / 'a.mrc'}: tilts and axis from {tmp_path / 'a.tlt'}"]


def test_the_package_configures_no_handler_but_the_null_one():
    code = (
        "import logging, numpy, libtilt\n"
        "geometry = libtilt.TiltGeometry.from_tilt_angles([0])\n"
        "libtilt.Projector(geometry).forward(numpy.ones((2, 2, 2)))\n"
        "print(logging.getLogger('libtilt').handlers, logging.getLogger().handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[<NullHandler (NOTSET)>] []\n"
    assert "auto selects" not in done.stderr


def test_the_verbose_command_line_prints_the_log_once(tmp_path):
    path = Volume(np.ones((4, 8, 8), np.float32), voxel_size=2).save(tmp_path / "map.mrc")
    logger = logging.getLogger("libtilt")
    before, level = list(logger.handlers), logger.level
    try:
        for run in range(2):
            arguments = ["-v", "project", str(path), "-o", str(tmp_path / f"tilts{run}.mrc")]
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, result.output
            assert result.output.count("libtilt: backend: auto selects numba, rows") == 1
            assert "libtilt: grids to project: completed" in result.output
    finally:
        logger.handlers, logger.level = before, level
        logger.setLevel(level)
