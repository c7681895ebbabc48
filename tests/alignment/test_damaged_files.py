"""A thousand damaged files of every format: each is read, or refused by its name."""

import random
import warnings

import numpy as np
import pytest

from libtilt import TiltGeometry
from libtilt.alignment import Alignment, read_alignment_file, save_alignment
from libtilt.alignment.sizes import Sizes

SIZES = Sizes(
    stack_shape=(5, 36, 40), pixel_size=1.5, volume_shape=(16, 36, 40), tilt_axis_angle=None
)
# What other files of each kind hold, and what converters and spreadsheets make of numbers.
TOKENS = [
    *(
        b"nan",
        b"-inf",
        b"1e999",
        b"-",
        b"1_0",
        b"0x1F",
        b"3,5",
        b"1e5",
        b"-1",
        b"0",
        b"999999999999",
    ),
    *(b"#", b"$", b"[", b"]", b"=", b"\n", b"\r", b"\t", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b'"'),
    *(b"loop_", b"data_", b"<", b"</", b"{", b"}", b"\xd9\xa3", b"..", b"/", b"5-3", b"@"),
]


def alignment():
    return Alignment(
        TiltGeometry.from_tilt_angles(
            [-30, -15, 0, 15, 30], tilt_axis_angle=85.0, shifts=np.arange(10).reshape(5, 2)
        ),
        views=range(5),
        stack_shape=SIZES.stack_shape,
        pixel_size=SIZES.pixel_size,
        volume_shape=SIZES.volume_shape,
        voxel_size=SIZES.pixel_size,
    )


def damaged(content, rng):
    """Some bytes changed, cut out, doubled or put in; now and then the rest is cut off."""
    content = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(content) + 1)
        end = min(len(content), place + rng.choice([1, 1, 2, 5, 20, 80]))
        kind = rng.randrange(5)
        if kind == 0:
            content[place:end] = rng.choice(TOKENS)
        elif kind == 1:
            content[place:place] = rng.choice(TOKENS)
        elif kind == 2:
            content[place:place] = content[place:end]
        elif kind == 3:
            del content[place:end]
        else:
            content[place:end] = bytes(rng.randrange(256) for _ in range(end - place))
    return bytes(content[: rng.randrange(len(content) + 1)] if rng.random() < 0.1 else content)


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ("a.xf", "a.xf"),
        ("a.xf", "a.tlt"),
        ("a.xf", "tilt.com"),
        ("a.xf", "newst.com"),
        ("a.aln", "a.aln"),
        ("a.star", "a.star"),
        ("a.xml", "a.xml"),
        ("a.mdoc", "a.mdoc"),
        ("a.tlt", "a.tlt"),
        ("a.json", "a.json"),
    ],
)
@pytest.mark.filterwarnings("ignore:.* files cannot hold the")
def test_a_thousand_damaged_files_are_read_or_refused_by_name(tmp_path, written, changed):
    # A list of angles and an .mdoc hold less; that is not what is looked at here.
    source = save_alignment(alignment(), tmp_path / written, tolerance=1e9)
    target = tmp_path / changed
    good, rng, refused = target.read_bytes(), random.Random(11), 0
    for _ in range(1000):
        target.write_bytes(damaged(good, rng))
        message = f"{tmp_path}/"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                read_alignment_file(source).alignment(SIZES)
        except (ValueError, FileNotFoundError) as error:
            message, refused = str(error), refused + 1
        assert f"{tmp_path}/" in message
    assert 100 < refused < 1000
