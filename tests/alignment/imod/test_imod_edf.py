"""Views that etomo's .edf excludes."""

import warnings

import numpy as np
import pytest
from imod_by_hand import SIZES, files

from libtilt.alignment import open_alignment
from libtilt.errors import LibtiltWarning

ARGUMENTS = {"stack_shape": SIZES.stack_shape, "pixel_size": SIZES.pixel_size}
EDF = "Setup.AxisType=Single Axis\nSetup.AxisB.ExcludeProjections=1\nSetup.AxisA.{}\n"


@pytest.fixture
def folder(tmp_path, rng):
    files(tmp_path, rng)
    return tmp_path


def messages(path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        opened = open_alignment(path, **ARGUMENTS)
    assert all(one.category is LibtiltWarning for one in caught)
    return [str(one.message) for one in caught], opened.views.tolist()


@pytest.mark.parametrize("name", ["", "tilt.com", "a.xf"])
def test_views_that_only_the_edf_excludes_are_used_with_a_warning(folder, name):
    (folder / "a.edf").write_text(EDF.format("ExcludeProjections=2,3-5,8"))
    found, views = messages(folder / name)
    assert views == [0, 2, 5, 7]
    assert found == [
        "a.edf excludes views 3,8 (from 1), but the command files do not, so they are used; add "
        "EXCLUDELIST 3,8 to tilt.com, or exclude them afterwards, counted from 0 "
        "(exclude_views(tilt_series, [2, 7]))"
    ]


def test_without_command_files_the_warning_does_not_name_them(folder):
    (folder / "a.edf").write_text(EDF.format("ExcludeProjections=3"))
    for name in ("tilt.com", "newst.com"):
        (folder / name).unlink()
    (text,) = [text for text in messages(folder / "a.xf")[0] if "a.edf" in text]
    assert text == (
        "a.edf excludes view 3 (from 1), but it is used; exclude it afterwards, counted from 0 "
        "(exclude_views(tilt_series, [2]))"
    )


@pytest.mark.parametrize(
    "text", ["ExcludeProjections=2,4-5,7", "ExcludeProjections=", "TiltAngle.Type=Extract"]
)
def test_an_edf_that_agrees_with_the_command_files_says_nothing(folder, text):
    (folder / "a.edf").write_text(EDF.format(text))
    assert messages(folder) == ([], [0, 2, 5, 7])


def test_several_edf_files_belong_to_other_series(folder):
    for name in ("b.edf", "c.edf"):
        (folder / name).write_text(EDF.format("ExcludeProjections=3"))
    assert messages(folder)[0] == []


def test_an_unreadable_list_is_ignored_with_a_warning(folder):
    (folder / "a.edf").write_text(EDF.format("ExcludeProjections=last one"))
    ((text,), _) = messages(folder)
    assert "a.edf, ExcludeProjections" in text
    assert text.endswith("ignoring it")


def test_the_second_axis_has_its_own_list(folder):
    (folder / "tilt.com").rename(folder / "tiltb.com")
    (folder / "a.edf").write_text(EDF.format("ExcludeProjections=3"))
    ((text,), _) = messages(folder / "tiltb.com")
    assert text.startswith("a.edf excludes view 1 (from 1)")


def test_the_edf_of_the_sample_excludes_its_last_view(shared_data):
    folder = shared_data / "alignments" / "imod_etomo"
    with pytest.warns(LibtiltWarning, match=r"TS_001\.edf excludes view 40 \(from 1\)"):
        opened = open_alignment(folder, stack_shape=(40, 4092, 5760), pixel_size=0.6192)
    assert np.array_equal(opened.views, np.arange(40))
