"""Extended headers of MRC files: tilt angles, exposures and pixel size per section."""

from __future__ import annotations

import struct

import attrs
import numpy as np

from libtilt.errors.checks import LARGEST_AXIS, LARGEST_TILT, Float64Array
from libtilt.io.mrc_header import MrcHeader

_FEI = (b"FEI1", b"FEI2")
# Field: offset in a record, and its bit in the first bitmask.
_FEI_FIELDS = {"dose": (92, 6), "alpha": (100, 7), "axis": (140, 12), "pixel": (156, 14)}
_FEI_LEAST_BYTES = 172
# Bytes of the field that each bit of SerialEM's flags announces, from bit 0.
_SERIALEM_BYTES = (2, 6, 4, 2, 2, 4, 2, 4, 2, 4, 2)
_SERIALEM_TILT, _SERIALEM_DOSE = 0, 5
_AGARD_AXIS, _AGARD_PIXEL = 10, 11


@attrs.frozen(eq=False)
class SectionData:
    """Metadata of an extended header, None if absent; `note` says why it was not read.

    Tilt angles (n,) and the tilt axis angle from y are degrees, exposures (n,) electrons per square
    angstrom, the pixel size is in angstroms.
    """

    tilt_angles: Float64Array | None = None
    tilt_axis_angle: float | None = None
    exposures: Float64Array | None = None
    pixel_size: float | None = None
    note: str | None = None


def read_sections(header: MrcHeader, content: bytes) -> SectionData:
    """Read an extended header of a known type; other types, and invalid numbers, give no data.

    ``FEI1`` and ``FEI2`` are written by Thermo Fisher software, ``SERI`` by SerialEM; ``AGAR`` is
    the older Agard format, also used by FEI. Layouts follow the MRC2014 standard's list of types
    and IMOD's page on its MRC format.
    """
    kind, count = bytes(header["exttyp"]), header.shape[0]
    ints, reals = struct.unpack(header.order + "hh", bytes(header["extra2"])[16:20])
    if kind in _FEI:
        return _validated(_read_fei(content, header.order, count), kind, count)
    is_serialem = ints > 0 and ints == _serialem_bytes(reals)
    if kind == b"SERI" or (not kind.strip(b"\0 ") and is_serialem):
        if not is_serialem:
            note = "extended header of kind SERI has inconsistent lengths; ignored"
            return SectionData(note=note)
        return _validated(_read_serialem(content, header.order, count, reals), kind, count)
    if kind == b"AGAR" or (not kind.strip(b"\0 ") and (ints, reals) == (0, 32)):
        return _validated(_read_agard(content, header.order, count, ints, reals), kind, count)
    return SectionData()


def _records(content: bytes, size: int, count: int) -> list[bytes] | None:
    """Return the record of each section, None if there are too few bytes."""
    if size < 1 or len(content) < size * count:
        return None
    return [content[size * index : size * (index + 1)] for index in range(count)]


def _read_fei(content: bytes, order: str, count: int) -> SectionData | None:
    size = struct.unpack(order + "i", content[:4])[0] if len(content) >= 4 else 0
    records = _records(content, size, count) if size >= _FEI_LEAST_BYTES else None
    if records is None:
        return None

    def column(name: str) -> Float64Array:
        offset, bit = _FEI_FIELDS[name]
        values = [
            struct.unpack_from(order + "d", record, offset)[0]
            if struct.unpack_from(order + "I", record, 8)[0] >> bit & 1
            else np.nan
            for record in records
        ]
        return np.array(values)

    # Lengths are in meters; fields that are not announced may hold any bytes.
    with np.errstate(all="ignore"):
        doses, pixels = column("dose") * 1e-20, column("pixel") * 1e10
    return _without_missing(column("alpha"), column("axis"), doses, pixels)


def _serialem_bytes(flags: int) -> int:
    return sum(size for bit, size in enumerate(_SERIALEM_BYTES) if flags >> bit & 1)


def _read_serialem(content: bytes, order: str, count: int, flags: int) -> SectionData | None:
    records = _records(content, _serialem_bytes(flags), count)
    if records is None:
        return None
    tilts, doses = np.full((2, count), np.nan)
    if flags >> _SERIALEM_TILT & 1:
        tilts = np.array([struct.unpack_from(order + "h", record)[0] / 100 for record in records])
    if flags >> _SERIALEM_DOSE & 1:
        place = _serialem_bytes(flags & ((1 << _SERIALEM_DOSE) - 1))
        pairs = [struct.unpack_from(order + "hh", record, place) for record in records]
        doses = np.array([_serialem_float(*pair) for pair in pairs])
    return _without_missing(tilts, np.full(count, np.nan), doses, np.full(count, np.nan))


def _serialem_float(first: int, second: int) -> float:
    """Return a number packed by SerialEM: a mantissa of 24 bits and a power of two."""
    mantissa = abs(first) * 256 + abs(second) % 256
    power = abs(second) // 256 * (-1 if second < 0 else 1)
    return float((-1 if first < 0 else 1) * mantissa * 2.0**power)


def _read_agard(
    content: bytes, order: str, count: int, ints: int, reals: int
) -> SectionData | None:
    records = _records(content, 4 * (ints + reals), count) if ints >= 0 < reals else None
    if records is None:
        return None
    table = np.array(
        [np.frombuffer(record, order + "f4", offset=4 * ints) for record in records], np.float64
    )
    none = np.full(count, np.nan)
    has_more = reals > _AGARD_PIXEL
    axis = table[:, _AGARD_AXIS] if has_more else none
    pixel = table[:, _AGARD_PIXEL] * 1e10 if has_more else none
    return _without_missing(table[:, 0], axis, none, pixel)


def _without_missing(
    tilts: Float64Array, axes: Float64Array, doses: Float64Array, pixels: Float64Array
) -> SectionData:
    """Return columns without those that hold no values."""
    axis = float(np.median(axes)) if np.isfinite(axes).all() else None
    pixel = float(np.median(pixels)) if np.isfinite(pixels).all() else 0.0
    doses = np.where(doses > 0, doses, np.nan)
    return SectionData(
        tilt_angles=tilts if np.isfinite(tilts).all() else None,
        tilt_axis_angle=axis,
        exposures=doses if np.isfinite(doses).any() else None,
        pixel_size=pixel if 1e-3 < pixel < 1e6 else None,
    )


def _validated(found: SectionData | None, kind: bytes, count: int) -> SectionData:
    """Return section data if plausible, else a note."""
    name = kind.decode("ascii", "replace").strip("\0 ") or "SerialEM's or Agard's"
    head = f"extended header of kind {name}"
    if found is None:
        return SectionData(note=f"{head} is too short for {count} sections; ignored")
    tilts, axis = found.tilt_angles, found.tilt_axis_angle
    if (tilts is not None and abs(tilts).max() > LARGEST_TILT) or abs(axis or 0.0) > LARGEST_AXIS:
        what = "tilt angles beyond 180 or a tilt axis angle beyond 360 degrees"
        return SectionData(note=f"{head} has {what}; ignored")
    return found
