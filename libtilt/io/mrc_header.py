"""The header of an MRC file, validated."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, Self

import attrs
import numpy as np

from libtilt.errors.checks import SMALLEST_LENGTH, Float64Array

HEADER_BYTES = 1024
# Data type and bytes per value; 4-bit values (mode 101) take half a byte.
_MODES: dict[int, tuple[str, float]] = {
    0: ("i1", 1),
    1: ("i2", 2),
    2: ("f4", 4),
    6: ("u2", 2),
    12: ("f2", 2),
    101: ("u1", 0.5),
}
_REFUSED = {
    3: "complex data (mode 3); only real data can be read",
    4: "complex data (mode 4); only real data can be read",
    16: "colors (mode 16); convert them to gray values first",
}
PACKED = 101
_IMOD_STAMP = 1146047817
_SIGNED_BYTES, _ORIGIN_INVERTED, _PACKED_BYTES = 1, 4, 16
_MAX_EXTENDED_BYTES = 2**26
_PLAUSIBLE_SIDE = 2**20
_VOLUME_STACKS = range(401, 631)
_FLOAT32_NOISE = 1.2e-7


@attrs.frozen(eq=False)
class MrcHeader:
    """The first 1024 bytes of an MRC file, with fields in the byte order (`order`) of the file.

    The fields follow the MRC2014 standard (Cheng et al., J. Struct. Biol. 192, 2015) and IMOD's
    page on its MRC format, which puts a stamp and flags into the extra bytes.
    """

    path: str
    fields: Any
    order: str
    notes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, content: bytes, path: str | Path) -> Self:
        """Parse a header; raise a ValueError that says why it is not valid."""
        if _is_text(content):
            raise ValueError(f"{path} is a text file, not an image")
        if len(content) < HEADER_BYTES:
            raise ValueError(
                f"{path} is not an MRC file or is cut short: expected a header of "
                f"{HEADER_BYTES} bytes, got {len(content)} bytes"
            )
        stamp = {b"\x44": "<", b"\x11": ">"}.get(content[212:213])
        orders = "<>" if stamp in ("<", None) else "><"
        found = [cls._parse_in_order(content, path, order) for order in orders]
        plausible = [one for one in found if one._is_plausible()] or found
        # Mode 0 reads the same in both byte orders: the sizes decide.
        header = next((one for one in plausible if max(one.shape) < _PLAUSIBLE_SIDE), plausible[0])
        notes = [] if header.is_stamped else ["no stamp 'MAP ' in the header"]
        if header.order != stamp:
            name = "little" if header.order == "<" else "big"
            notes.append(f"no machine stamp in the header; assuming {name}-endian")
        made = attrs.evolve(header, notes=tuple(notes))
        made._require_readable()
        return made

    @classmethod
    def _parse_in_order(cls, content: bytes, path: str | Path, order: str) -> Self:
        from mrcfile.dtypes import HEADER_DTYPE

        dtype = HEADER_DTYPE.newbyteorder(order)
        return cls(str(path), np.frombuffer(content, dtype, count=1)[0], order)

    def _is_plausible(self) -> bool:
        known = self.mode in _MODES or self.mode in _REFUSED
        return known and min(self.shape) >= 1 and 0 <= self.extended_bytes < _MAX_EXTENDED_BYTES

    def _require_readable(self) -> None:
        if not self._is_plausible():
            raise ValueError(
                f"{self.path} is not an MRC file: its header gives shape {list(self.shape)} and "
                f"mode {self.mode}"
            )
        if self.mode in _REFUSED:
            raise ValueError(f"{self.path} holds {_REFUSED[self.mode]}")
        if self.mode == 0 and self._has_packed_bytes():
            raise ValueError(
                f"{self.path} holds packed 4-bit data in bytes (IMOD's flag 16), which are not "
                "supported; convert them first, for example with IMOD's newstack -mode 1"
            )
        depth, volumes = self.shape[0], self._volume_depth
        if volumes is not None and 1 < volumes < depth and depth % volumes == 0:
            shape = (depth // volumes, volumes, *self.shape[1:])
            raise ValueError(
                f"{self.path} holds a stack of volumes with shape {shape}; save one volume to "
                "its own file first"
            )

    def _has_packed_bytes(self) -> bool:
        """Whether IMOD's flag or SerialEM's label says that each byte holds two values."""
        labels = b" ".join(self.labels)
        return bool((self.imod_flags or 0) & _PACKED_BYTES) or b"4 bits packed" in labels

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sections, rows and columns, in file order."""
        return int(self["nz"]), int(self["ny"]), int(self["nx"])

    @property
    def mode(self) -> int:
        """Number of the data type."""
        return int(self["mode"])

    @property
    def extended_bytes(self) -> int:
        """Length of the extended header, as announced."""
        return int(self["nsymbt"])

    @property
    def is_stamped(self) -> bool:
        """Whether it has the stamp ``MAP`` of the format since 2000."""
        return bytes(self["map"])[:3] == b"MAP"

    @property
    def labels(self) -> list[bytes]:
        """The ten labels."""
        return [bytes(label) for label in self["label"]]

    @property
    def imod_flags(self) -> int | None:
        """IMOD's flags, None without its stamp."""
        stamp_and_flags = bytes(self["extra2"])[40:48]
        for order in "<>":
            stamp, flags = struct.unpack(order + "ii", stamp_and_flags)
            if stamp == _IMOD_STAMP:
                return int(flags)
        return None

    @property
    def _volume_depth(self) -> int | None:
        """Sections per volume if the space group indicates a stack of volumes."""
        return int(self["mz"]) if int(self["ispg"]) in _VOLUME_STACKS else None

    def volumes_note(self) -> str | None:
        """Return a note if the sections per volume are inconsistent with the number of sections."""
        each, depth = self._volume_depth, self.shape[0]
        if each is None or each == 1 or each == depth:
            return None
        return (
            f"space group is that of a stack of volumes, but {depth} sections are no "
            f"multiple of {each}; reading them as one volume"
        )

    @property
    def is_image_stack(self) -> bool:
        """Whether the header calls it a stack of images rather than a volume."""
        return int(self["ispg"]) == 0 or self._volume_depth == 1

    @property
    def row_bytes(self) -> int:
        """Bytes of a row; rows of 4-bit values fill whole bytes."""
        return math.ceil(self.shape[2] * _MODES[self.mode][1])

    @property
    def data_bytes(self) -> int:
        """Bytes of all data."""
        return self.shape[0] * self.shape[1] * self.row_bytes

    def dtype(self) -> tuple[np.dtype[Any], str | None]:
        """Return the dtype of the values, and a note if the sign of bytes was inferred.

        IMOD's flags say whether bytes are signed. Without them, bytes are signed as in the
        standard, unless the header's range is at least 0 and exceeds 127 (IMOD's rule).
        """
        kind = np.dtype(self.order + _MODES[self.mode][0])
        if self.mode != 0:
            return kind, None
        if self.imod_flags is not None:
            if self.imod_flags & _SIGNED_BYTES:
                return kind, "bytes are read as signed (-128 to 127), by IMOD's flag"
            return np.dtype("u1"), None
        low, high = float(self["dmin"]), float(self["dmax"])
        if low >= 0 and 127 < high <= 255:
            return np.dtype("u1"), (
                f"bytes are read as unsigned, by the range {low:g} to {high:g} in the header"
            )
        return kind, None

    def axis_order(self) -> tuple[list[int], str | None]:
        """Return which axis (0 x, 1 y, 2 z) columns, rows and sections run along, and a note."""
        order = [int(self[name]) - 1 for name in ("mapc", "mapr", "maps")]
        if sorted(order) == [0, 1, 2]:
            return order, None
        if order == [-1, -1, -1]:  # Old files leave all three empty (0).
            return [0, 1, 2], None
        given = [n + 1 for n in order]
        return [0, 1, 2], f"axis order {given} in the header is invalid; assuming 1, 2, 3"

    def cell_angles_note(self) -> str | None:
        """Return a note if the cell is not rectangular."""
        angles = [float(self["cellb"][name]) for name in ("alpha", "beta", "gamma")]
        if all(angle in (0.0, 90.0) for angle in angles):
            return None
        return f"cell angles are {angles}; treating them as 90 degrees"

    def voxel_size(self) -> Float64Array:
        """Return cell lengths over intervals, 0 if unknown, without float32 noise.

        Each size becomes the shortest decimal that rounds to the same float32; sizes that float32
        cannot distinguish become equal.
        """
        cell = [float(self["cella"][name]) for name in "xyz"]
        intervals = [int(self[name]) for name in ("mx", "my", "mz")]
        if intervals[2] <= 0 and self._volume_depth is not None:
            intervals[2] = self.shape[0]
        sizes = [
            a / m if m > 0 and SMALLEST_LENGTH * m <= a < math.inf else 0.0
            for a, m in zip(cell, intervals, strict=True)
        ]
        shortest = np.array([_shortest_decimal(size) for size in sizes])
        if np.ptp(shortest) <= 2 * _FLOAT32_NOISE * shortest[0]:
            shortest[:] = shortest[0]
        return shortest

    def origin(self, order: list[int], voxel_size: Float64Array) -> tuple[Float64Array, str | None]:
        """Return the position of voxel 0 (from start indices if there is no origin), and a note.

        IMOD's origins have the opposite sign unless its flag 4 is set. As in IMOD, headers from
        before 2000, which have no stamp, hold z, x, y from byte 208 on, with the opposite sign.
        """
        origin = np.array([float(self["origin"][name]) for name in "xyz"])
        if not self.is_stamped:
            stamps = np.frombuffer(self.fields.tobytes()[208:220], self.order + "f4")
            old = np.roll(stamps.astype(np.float64), -1)
            # A third value alone may be the standard deviation of a newer header.
            if _are_lengths(old) and old[[0, 2]].any():
                return -old, "origin is read from byte 208, where headers before 2000 hold it"
            if not _are_lengths(origin):
                origin = np.zeros(3)
        if origin.any() and np.isfinite(origin).all():
            flags = self.imod_flags
            if flags is None or flags & _ORIGIN_INVERTED:
                return origin, None
            return -origin, "origin has the opposite sign, as in older versions of IMOD; inverted"
        starts = [int(self[name]) for name in ("nxstart", "nystart", "nzstart")]
        return np.array([starts[order.index(axis)] for axis in range(3)]) * voxel_size, None


def _are_lengths(values: Float64Array) -> bool:
    """Whether four-byte words are plausible lengths, not text, integers or stamps."""
    with np.errstate(invalid="ignore"):
        sizes = np.abs(values)
        return bool(((values == 0) | ((sizes > 1e-6) & (sizes < 1e9))).all() and values.any())


def _shortest_decimal(size: float) -> float:
    decimals = (float(f"{size:.{digits}g}") for digits in range(1, 9))
    return next((d for d in decimals if abs(d - size) <= _FLOAT32_NOISE * size), size)


def _is_text(content: bytes) -> bool:
    """Whether a file begins with printable ASCII, which the zeros in a header are not."""
    start = content[:HEADER_BYTES]
    return bool(start.strip()) and all(32 <= byte < 127 or 9 <= byte <= 13 for byte in start)
