"""Extended headers, made from their definitions: FEI1, FEI2, SERI, AGAR."""

import random
import struct
import warnings

import numpy as np
import pytest
from test_mrc_header import SHAPE, header, put, stamped

from libtilt import TiltSeries, Volume
from libtilt.io.mrc import read_mrc
from libtilt.io.mrc_sections import _serialem_float

TILTS = [-57.25, 0.5, 60.0]


def fei_record(tilt, size=768, mask=1 << 6 | 1 << 7 | 1 << 12 | 1 << 14, order="<", **changes):
    """One record of FEI1: lengths in meters, doses per square meter."""
    values = {"dose": 3.0e20, "alpha": tilt, "axis": 85.5, "pixel": 2.4e-10} | changes
    record = bytearray(size)
    struct.pack_into(order + "iiI", record, 0, size, 0, mask)
    for name, offset in (("dose", 92), ("alpha", 100), ("axis", 140), ("pixel", 156)):
        struct.pack_into(order + "d", record, offset, values[name])
    return bytes(record)


def write(path, kind, extended, *, order="<", cell=None, ints=0, reals=0, **words):
    words = {"at92": ("i", len(extended)), "at128": ("h", ints), "at130": ("h", reals)} | words
    if cell is not None:
        words |= {f"at{40 + 4 * n}": ("f", cell * size) for n, size in enumerate(SHAPE[::-1])}
    content = bytearray(header(order=order, **words))
    content[104:108] = kind
    return put(path, bytes(content), np.arange(72, dtype=order + "f4"), extended)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("kind", "size"), [(b"FEI1", 768), (b"FEI2", 888)])
def test_headers_of_thermo_fisher_say_tilts_axis_dose_and_pixel(tmp_path, kind, size, order):
    extended = b"".join(fei_record(tilt, size, order=order) for tilt in TILTS)
    content = read_mrc(write(tmp_path / "a.mrc", kind, extended, order=order, cell=0.0))
    said = content.sections
    assert said.tilt_angles.tolist() == TILTS
    assert said.tilt_axis_angle == 85.5
    assert np.allclose(said.exposures, 3.0)
    assert content.voxel_size.tolist() == [2.4, 2.4, 2.4]
    assert "pixel size of 2.4 Å is from the extended header" in content.notes[-1]
    kept = read_mrc(write(tmp_path / "b.mrc", kind, extended, order=order, cell=5.0))
    assert kept.voxel_size.tolist() == [5, 5, 5]


def test_a_dose_of_next_to_nothing_is_known_and_one_of_nothing_is_not(tmp_path):
    records = zip(TILTS, (0.02e20, 0.0, 0.9e20), strict=True)
    extended = b"".join(fei_record(tilt, dose=dose) for tilt, dose in records)
    said = read_mrc(write(tmp_path / "a.mrc", b"FEI1", extended, cell=0.0)).sections
    assert np.allclose(said.exposures, [0.02, np.nan, 0.9], equal_nan=True)


def test_fields_that_the_mask_does_not_announce_are_not_read(tmp_path):
    extended = b"".join(fei_record(tilt, mask=1 << 6) for tilt in TILTS)
    said = read_mrc(write(tmp_path / "a.mrc", b"FEI1", extended, cell=0.0)).sections
    assert said.tilt_angles is None
    assert said.tilt_axis_angle is None
    assert said.pixel_size is None
    assert np.allclose(said.exposures, 3.0)


def shorts(value):
    """A number as SerialEM packs it: 24 bits of mantissa, a power of two."""
    power = 0
    while value != 0 and abs(value) < 2**22:
        value, power = value * 2, power - 1
    mantissa = int(value)
    second = (abs(power) * 256 + mantissa % 256) * (-1 if power < 0 else 1)
    return struct.pack("<hh", mantissa // 256, second)


@pytest.mark.parametrize("kind", [b"SERI", bytes(4)])
def test_headers_of_serialem_say_tilts_and_doses(tmp_path, kind):
    """Flags 1 tilt, 2 piece, 4 stage, 32 dose: 2 + 6 + 4 + 4 bytes."""
    extended = b"".join(
        struct.pack("<h3h2h", round(100 * tilt), 0, 0, n, 11, -12) + shorts(2.5 + n)
        for n, tilt in enumerate(TILTS)
    )
    said = read_mrc(write(tmp_path / "a.mrc", kind, extended, ints=16, reals=39)).sections
    assert said.tilt_angles.tolist() == TILTS
    assert np.allclose(said.exposures, [2.5, 3.5, 4.5], rtol=1e-5)
    assert said.tilt_axis_angle is None


@pytest.mark.parametrize(("kind", "ints"), [(b"AGAR", 2), (bytes(4), 0)])
def test_headers_of_agard_say_tilts_axis_and_pixel(tmp_path, kind, ints):
    records = []
    for tilt in TILTS:
        floats = [0.0] * 32
        floats[0], floats[10], floats[11] = tilt, -4.5, 3.1e-10
        records.append(struct.pack(f"<{ints}i32f", *range(ints), *floats))
    path = write(tmp_path / "a.mrc", kind, b"".join(records), ints=ints, reals=32, cell=1.0)
    content = read_mrc(path)
    assert content.sections.tilt_angles.tolist() == TILTS
    assert content.sections.tilt_axis_angle == -4.5
    assert content.voxel_size.tolist() == [3.1, 3.1, 3.1]


@pytest.mark.parametrize(
    ("kind", "extended", "options", "note"),
    [
        (b"FEI1", fei_record(3.0), {}, "kind FEI1 is too short for 3 sections"),
        (b"FEI1", b"ab", {}, "kind FEI1 is too short"),
        (b"FEI1", b"".join(map(fei_record, (1.0, 2.0, 999.0))), {}, "tilt angles beyond 180"),
        (b"SERI", bytes(12), {"ints": 4, "reals": 3}, "kind SERI has inconsistent lengths"),
        (b"AGAR", bytes(12), {"ints": 0, "reals": 32}, "kind AGAR is too short"),
    ],
)
def test_headers_that_do_not_fit_are_noted_and_not_read(tmp_path, kind, extended, options, note):
    content = read_mrc(write(tmp_path / "a.mrc", kind, extended, **options))
    assert content.sections.tilt_angles is None
    assert note in content.notes[0]
    assert np.array_equal(content.data.ravel(), np.arange(72))


def test_a_series_without_files_beside_it_takes_its_header(tmp_path):
    extended = b"".join(map(fei_record, TILTS))
    path = write(tmp_path / "a.mrc", b"FEI1", extended)
    with pytest.warns(
        UserWarning, match=r"using the tilt axis angle of 85\.5 degrees from the header .* Check"
    ):
        series = TiltSeries.open(path)
    assert np.allclose(series.geometry.tilt_angles, TILTS)
    assert np.allclose(series.geometry.tilt_axis_angles, 85.5)
    given = TiltSeries.open(path, tilt_axis_angle=3)
    assert np.allclose(given.geometry.tilt_axis_angles, 3)


KINDS = {
    "plain": (bytes(4), b"", {}),
    "imod": (bytes(4), b"", stamped(5)),
    "fei": (b"FEI1", b"".join(map(fei_record, TILTS)), {}),
    "serialem": (b"SERI", struct.pack("<9h", *range(9)), {"ints": 6, "reals": 21}),
    "agard": (b"AGAR", bytes(3 * 128), {"reals": 32}),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_thousand_damaged_files_open_or_are_refused_by_name(tmp_path, name):
    kind, extended, options = KINDS[name]
    path = write(tmp_path / "a.mrc", kind, extended, **options)
    good, rng, refused = path.read_bytes(), random.Random(7), 0
    for _ in range(1000):
        content = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            end = 1024 + len(extended) if rng.random() < 0.9 else len(good)
            content[rng.randrange(end)] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
        path.write_bytes(content[: rng.randrange(len(good))] if rng.random() < 0.1 else content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            message = str(path)
            try:
                Volume.open(path)
            except ValueError as error:
                message, refused = str(error), refused + 1
        assert str(path) in message
    assert 50 < refused < 950


@pytest.mark.parametrize(("size", "read"), [(171, False), (172, True)])
def test_a_record_of_fei_reaches_to_its_pixel_size(tmp_path, size, read):
    whole = [bytearray(fei_record(tilt)) for tilt in TILTS]
    for record in whole:
        struct.pack_into("<i", record, 0, size)
    extended = b"".join(bytes(record[:size]) for record in whole)
    said = read_mrc(write(tmp_path / "a.mrc", b"FEI1", extended)).sections
    assert (said.tilt_angles is not None) == read


# Bytes of what SerialEM's flags announce, by IMOD's page on the format.
SERIALEM = {1: 2, 2: 6, 4: 4, 8: 2, 16: 2, 32: 4, 64: 2, 128: 4, 256: 2, 512: 4, 1024: 2}


@pytest.mark.parametrize("flag", [flag for flag in SERIALEM if flag != 1])
def test_each_flag_of_serialem_announces_its_bytes(tmp_path, flag):
    size = 2 + SERIALEM[flag]
    extended = b"".join(struct.pack("<h", round(100 * t)) + bytes(size - 2) for t in TILTS)
    path = write(tmp_path / "a.mrc", b"SERI", extended, ints=size, reals=1 | flag)
    assert read_mrc(path).sections.tilt_angles.tolist() == TILTS


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [(1, 5, 261.0), (1, 256 * 3 + 5, 261.0 * 8), (1, -(256 * 2 + 4), 260.0 / 4), (-1, 5, -261.0)],
)
def test_two_short_numbers_of_serialem_make_one(first, second, value):
    assert _serialem_float(first, second) == value
