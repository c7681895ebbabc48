"""Headers as programs write them, made byte by byte: bytes, origins, stacks, modes."""

import bz2
import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.io.mrc import read_mrc, read_mrc_header

STAMP = 1146047817
SHAPE = (3, 4, 6)


def header(shape=SHAPE, mode=2, order="<", **words):
    """1024 bytes with the fields of the MRC2014 standard; words override by byte offset."""
    depth, height, width = shape
    content = bytearray(1024)
    sizes = (width, height, depth)
    struct.pack_into(order + "4i", content, 0, *sizes, mode)
    struct.pack_into(
        order + "3i3f3f3i", content, 28, *sizes, *(2.5 * n for n in sizes), 90, 90, 90, 1, 2, 3
    )
    content[208:212] = b"MAP "
    content[212:216] = b"\x44\x44\0\0" if order == "<" else b"\x11\x11\0\0"
    for name, (kind, value) in words.items():
        struct.pack_into(order + kind, content, int(name.removeprefix("at")), value)
    return bytes(content)


def put(path, content, data=None, extended=b"", pack=lambda x: x):
    data = np.arange(np.prod(SHAPE), dtype="<f4") if data is None else data
    path.write_bytes(
        pack(content + extended + (data if isinstance(data, bytes) else data.tobytes()))
    )
    return path


BYTES = np.arange(72, dtype=np.uint8) * 3 + 20


def stamped(flags):
    return {"at152": ("i", STAMP), "at156": ("i", flags)}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("pack", [lambda x: x, gzip.compress, bz2.compress])
@pytest.mark.parametrize(
    ("words", "signed", "noted"),
    [
        ({}, True, False),
        ({"at76": ("f", 20.0), "at80": ("f", 233.0)}, False, True),
        ({"at76": ("f", 0.0), "at80": ("f", 127.0)}, True, False),
        ({"at76": ("f", -1.0), "at80": ("f", 233.0)}, True, False),
        ({"at76": ("f", 0.0), "at80": ("f", 1e9)}, True, False),
        (stamped(0), False, False),
        (stamped(1), True, True),
        (stamped(1) | {"at76": ("f", 0.0), "at80": ("f", 254.0)}, True, True),
    ],
)
def test_the_sign_of_bytes_follows_imods_rule(tmp_path, words, signed, noted, pack, order):
    path = put(tmp_path / "a.mrc", header(mode=0, order=order, **words), BYTES, pack=pack)
    content = read_mrc(path)
    assert content.data.dtype == (np.int8 if signed else np.uint8)
    assert np.array_equal(content.data.ravel().view(np.uint8), BYTES)
    assert any("bytes are" in note for note in content.notes) == noted


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("words", "sign"),
    [({}, 1), (stamped(0), -1), (stamped(4), 1), (stamped(3), -1), (stamped(7), 1)],
)
def test_the_sign_of_the_origin_follows_imods_flag(tmp_path, words, sign, order):
    origin = {"at196": ("f", 10.0), "at200": ("f", -20.0), "at204": ("f", 30.0)}
    data = np.arange(72, dtype=order + "f4")
    content = read_mrc(put(tmp_path / "a.mrc", header(order=order, **words, **origin), data))
    assert content.origin.tolist() == [sign * 10, sign * -20, sign * 30]
    assert np.array_equal(content.data.ravel(), np.arange(72))


@pytest.mark.parametrize("order", "<>")
def test_headers_of_before_2000_have_the_origin_at_another_place(tmp_path, order):
    """Six short numbers of wave lengths come first, then zorg, xorg, yorg in IMOD's sign."""
    waves = {f"at{196 + 2 * n}": ("h", 500 + n) for n in range(6)}
    words = {"at208": ("f", -30.0), "at212": ("f", -10.0), "at216": ("f", 20.0)}
    data = np.arange(72, dtype=order + "f4")
    content = read_mrc(put(tmp_path / "a.mrc", header(order=order, **waves, **words), data))
    assert content.origin.tolist() == [10.0, -20.0, 30.0]
    assert "origin is read from byte 208, where headers before 2000 hold it" in content.notes
    assert np.array_equal(content.data.ravel(), np.arange(72))


def test_an_origin_whose_place_is_not_known_is_not_invented(tmp_path):
    """Without a stamp, wave lengths and a deviation alone say nothing of an origin."""
    waves = {f"at{196 + 2 * n}": ("h", 500 + n) for n in range(6)}
    stamps = {"at208": ("i", 0), "at212": ("i", 0), "at216": ("f", 1.5)}
    content = read_mrc(put(tmp_path / "a.mrc", header(**waves, **stamps)))
    assert content.origin.tolist() == [0, 0, 0]


def test_a_header_that_only_lacks_its_stamps_keeps_its_origin(tmp_path):
    words = {"at208": ("i", 0), "at212": ("i", 0), "at196": ("f", 10.0)}
    assert read_mrc(put(tmp_path / "a.mrc", header(**words))).origin.tolist() == [10, 0, 0]


@pytest.mark.parametrize("memmap", [False, True])
@pytest.mark.parametrize(
    ("intervals", "stack"), [(0, False), (3, False), (1, True), (7, False), (-3, False), (2, False)]
)
def test_inconsistent_stacks_of_volumes_are_read_as_one_volume(tmp_path, memmap, intervals, stack):
    path = put(tmp_path / "a.mrc", header(at88=("i", 401), at36=("i", intervals)))
    content = read_mrc(path, memmap=memmap)
    assert content.data.shape == SHAPE
    assert content.is_image_stack == stack
    assert any("space group is that of a stack of volumes" in note for note in content.notes) == (
        intervals not in (1, 3)
    )
    if intervals in (0, 3):
        assert content.voxel_size.tolist() == [2.5, 2.5, 2.5]


def test_a_stack_of_several_volumes_is_refused(tmp_path):
    shape = (6, 4, 3)
    path = put(tmp_path / "a.mrc", header(shape, at88=("i", 401), at36=("i", 2)))
    with pytest.raises(ValueError, match=r"holds a stack of volumes with shape \(3, 2, 4, 3\)"):
        read_mrc(path)


@pytest.mark.parametrize("pack", [lambda x: x, gzip.compress])
@pytest.mark.parametrize("width", [6, 5])
def test_four_bit_values_come_out_as_sixteen_levels(tmp_path, width, pack):
    values = np.random.default_rng(0).integers(0, 16, (3, 4, width)).astype(np.uint8)
    padded = np.pad(values, ((0, 0), (0, 0), (0, width % 2)))
    packed = padded[:, :, ::2] | padded[:, :, 1::2] << 4
    path = put(tmp_path / "a.mrc", header((3, 4, width), mode=101), packed, pack=pack)
    assert np.array_equal(read_mrc(path).data, values)
    assert read_mrc_header(path).data.shape == values.shape


def test_unreadable_modes_are_named(tmp_path):
    for words, message in [
        ({"mode": 16}, r"a\.mrc holds colors \(mode 16\); convert them to gray"),
        ({"mode": 3}, r"a\.mrc holds complex data \(mode 3\); only real"),
        ({"mode": 4}, r"a\.mrc holds complex data \(mode 4\); only real"),
        ({"mode": 77}, r"a\.mrc is not an MRC file: .* mode 77"),
        ({"mode": 0} | stamped(16), r"a\.mrc holds packed 4-bit data in bytes \(IMOD's flag 16\)"),
    ]:
        path = put(tmp_path / "a.mrc", header(**words), bytes(2000))
        with pytest.raises(ValueError, match=message):
            read_mrc(path)
    path = put(tmp_path / "a.mrc", header(mode=101), bytes(36))
    with pytest.raises(ValueError, match="4-bit data and cannot be mapped; use memmap=False"):
        read_mrc(path, memmap=True)


@pytest.mark.parametrize("pack", [lambda x: x, gzip.compress, bz2.compress])
def test_missing_extended_header_is_noted(tmp_path, pack):
    path = put(tmp_path / "a.mrc", header(at92=("i", 2048)), pack=pack)
    content = read_mrc(path)
    assert np.array_equal(content.data.ravel(), np.arange(72))
    assert content.notes == ("extended header of 2048 bytes is missing",)
    path.write_bytes(pack(header(at92=("i", 2048)) + bytes(200)))
    with pytest.raises(ValueError, match=r"a\.mrc is cut short: expected 3360 bytes by its header"):
        read_mrc(path)


def test_wrong_machine_stamps_are_overruled_by_plausible_numbers(tmp_path):
    content = bytearray(header(order=">"))
    content[212:214] = b"\x44\x44"
    read = read_mrc(put(tmp_path / "a.mrc", bytes(content), np.arange(72, dtype=">f4")))
    assert np.array_equal(read.data.ravel(), np.arange(72))
    assert read.notes == ("no machine stamp in the header; assuming big-endian",)


def of_size(path, size, stack):
    cell = {f"at{40 + 4 * axis}": ("f", size * n) for axis, n in enumerate(SHAPE[::-1])}
    return put(path, header(at88=("i", 0 if stack else 1), **cell))


@pytest.mark.parametrize(("pack", "suffix"), [(gzip.compress, "gz"), (bz2.compress, "bz2")])
def test_a_small_file_does_not_fill_the_memory(tmp_path, monkeypatch, pack, suffix):
    path = tmp_path / f"a.mrc.{suffix}"
    path.write_bytes(pack(header((4000, 4000, 4000)) + bytes(10**6)))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"announces 2\.56e\+05 MB, more than 100 times .*EXP"):
        read_mrc(path)
    # A small header, and a great deal behind it.
    path.write_bytes(pack(header() + bytes(10**8)))
    tracemalloc.reset_peak()
    assert read_mrc(path).data.shape == SHAPE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24
    monkeypatch.setenv("LIBTILT_MAX_EXPANSION", "1000000000")
    with pytest.raises(ValueError, match="must be a positive integer"):
        read_mrc(path)


def test_map_of_zeros_is_read_with_a_higher_limit(tmp_path, monkeypatch):
    path = tmp_path / "a.mrc.gz"
    shape = (300, 300, 300)
    path.write_bytes(gzip.compress(header(shape) + bytes(4 * 300**3)))
    with pytest.raises(ValueError, match="set the environment variable LIBTILT_MAX_EXPANSION"):
        read_mrc(path)
    monkeypatch.setenv("LIBTILT_MAX_EXPANSION", "2000")
    assert read_mrc(path).data.shape == shape


@pytest.mark.parametrize("pack", [lambda x: x, gzip.compress, bz2.compress])
def test_header_reading_leaves_the_data_unread(tmp_path, pack):
    shape = (50, 200, 200)
    data = np.random.default_rng(0).integers(0, 256, 8 * 10**6, dtype=np.uint8)
    path = put(tmp_path / "a.mrc", header(shape), data, pack=pack)
    tracemalloc.start()
    content = read_mrc_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22
    whole = read_mrc(path)
    assert (content.data.shape, content.data.dtype) == (whole.data.shape, whole.data.dtype)
    assert content.voxel_size.tolist() == whole.voxel_size.tolist()
    assert content.notes == whole.notes


def test_byte_order_of_mode_0_follows_from_the_sizes(tmp_path):
    content = bytearray(header(mode=0, order=">"))
    content[212:216] = bytes(4)
    read = read_mrc(put(tmp_path / "a.mrc", bytes(content), BYTES))
    assert read.data.shape == SHAPE
    assert "assuming big-endian" in read.notes[0]


def test_bytes_that_serialem_labels_as_packed_are_refused(tmp_path):
    content = bytearray(header(mode=0))
    content[224:240] = b"4 bits packed   "
    with pytest.raises(ValueError, match="packed 4-bit data in bytes"):
        read_mrc(put(tmp_path / "a.mrc", bytes(content), BYTES))


def test_a_spacing_that_only_z_lacks_is_that_of_x(tmp_path):
    path = put(tmp_path / "a.mrc", header(at48=("f", 0.0)))
    with pytest.warns(UserWarning, match=r"no voxel size along z in the header; assuming 2\.5 Å"):
        assert Volume.open(path).voxel_size.tolist() == [2.5, 2.5, 2.5]


def test_placeholder_voxel_size_gives_a_single_warning(tmp_path):
    volume = of_size(tmp_path / "a.mrc", 1.0, False)
    with pytest.warns(UserWarning, match="voxel size in the header is exactly 1 Å") as told:
        Volume.open(volume)
    assert len(told) == 1
    assert Volume.open(volume, voxel_size=1.0).voxel_size.tolist() == [1, 1, 1]
    stack, geometry = (
        of_size(tmp_path / "b.mrc", 1.0, True),
        TiltGeometry.from_tilt_angles([-3, 0, 3]),
    )
    with pytest.warns(UserWarning, match="voxel size in the header is exactly 1 Å") as told:
        TiltSeries.open(stack, geometry=geometry)
    assert len(told) == 1
    assert TiltSeries.open(stack, geometry=geometry, pixel_size=1.0).pixel_size == 1
    assert Volume.open(of_size(tmp_path / "c.mrc", 1.01, False)).voxel_size[0] == 1.01


def test_placeholder_pixel_size_is_not_written_into_an_alignment(tmp_path):
    stack = of_size(tmp_path / "b.mrc", 1.0, True)
    (tmp_path / "b.aln").write_text(
        "# RawSize = 6 4 3\n" + "".join(f"{n + 1} 85 1 0 0 1 1 1 0 {n}\n" for n in range(3))
    )
    with pytest.raises(ValueError, match="does not hold the pixel size"):
        TiltSeries.open(stack, geometry=tmp_path / "b.aln")
    assert TiltSeries.open(stack, geometry=tmp_path / "b.aln", pixel_size=1.0).pixel_size == 1


def test_files_of_libtilt_open_without_warnings_even_without_a_voxel_size(tmp_path):
    volume = Volume(np.ones(SHAPE, np.float32))
    assert Volume.open(volume.save(tmp_path / "a.mrc")).voxel_size.tolist() == [1, 1, 1]
    series = TiltSeries(np.ones(SHAPE, np.float32), TiltGeometry.from_tilt_angles([-3, 0, 3]))
    assert TiltSeries.open(series.save(tmp_path / "b.mrc")).pixel_size == 1


def test_the_cases_are_read(shared_data):
    cases = shared_data / "cases"
    assert read_mrc(cases / "mrc_ispg401_mz0.mrc").data.shape == (3, 4, 5)
    origin = read_mrc(cases / "mrc_imod_origin_not_inverted.mrc").origin
    assert origin.tolist() == [10, 20, 30]
    unsigned = read_mrc(cases / "mrc_mode0_amax254_unstamped.mrc")
    assert (unsigned.data.min(), unsigned.data.max()) == (0, 236)
    assert "bytes are read as unsigned" in unsigned.notes[0]
    assert set(np.unique(read_mrc(cases / "mrc_mode101.mrc").data)) <= set(range(16))
