"""Reading MRC files, including those with nonstandard headers."""

from __future__ import annotations

import bz2
import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from libtilt.errors import UnmappableImageError
from libtilt.io.image_content import ImageContent
from libtilt.io.inputs import open_input
from libtilt.io.mrc_header import HEADER_BYTES, PACKED, MrcHeader
from libtilt.io.mrc_labels import (
    center_from_labels,
    is_from_libtilt,
    made_from_labels,
    series_from_labels,
)
from libtilt.io.mrc_sections import read_sections

_COMPRESSED_STARTS: dict[bytes, Callable[[Any], Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}
_CHECKSUM_BYTES = 2**16
_ALWAYS_ALLOWED_BYTES = 2**26
_MAX_EXPANSION = 100
EXPANSION_VARIABLE = "LIBTILT_MAX_EXPANSION"
"""Environment variable: the largest ratio of data to file size of a compressed map."""
PLACEHOLDER = (
    "voxel size in the header is exactly 1 Å, which many programs write by default. Pass "
    "voxel_size= (for a volume) or pixel_size= (for a tilt series) if it is wrong."
)


class _MrcParts(NamedTuple):
    """Header, extended header, data and notes of an MRC file."""

    header: MrcHeader
    extended: bytes
    data: NDArray[Any]
    notes: list[str]


def read_mrc(path: str | Path, *, memmap: bool = False) -> ImageContent:
    """Read an MRC file, plain or compressed with gzip or bzip2.

    Parameters
    ----------
    path : path
        The file.
    memmap : bool, optional
        Whether to map the data into memory instead of reading them.

    Returns
    -------
    ImageContent

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file is not an MRC file, is cut short, or holds complex data.

    Examples
    --------
    See `libtilt.Volume.open` and `libtilt.TiltSeries.open`, which call this function.
    """
    with open_input(path) as plain:
        return _read(plain, Path(path), memmap)


def _read(plain: IO[bytes], path: Path, memmap: bool | None) -> ImageContent:
    """Read a file, map it, or read only its headers (`memmap` None)."""
    opener = _COMPRESSED_STARTS.get(plain.read(2))
    plain.seek(0)
    try:
        if opener is None and memmap is None:
            return _content(_read_header(plain, path, path.stat().st_size))
        if opener is None:
            return _content(_read_plain(plain, path, bool(memmap)))
        if memmap:
            raise UnmappableImageError(
                f"{path} is compressed and cannot be mapped; use memmap=False"
            )
        with opener(plain) as stream:
            if memmap is None:
                return _content(_read_header(stream, path, None))
            return _content(_read_stream(stream, path))
    except MemoryError as error:
        raise MemoryError(
            f"{path} does not fit into memory; pass memmap=True if the file is not compressed"
        ) from error
    except (EOFError, OverflowError, zlib.error) as error:
        raise ValueError(f"{path} is cut short or corrupt: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{path} is cut short or corrupt: {error}") from error


def read_mrc_header(path: str | Path) -> ImageContent:
    """Read only the headers; zeros of the right shape and dtype replace the data."""
    with open_input(path) as plain:
        return _read(plain, Path(path), None)


def _read_header(stream: IO[bytes], path: Path, size: int | None) -> _MrcParts:
    """Return the headers of a file; `size` is None for a compressed file."""
    header = MrcHeader.parse(stream.read(HEADER_BYTES), path)
    notes: list[str] = []
    extended = header.extended_bytes
    if size is not None:
        extended, notes = _extended_bytes(header, size)
    dtype, note = header.dtype()
    data = np.broadcast_to(np.zeros((), dtype), header.shape)
    return _MrcParts(header, stream.read(extended), data, notes + ([note] if note else []))


def _read_plain(file: IO[bytes], path: Path, memmap: bool) -> _MrcParts:
    header = MrcHeader.parse(file.read(HEADER_BYTES), path)
    extended, notes = _extended_bytes(header, path.stat().st_size)
    between = file.read(extended)
    dtype, note = header.dtype()
    notes += [note] if note else []
    if header.mode == PACKED:
        if memmap:
            raise UnmappableImageError(
                f"{path} holds packed 4-bit data and cannot be mapped; use memmap=False"
            )
        return _MrcParts(header, between, _unpack_4bit(header, file.read(header.data_bytes)), notes)
    start, shape = HEADER_BYTES + extended, header.shape
    if memmap:
        return _MrcParts(header, between, np.memmap(file, dtype, "r", start, shape), notes)
    data = np.fromfile(file, dtype, header.data_bytes // dtype.itemsize)
    return _MrcParts(header, between, data.reshape(shape), notes)


def _read_stream(stream: IO[bytes], path: Path) -> _MrcParts:
    """Read a compressed file, up to the size that its header announces."""
    header = MrcHeader.parse(stream.read(HEADER_BYTES), path)
    wanted = header.extended_bytes + header.data_bytes
    _require_plausible(wanted, path)
    rest = stream.read(wanted)
    # The checksum is verified at the end of the stream.
    stream.read(_CHECKSUM_BYTES)
    extended, notes = _extended_bytes(header, HEADER_BYTES + len(rest))
    dtype, note = header.dtype()
    notes += [note] if note else []
    content = rest[extended : extended + header.data_bytes]
    if header.mode == PACKED:
        return _MrcParts(header, rest[:extended], _unpack_4bit(header, content), notes)
    return _MrcParts(
        header, rest[:extended], np.frombuffer(content, dtype).reshape(header.shape), notes
    )


def _require_plausible(wanted: int, path: Path) -> None:
    """Raise if a small file would fill the memory; measured data hardly compress."""
    limit = os.environ.get(EXPANSION_VARIABLE, "").strip() or str(_MAX_EXPANSION)
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 10):
        raise ValueError(f"{EXPANSION_VARIABLE} must be a positive integer, got {limit!r}")
    size = path.stat().st_size
    if wanted > max(_ALWAYS_ALLOWED_BYTES, int(limit) * size):
        raise ValueError(
            f"{path} has {size / 1e6:.3g} MB, but its header announces {wanted / 1e6:.4g} MB, "
            f"more than {limit} times as much; if that is right, set the environment variable "
            f"{EXPANSION_VARIABLE} to a larger factor"
        )


def _extended_bytes(header: MrcHeader, size: int) -> tuple[int, list[str]]:
    """Return the length of the extended header, 0 and a note if it is announced but missing."""
    needed = HEADER_BYTES + header.extended_bytes + header.data_bytes
    if size >= needed:
        return header.extended_bytes, []
    if size == HEADER_BYTES + header.data_bytes:
        return 0, [f"extended header of {header.extended_bytes} bytes is missing"]
    what = "is cut short" if header.is_stamped else "is not an MRC file or is cut short"
    raise ValueError(f"{header.path} {what}: expected {needed} bytes by its header, got {size}")


def _unpack_4bit(header: MrcHeader, content: bytes) -> NDArray[Any]:
    """Return 4-bit values; IMOD stores the first one in the lower half of a byte."""
    rows = np.frombuffer(content, np.uint8).reshape(*header.shape[:2], header.row_bytes)
    halves = np.stack([rows & 15, rows >> 4], axis=-1)
    return halves.reshape(*header.shape[:2], -1)[:, :, : header.shape[2]]


def _content(stored: _MrcParts) -> ImageContent:
    header, data = stored.header, stored.data
    order, order_note = header.axis_order()
    sections = read_sections(header, stored.extended)
    voxel_size = header.voxel_size()
    notes = [*header.notes, *stored.notes]
    origin, origin_note = header.origin(order, voxel_size)
    more = (order_note, header.volumes_note(), header.cell_angles_note(), origin_note)
    notes += [note for note in (*more, sections.note) if note]
    if sections.pixel_size is not None and (not voxel_size.all() or (voxel_size == 1.0).all()):
        voxel_size = np.full(3, float(f"{sections.pixel_size:.6g}"))
        notes.append(f"pixel size of {voxel_size[0]:g} Å is from the extended header")
    place = center_from_labels(header.labels, header.shape) if order == [0, 1, 2] else np.zeros(3)
    if not data.dtype.isnative and not isinstance(data, np.memmap):
        data = data.astype(data.dtype.newbyteorder("="))
    return ImageContent(
        data=data.transpose([2 - order.index(axis) for axis in (2, 1, 0)]),
        voxel_size=voxel_size,
        origin=origin,
        is_image_stack=header.is_image_stack,
        notes=tuple(notes),
        sections=sections,
        is_from_libtilt=is_from_libtilt(header.labels),
        series=series_from_labels(header.labels),
        center=place * voxel_size,
        made=made_from_labels(header.labels),
    )
