"""Files with odd headers open with one warning; damaged files are refused by name."""

import bz2
import gzip
import struct
import tracemalloc
import warnings

import mrcfile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libtilt import Volume
from libtilt.io.mrc import read_mrc

DATA = np.arange(120, dtype=np.float32).reshape(6, 5, 4)
ORIGIN = (-3.0, 4.0, 5.0)


def save(path, data=DATA):
    return Volume(data, voxel_size=(1.5, 2.5, 3.5), origin=ORIGIN).save(path)


def set_header(path, **values):
    with mrcfile.open(path, mode="r+", permissive=True) as file:
        for name, value in values.items():
            file.header[name] = value
    return path


def set_bytes(path, offset, new):
    content = bytearray(path.read_bytes())
    content[offset : offset + len(new)] = new
    path.write_bytes(content)
    return path


def test_an_origin_in_the_header_goes_before_the_start_indices(tmp_path):
    assert np.array_equal(read_mrc(set_header(save(tmp_path / "a.mrc"), nxstart=7)).origin, ORIGIN)
    path = set_header(save(tmp_path / "b.mrc"), nxstart=2, origin=(np.nan, 0, 0))
    assert read_mrc(path).origin.tolist() == [2 * 1.5, 0, 0]


def test_an_axis_order_that_is_empty_is_the_usual_one(tmp_path):
    content = read_mrc(set_header(save(tmp_path / "map.mrc"), mapc=0, mapr=0, maps=0))
    assert np.array_equal(content.data, DATA)
    assert content.notes == ()


@pytest.mark.parametrize("order", [(1, 1, 2), (0, 1, 2), (3, 2, 7)])
def test_an_axis_order_that_is_none_is_noted(tmp_path, order):
    values = dict(zip(("mapc", "mapr", "maps"), order, strict=True))
    path = set_header(save(tmp_path / "map.mrc"), **values)
    with pytest.warns(
        UserWarning, match=r"map\.mrc: axis order .* is invalid; assuming 1, 2, 3"
    ) as caught:
        volume = Volume.open(path)
    assert len(caught) == 1
    assert np.array_equal(volume.data, DATA)


@pytest.mark.parametrize(("offset", "note"), [(208, "no stamp 'MAP '"), (212, "no machine stamp")])
def test_a_missing_stamp_is_noted(tmp_path, offset, note):
    path = set_bytes(save(tmp_path / "map.mrc"), offset, bytes(4))
    with pytest.warns(UserWarning, match=rf"map\.mrc: {note} in the header"):
        volume = Volume.open(path)
    assert np.array_equal(volume.data, DATA)


@pytest.mark.parametrize(("flags", "dtype"), [(0, np.uint8), (1, np.int8), (6, np.uint8)])
@pytest.mark.parametrize("byte_order", "<>")
def test_the_flags_of_imod_say_whether_bytes_are_signed(tmp_path, flags, dtype, byte_order):
    values = np.arange(-60, 60, dtype=np.int8).reshape(DATA.shape)
    stamp = struct.pack(byte_order + "ii", 1146047817, flags)
    content = read_mrc(set_bytes(save(tmp_path / "map.mrc", values), 152, stamp))
    assert content.data.dtype == dtype
    assert np.array_equal(content.data, values.view(dtype))


def test_cells_that_are_not_rectangular_are_noted(tmp_path):
    path = set_header(save(tmp_path / "map.mrc"), cellb=(90, 90, 120))
    with pytest.warns(UserWarning, match=r"cell angles are \[90.0, 90.0, 120.0\]"):
        Volume.open(path)


@pytest.mark.parametrize("values", [{"cella": (0, 0, 0)}, {"mx": 0}, {"cella": (np.nan, -1, 1)}])
def test_a_voxel_size_that_is_unknown_is_zero_here_and_one_in_a_volume(tmp_path, values):
    path = set_header(save(tmp_path / "map.mrc"), **values)
    assert read_mrc(path).voxel_size[0] == 0
    with pytest.warns(
        UserWarning, match=r"map\.mrc: no voxel size in the header; assuming 1 Å\. Pass voxel_size="
    ) as caught:
        assert Volume.open(path).voxel_size[0] == 1.0
    assert len(caught) == 1
    assert Volume.open(path, voxel_size=2.5).voxel_size.tolist() == [2.5, 2.5, 2.5]


def test_complex_data_and_stacks_of_volumes_are_refused(tmp_path):
    with mrcfile.new(tmp_path / "a.mrc", DATA.astype(np.complex64)):
        pass
    with pytest.raises(ValueError, match=r"a\.mrc holds complex data \(mode 4\); only real"):
        read_mrc(tmp_path / "a.mrc")
    with mrcfile.new(tmp_path / "b.mrc", np.stack([DATA, DATA])):
        pass
    with pytest.raises(ValueError, match=r"b\.mrc holds a stack of volumes .*\(2, 6, 5, 4\)"):
        read_mrc(tmp_path / "b.mrc")


@pytest.mark.parametrize("memmap", [True, False])
@pytest.mark.parametrize(
    ("length", "reason"), [(-1, "is cut short"), (1024, "is cut short"), (500, "is not an MRC")]
)
def test_a_file_that_is_cut_short_is_named(tmp_path, memmap, length, reason):
    path = save(tmp_path / "map.mrc")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=rf"map\.mrc {reason}"):
        read_mrc(path, memmap=memmap)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an MRC file"),
        (bytes(2000), "not an MRC file"),
        (b"-60\n-57\n", "a text file, not an image"),
        (b"an angle\n" * 400, "a text file, not an image"),
    ],
)
def test_files_other_than_mrc_are_named(tmp_path, content, message):
    (tmp_path / "map.mrc").write_bytes(content)
    with pytest.raises(ValueError, match=rf"map\.mrc is {message}"):
        read_mrc(tmp_path / "map.mrc")


def test_text_file_is_refused_without_allocating_its_apparent_size(tmp_path):
    path = tmp_path / "map.mrc"
    path.write_text("an angle\n" * 400)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"map\.mrc is a text file"):
        read_mrc(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24


@pytest.mark.parametrize("suffix", [".mrc.gz", ".mrc.bz2"])
@pytest.mark.parametrize("damage", ["cut", "zeroed", "scrambled"])
def test_a_damaged_compressed_file_is_named(tmp_path, suffix, damage):
    noise = np.random.default_rng(0).normal(size=DATA.shape).astype(np.float32)
    path = save(tmp_path / f"map{suffix}", noise)
    content = path.read_bytes()
    half = len(content) // 2
    damaged = {
        "cut": content[:half],
        "zeroed": content[:half] + bytes(half),
        "scrambled": content[:64] + b"\xff" * half,
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match=rf"map{suffix} is cut short or corrupt"):
        read_mrc(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize(("length", "reason"), [(1100, "is cut short"), (500, "is not an MRC")])
def test_a_file_that_was_cut_short_before_it_was_compressed_is_named(
    tmp_path, pack, length, reason
):
    path = save(tmp_path / "map.mrc")
    path.write_bytes(pack(path.read_bytes()[:length]))
    with pytest.raises(ValueError, match=rf"map\.mrc {reason}"):
        read_mrc(path)


def assert_opens_or_is_named(path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            volumes = [Volume.open(path), Volume.open(path, memmap=True)]
    except ValueError as error:
        volumes, refusal = None, str(error)
    if volumes is None:
        assert refusal.startswith(str(path))
    else:
        assert np.array_equal(*(volume.data for volume in volumes), equal_nan=True)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "map.mrc"


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.sampled_from([b"", b"\x1f\x8b\x08", b"BZh9"]), st.binary(max_size=1500))
def test_any_bytes_open_or_are_refused_by_name(scratch, magic, content):
    scratch.write_bytes(magic + content)
    assert_opens_or_is_named(scratch)


words = st.lists(st.tuples(st.integers(0, 55), st.binary(min_size=4, max_size=4)), max_size=4)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(words)
def test_any_header_opens_or_is_refused_by_name(scratch, words):
    scratch.unlink(missing_ok=True)
    save(scratch)
    for word, content in words:
        set_bytes(scratch, 4 * word, content)
    assert_opens_or_is_named(scratch)


def test_too_little_memory_is_not_called_a_corrupt_file(tmp_path, monkeypatch):
    path = Volume(np.ones((2, 2, 2))).save(tmp_path / "a.mrc")

    def explode(*_):
        raise MemoryError

    monkeypatch.setattr("libtilt.io.mrc._read_plain", explode)
    with pytest.raises(MemoryError, match=r"a\.mrc does not fit into memory.*memmap=True"):
        read_mrc(path)
