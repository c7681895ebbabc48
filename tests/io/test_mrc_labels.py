"""The labels of a file: who wrote it, where the volume lies, how it was made."""

import mrcfile
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.io.mrc import read_mrc
from libtilt.io.mrc_labels import (
    center_from_labels,
    is_from_libtilt,
    made_from_labels,
    make_labels,
    series_from_labels,
)

SHAPE = (4, 5, 6)
CENTER = np.array([10.25, -20.5, 3.125])
NOWHERE = np.zeros(3)
FOREIGN = b"NEWSTACK: Images copied"


def labels(shape=SHAPE, *, series=None, center=CENTER, made=""):
    """As a header gives them back: ten of 80 bytes each."""
    written = make_labels(shape, series=series, center=center, made=made)
    return [*np.array(written, dtype="S80").tolist(), *[b""] * (10 - len(written))]


def saved(folder, **fields):
    return Volume(np.ones(SHAPE, np.float32), voxel_size=2.0, center=CENTER, **fields).save(
        folder / "map.mrc"
    )


def test_the_first_label_is_the_mark_of_the_package():
    assert labels()[0] == b"Written by libtilt"
    assert is_from_libtilt(labels())
    assert not is_from_libtilt([FOREIGN, *labels()[:-1]])


def test_a_volume_at_the_rotation_center_has_no_label_of_its_place():
    assert labels(center=NOWHERE)[1:] == [b""] * 9
    assert center_from_labels(labels(center=NOWHERE), SHAPE).tolist() == [0, 0, 0]


@quick
@given(st.tuples(*[st.floats(-1e6, 1e6).map(lambda x: round(x, 4))] * 3))
def test_a_center_comes_back_to_nine_digits(center):
    again = center_from_labels(labels(center=np.array(center)), SHAPE)
    assert np.allclose(again, center, rtol=1e-8, atol=0)


@pytest.mark.parametrize(
    ("center", "shape"),
    [
        ((-1234.56789, -1234.56789, -1234.56789), (4096, 4096, 4096)),
        pytest.param(
            (-5.55111512e-17, -5.55111512e-17, -123.456789),
            (256, 1024, 1024),
        ),
        pytest.param(
            (-1.23456789e-5, -1.23456789e-5, -1.23456789e-5),
            (300, 300, 300),
        ),
    ],
)
def test_a_center_fits_its_label(center, shape):
    assert max(map(len, make_labels(shape, series=None, center=np.array(center), made=""))) <= 80
    again = center_from_labels(labels(shape, center=np.array(center)), shape)
    assert again == pytest.approx(center, rel=1e-8, abs=1e-6)


@pytest.mark.parametrize("shape", [(4, 5, 7), (6, 5, 4), (4, 5, 60)])
def test_a_center_of_another_shape_does_not_count(shape):
    assert center_from_labels(labels(), shape).tolist() == [0, 0, 0]


@pytest.mark.parametrize("place", [0, 1, 2, 9])
def test_a_center_does_not_count_where_another_program_added_its_label(place):
    changed = labels()
    changed[place] = FOREIGN
    assert center_from_labels(changed, SHAPE).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "text",
    [
        b"libtilt center 1 2 3",
        b"libtilt center 1 2 of 4x5x6",
        b"libtilt center 1 2 three of 4x5x6",
        b"libtilt center 1 2 nan of 4x5x6",
        b"libtilt center 1 2 inf of 4x5x6",
        b"libtilt center 1 2 3 of 4x5x6 x 7",
        b"libtilt center \xff\xfe 2 3 of 4x5x6",
    ],
)
def test_a_damaged_center_does_not_count(text):
    assert center_from_labels([labels()[0], text, *[b""] * 8], SHAPE).tolist() == [0, 0, 0]


@pytest.mark.parametrize("padding", [b"", b" ", b"\0"])
def test_labels_may_be_filled_with_spaces_or_nothing(padding):
    filled = [label.ljust(80, padding) if padding else label for label in labels(made="by hand")]
    assert center_from_labels(filled, SHAPE).tolist() == CENTER.tolist()
    assert made_from_labels(filled) == "by hand"


def test_the_mark_of_a_series_stands_in_the_first_label():
    assert series_from_labels(labels(series="a1b2")) == "a1b2"
    assert series_from_labels(labels()) is None
    assert series_from_labels([FOREIGN]) is None
    assert is_from_libtilt(labels(series="a1b2"))


@pytest.mark.parametrize("made", ["", "wbp", "sirt, 20 iterations, " * 12])
def test_the_history_label_is_wrapped_and_joined_again(made):
    written = labels(made=made)
    assert made_from_labels(written) == made.strip()
    assert center_from_labels(written, SHAPE).tolist() == CENTER.tolist()


def test_history_beyond_ten_labels_is_cut_off():
    words = [f"step{number}" for number in range(400)]
    written = labels(made=" ".join(words))
    assert len(written) == 10
    kept = made_from_labels(written).split()
    assert 40 < len(kept) < 400
    assert kept == words[: len(kept)]
    assert center_from_labels(written, SHAPE).tolist() == CENTER.tolist()


def test_letters_beyond_ascii_do_not_stop_saving():
    assert made_from_labels(labels(made="2 Å voxels")) == "2 ? voxels"


def test_a_file_has_no_label_but_those_of_the_package(tmp_path):
    path = saved(tmp_path)
    with mrcfile.open(path) as file:
        written = [bytes(label).strip() for label in file.header.label]
        assert int(file.header.nlabl) == 2
    assert written[:2] == [
        b"Written by libtilt",
        b"libtilt center 5.125 -10.25 1.5625 of 4x5x6",
    ]
    assert not any(written[2:])
    content = read_mrc(path)
    assert content.is_from_libtilt
    assert content.center.tolist() == CENTER.tolist()


def test_a_label_that_another_program_adds_makes_the_center_0(tmp_path):
    path = saved(tmp_path)
    with mrcfile.open(path, mode="r+") as file:
        file.header.label[2], file.header.nlabl = b"Filtered by another program", 3
    opened = Volume.open(path)
    assert opened.center.tolist() == [0, 0, 0]
    assert np.allclose(opened.origin, CENTER - [6, 4, 4])


def test_data_of_another_shape_make_the_center_0(tmp_path):
    path = saved(tmp_path)
    with mrcfile.open(path, mode="r+") as file:
        file.set_data(np.ones((4, 5, 8), np.float32))
        file.voxel_size = 2.0
    assert Volume.open(path).center.tolist() == [0, 0, 0]


def test_a_file_of_another_program_has_center_0_and_its_header_s_origin(tmp_path):
    path = tmp_path / "map.mrc"
    with mrcfile.new(path, np.ones(SHAPE, np.float32)) as file:
        file.voxel_size = 2.0
        file.header.origin.x, file.header.origin.y, file.header.origin.z = 7, -8, 9
    opened = Volume.open(path)
    assert opened.center.tolist() == [0, 0, 0]
    assert opened.origin.tolist() == [7, -8, 9]


def test_a_series_has_its_mark_and_no_center(tmp_path):
    geometry = TiltGeometry.from_tilt_angles([0, 3], shifts=[[1, 2], [3, 4]])
    path = TiltSeries(np.ones((2, 4, 4), np.float32), geometry).save(tmp_path / "tilts.mrc")
    content = read_mrc(path)
    assert content.series
    assert content.center.tolist() == [0, 0, 0]
