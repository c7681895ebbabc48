"""Warnings point to the line of the user's code, however deep in the package they arise."""

import importlib.util
import warnings

import mrcfile
import numpy as np
import pytest

from libtilt import Projector, TiltGeometry, TiltSeries, Volume
from libtilt.backends import auto
from libtilt.errors import LibtiltWarning
from libtilt.errors.warning import warn


class Subclass(Volume):
    @classmethod
    def open(cls, path, **options):
        return super().open(path, **options)


@pytest.fixture
def slow(monkeypatch):
    """Auto without numba, which finds all work slow."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        auto, "find_spec", lambda name: None if name == "numba" else find_spec(name)
    )
    monkeypatch.setattr(auto, "_LONG", 0.0)
    monkeypatch.setattr(auto, "_warned", {})
    auto._numba_problem.cache_clear()
    yield
    auto._numba_problem.cache_clear()


def test_warnings_of_files_and_backends_point_to_the_caller(tmp_path, slow):
    mrcfile.write(tmp_path / "a.mrc", np.zeros((3, 8, 8), np.float32))
    (tmp_path / "a.tlt").write_text("-3\n0\n3\n")
    geometry = TiltGeometry.from_tilt_angles([-3, 0, 3], tilt_axis_angle=20)
    calls = (
        lambda: Volume.open(tmp_path / "a.mrc"),
        lambda: Subclass.open(tmp_path / "a.mrc"),
        lambda: TiltSeries.open(tmp_path / "a.mrc"),
        lambda: Projector(geometry).forward(Volume(np.ones((8, 8, 8), np.float32))),
    )
    for call in calls:
        with pytest.warns(LibtiltWarning) as caught:
            call()
        first = call.__code__.co_firstlineno
        lines = {first} if call is not calls[1] else {Subclass.open.__code__.co_firstlineno + 2}
        assert {warning.filename for warning in caught} == {__file__}
        assert {warning.lineno for warning in caught} == lines


def test_a_text_is_a_warning_of_the_package():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn("text")
        warn(DeprecationWarning("old"))
    assert [type(warning.message) for warning in caught] == [LibtiltWarning, DeprecationWarning]
    assert {warning.filename for warning in caught} == {__file__}
