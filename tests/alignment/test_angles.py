"""Lists of tilt angles, as IMOD, AreTomo and people write them."""

import codecs

import attrs
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt.alignment import AnglesFile, Sizes, open_alignment
from libtilt.alignment.angles import read_angle_list
from libtilt.alignment.imod.newstack import read_xf

SIZES = Sizes(stack_shape=(3, 9, 8), pixel_size=2.0)


@pytest.mark.parametrize(
    "content",
    [
        b"-3\n0\n3\n",
        codecs.BOM_UTF8 + b"-3.0\n0\n3.0\n",
        codecs.BOM_UTF16_LE + "-3.0\r\n0\r\n3.0\r\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "-3.0\n0\n3.0".encode("utf-16-be"),
        b"-3.0,\n0.0,\n3.0,\n",
        b"# by hand\n\n  -3.0  # first\n\t0\n 3.",
        b"-.3e1\n0.0D0\n+3\n",
        b"-3.0  1\n0.0  0\n3.0  2\n",
        b"-3.0,1\n0.0,0\n3.0,2\n",
        b"-3.00 2 3.1\n0.00 1 3.1\n3.00 3 3.0\n",
    ],
)
def test_every_spelling_of_three_angles_is_the_same(tmp_path, content):
    path = tmp_path / "a.tlt"
    path.write_bytes(content)
    assert read_angle_list(path).angles.tolist() == [-3, 0, 3]


def test_order_and_exposure_of_aretomo_are_kept(tmp_path):
    path = tmp_path / "TS_1_TLT.txt"
    path.write_text("   -3.00     2     3.10\n    0.00     1     3.20\n    3.00     3     3.00\n")
    taken = AnglesFile.read(path).alignment(SIZES).acquisition
    assert taken.order.tolist() == [1, 0, 2]
    assert taken.exposures.tolist() == [3.1, 3.2, 3.0]
    assert np.allclose(taken.pre_exposures, [3.2, 0, 6.3])


def test_a_second_column_that_does_not_count_is_no_order(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("-3 1.5\n0 1.5\n3 1.5\n")
    assert AnglesFile.read(path).acquisition.order is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("-3\nnan\n3", r"a\.tlt, line 2: expected a finite number, got 'nan'"),
        ("-3\ninf\n3", r"a\.tlt, line 2: expected a finite number"),
        ("-3\n1_0\n3", r"a\.tlt, line 2: expected a number, got '1_0'"),
        ("-3\n\u0663\n3", r"a\.tlt, line 2: expected a number"),
        ("-3,5\n0,0\n3,5", r"a\.tlt, line 1: '-3,5' is ambiguous: use decimal points"),
        ("-3\n181\n3", r"a\.tlt, line 2: expected a tilt angle from -180 to 180 degrees, got 181"),
        ("-3\n0 1\n3", r"a\.tlt, line 2: expected 1 columns, as in the lines above, got '0 1'"),
        ("1 2 3 4\n", r"a\.tlt, line 1: expected a tilt angle, optionally with order"),
        ("# nothing\n", r"a\.tlt holds no tilt angle"),
        (" \n", r"a\.tlt is empty"),
        ("-3\x00", r"a\.tlt is not a text file"),
    ],
)
def test_invalid_lists_are_named_with_the_line(tmp_path, content, message):
    path = tmp_path / "a.tlt"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_angle_list(path)


def test_missing_tilt_axis_gives_a_warning(tmp_path):
    path = tmp_path / "a.tlt"
    path.write_text("-3\n0\n3")
    sizes = {"stack_shape": (3, 9, 8), "pixel_size": 2.0}
    with pytest.warns(UserWarning, match=r"assuming 0 degrees \(along y\)\. Pass tilt_axis_angle="):
        assert open_alignment(path, **sizes).geometry.tilt_axis_angles.tolist() == [0, 0, 0]
    turned = open_alignment(path, **sizes, tilt_axis_angle=85).geometry
    assert np.allclose(turned.tilt_axis_angles, 85)
    assert np.allclose(turned.tilt_angles, [-3, 0, 3])
    with pytest.raises(ValueError, match="tilt_axis_angle must be from -360 to 360 degrees"):
        open_alignment(path, **sizes, tilt_axis_angle=400)


def test_equal_angles_of_a_whole_series_are_warned_of():
    file = AnglesFile([5, 5, 5])
    sizes = attrs.evolve(SIZES, tilt_axis_angle=0)
    assert "all 3 tilt angles are 5 degrees" in str(file.alignment(sizes).warnings[0])


@quick
@given(st.data())
def test_damaged_lists_are_read_or_refused_by_name(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "a.tlt"
    content = b"-3.0 1 3.1\n0.00 0 3.1\n3.00 2 3.0\n"
    place, length = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 20))
    path.write_bytes(content[:place] + data.draw(st.binary(max_size=6)) + content[place + length :])
    message = ""
    try:
        read_angle_list(path)
    except ValueError as error:
        message = str(error)
    assert not message or str(path) in message


@pytest.mark.parametrize(("content", "noted"), [("-3\n0\n3\n", False), ("-3\n0\n3", True)])
def test_a_last_number_that_may_be_cut_off_is_noted(tmp_path, content, noted):
    path = tmp_path / "a.tlt"
    path.write_text(content)
    notes = open_alignment(path, stack_shape=(3, 9, 8), pixel_size=2.0, tilt_axis_angle=0).notes
    assert any("check that its last number is complete" in note for note in notes) == noted


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", ",\n", " # view\n", "\r\n"])
def test_angles_and_transforms_are_read_by_the_same_rules(tmp_path, mark, end):
    """A byte order mark, a comma at the end and a comment mean the same in both."""
    (tmp_path / "a.tlt").write_text(f"{mark}-3.5{end}# none\n3{end}", encoding="utf-8")
    (tmp_path / "a.xf").write_text(f"{mark}1 0, 0 1 4.5 -2{end}", encoding="utf-8")
    assert read_angle_list(tmp_path / "a.tlt").angles.tolist() == [-3.5, 3.0]
    assert read_xf(tmp_path / "a.xf").tolist() == [[[1, 0, 4.5], [0, 1, -2]]]
    for name, read in (("a.tlt", read_angle_list), ("a.xf", read_xf)):
        (tmp_path / name).write_text("# none\n")
        with pytest.raises(ValueError, match=rf"a\.{name[2:]} holds no "):
            read(tmp_path / name)
