"""`import libtilt` and its names load what they need, and no more."""

import subprocess
import sys
from importlib import import_module

import pytest

import libtilt
from libtilt.cli import app

# Of files, pictures, solvers and extras: each is loaded by what uses it.
LATER = {
    *("PIL", "imageio", "mrcfile", "numba", "finufft", "h5py", "tifffile", "matplotlib", "click"),
    "xarray",
    *("scipy.ndimage", "scipy.sparse", "scipy.spatial", "scipy.fft", "scipy.special"),
    *("libtilt.alignment", "libtilt.animations", "libtilt.cli", "libtilt.drawing", "libtilt.plot"),
    *("libtilt.io.image_files", "libtilt.io.mrc", "libtilt.io.mrc_writing"),
}


def modules_after(code):
    """Return the names of all modules that a new process has after some code."""
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_else():
    modules = modules_after("import libtilt")
    assert {name for name in modules if name.startswith("libtilt")} == {"libtilt"}
    assert not {"numpy", "scipy", "attrs"} & modules


@pytest.mark.parametrize("name", libtilt.__all__)
def test_importing_a_name_loads_no_files_pictures_or_solvers(name):
    assert not LATER & modules_after(f"from libtilt import {name}")


@pytest.mark.parametrize(
    "work",
    [
        "libtilt.TiltGeometry.from_tilt_angles([-3, 0, 3], tilt_axis_angle=85)",
        "libtilt.Volume(numpy.ones((4, 4, 4))).crop((2, 2, 2)).bin(2) * 2",
        "libtilt.Projector(libtilt.TiltGeometry.from_tilt_angles([0])).geometry",
    ],
)
def test_work_without_files_loads_no_files_pictures_or_extras(work):
    # Which parts of SciPy the others bring is another matter in each of its versions.
    later = {name for name in LATER if not name.startswith("scipy.")}
    assert not later & modules_after(f"import numpy, libtilt\n{work}")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_load_click_alone(arguments):
    code = f"import sys, libtilt.__main__\nsys.argv = ['libtilt', *{arguments}]\n"
    code += "try:\n    libtilt.__main__.main()\nexcept SystemExit:\n    pass"
    modules = modules_after(code)
    assert "click" in modules
    assert not {"numpy", "scipy", "attrs"} & modules


def test_the_help_of_all_commands_begins_as_that_of_each_command():
    listed = app.get_help(app.make_context("libtilt", [], resilient_parsing=True))
    for name in app.list_commands(None):
        sentence = app.get_command(None, name).help.split("\n\n")[0]
        assert " ".join([name, *sentence.split()]) in " ".join(listed.split())


def test_dir_shows_the_public_names_and_the_rooms():
    names = set(dir(libtilt))
    assert {*libtilt.__all__, "__version__"} <= names
    rooms = {name for name in names - set(libtilt.__all__) if not name.startswith("_")}
    assert {"alignment", "geometry", "reconstruction", "testing"} <= rooms
    assert all(getattr(libtilt, room) is import_module(f"libtilt.{room}") for room in rooms)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'libtilt' has no attribute 'Volumes'"):
        libtilt.Volumes  # noqa: B018
