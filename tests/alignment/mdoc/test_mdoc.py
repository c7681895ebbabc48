"""SerialEM's .mdoc, and plain angles."""

import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt.alignment import AnglesFile, GeometryFile, MdocFile, Sizes

MDOC = """\
PixelSpacing = 1.35
ImageFile = TS_1.mrc
ImageSize = 5760 4092
DataMode = 1

[T = SerialEM: Digitized on somewhere]

[T =     Tilt axis angle = 85.3, binning = 1  spot = 8  camera = 0]

[ZValue = 0]
TiltAngle = 3.01
ExposureDose = 3.2
DateTime = 14-Sep-24  10:12:00

[ZValue = 1]
TiltAngle = -0.02
ExposureDose = 3.1
DateTime = 14-Sep-24  10:11:00

[ZValue = 2]
TiltAngle = -2.99
DateTime = 01-Oct-24  00:00:01
"""


def read(tmp_path, content):
    path = tmp_path / "TS_1.mrc.mdoc"
    path.write_text(content)
    return MdocFile.read(path)


def test_an_mdoc_says_angles_doses_order_and_sizes(tmp_path):
    file = read(tmp_path, MDOC)
    assert file.tilt_angles.tolist() == [3.01, -0.02, -2.99]
    assert file.exposures.tolist()[:2] == [3.2, 3.1]
    assert np.isnan(file.exposures[2])
    assert file.order.tolist() == [1, 0, 2]
    alignment = file.alignment()
    assert alignment.stack_shape == (3, 4092, 5760)
    assert alignment.pixel_size == 1.35
    assert np.allclose(alignment.geometry.tilt_axis_angles, 85.3, atol=1e-12)
    assert np.allclose(alignment.geometry.tilt_angles, file.tilt_angles, atol=1e-12)


def test_an_mdoc_comes_back(tmp_path):
    file = read(tmp_path, MDOC)
    made = MdocFile.from_alignment(file.alignment(), like=file)
    again = MdocFile.read(made.write(tmp_path / "new.mdoc"))
    assert (again.header, again.titles) == (file.header, file.titles)
    assert np.abs(again.tilt_angles - file.tilt_angles).max() < 1e-7
    assert again.sections[0]["DateTime"] == file.sections[0]["DateTime"]
    alone = MdocFile.from_alignment(file.alignment()).alignment()
    assert file.alignment().distance(alone) < 1e-4


def test_values_may_hold_brackets(tmp_path):
    path = r"SubFramePath = D:\frames\Pos_1[3]"
    file = read(tmp_path, MDOC.replace("ExposureDose = 3.2", path))
    assert file.sections[0]["SubFramePath"] == r"D:\frames\Pos_1[3]"
    again = MdocFile.read(file.write(tmp_path / "new.mdoc"))
    assert again.sections == file.sections


def test_without_times_the_order_is_that_of_the_stack(tmp_path):
    assert read(tmp_path, MDOC.replace("Sep", "???")).order.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("PixelSpacing = 1.35\n", r"has no \[ZValue = \.\.\.\]"),
        (MDOC.replace("ZValue = 2", "ZValue = 1"), r"line 20: ZValue 1 is already on line 15"),
        (MDOC.replace("ZValue = 2", "ZValue = -2"), r"line 20: expected an image index from 0"),
        (MDOC.replace("TiltAngle = -0.02\n", ""), r"line 15: section 1 has no TiltAngle"),
        (MDOC.replace("-0.02", "flat"), r"line 16, TiltAngle: expected a number, got 'flat'"),
        ("DataMode\n" + MDOC, r"line 1: expected key = value"),
        (MDOC.replace("[ZValue = 1]", "[ZValue = 1"), r"line 15: expected \[key = value\]"),
        (MDOC.replace("5760 4092", "5760"), r"line 3, ImageSize: expected two positive integers"),
        (MDOC.replace("5760 4092", "5760 -1"), r"line 3, ImageSize: expected two positive"),
        (MDOC.replace("5760 4092", "5760 4092 1"), r"line 3, ImageSize: expected two"),
        (MDOC.replace("1.35", "-1.35"), r"line 1, PixelSpacing: expected a positive number"),
        (MDOC.replace("[ZValue = 2]\n", ""), r"line 20: TiltAngle appears twice in one section"),
        (
            MDOC.replace("[ZValue = 2]", "ZValue = 2]"),
            r"line 20, ZValue: expected the section in br",
        ),
    ],
)
def test_invalid_mdoc_is_named_with_the_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content)


def test_sizes_missing_from_an_mdoc_are_required(tmp_path):
    file = read(tmp_path, MDOC.replace("PixelSpacing", "Other").replace("ImageSize", "Some"))
    with pytest.raises(ValueError, match="does not hold the size of the stack"):
        file.alignment(Sizes(pixel_size=1))
    with pytest.raises(ValueError, match="does not hold the pixel size"):
        file.alignment(Sizes(stack_shape=(3, 8, 8)))


@quick
@given(st.data())
def test_damaged_files_are_read_or_refused_by_name(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "a.mdoc"
    content = MDOC.encode()
    place, length = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 30))
    path.write_bytes(content[:place] + data.draw(st.binary(max_size=6)) + content[place + length :])
    message = ""
    try:
        MdocFile.read(path).alignment(Sizes(stack_shape=(3, 8, 8), pixel_size=1.0))
    except ValueError as error:
        message = str(error)
    assert not message or str(path) in message


def test_lists_of_angles_and_geometries_come_back(tmp_path):
    sizes = Sizes(stack_shape=(3, 9, 8), pixel_size=2.0)
    alignment = AnglesFile([-3.123456789, 0, 60]).alignment(sizes)
    path = AnglesFile.from_alignment(alignment).write(tmp_path / "a.tlt")
    assert np.abs(AnglesFile.read(path).tilt_angles - [-3.123456789, 0, 60]).max() < 1e-7
    path = GeometryFile.from_alignment(alignment).write(tmp_path / "a.json")
    assert GeometryFile.read(path).alignment(sizes).distance(alignment) == 0


def test_an_mdoc_is_read_as_mdocfile_reads_it(tmp_path):
    mdocfile = pytest.importorskip("mdocfile")
    file = read(tmp_path, MDOC)
    table = mdocfile.read(tmp_path / "TS_1.mrc.mdoc")
    assert table["TiltAngle"].tolist() == file.tilt_angles.tolist()
    assert table["ExposureDose"].tolist()[:2] == file.exposures.tolist()[:2]
