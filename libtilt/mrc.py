"""Reading and writing MRC files, dirty headers included, through `mrcfile`."""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import mrcfile
import numpy as np
from numpy.typing import NDArray

from libtilt._checks import (
    Float64Array,
)
from libtilt.files import atomic_write

SUFFIXES = (".mrc", ".map", ".st", ".ali", ".rec", ".mrcs")
_COMPRESSED_STARTS = (b"\x1f\x8b", b"BZ")
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2"}
_MODE_BYTES = {0: 1, 1: 2, 2: 4, 3: 4, 4: 8, 6: 2, 12: 2}
_IMOD_STAMP = 1146047817
_FLOAT32_NOISE = 1.2e-7


@attrs.frozen(eq=False)
class MrcContent:
    """What an MRC file holds, in the axis order of this package.

    Attributes
    ----------
    data : ndarray, shape (d, h, w)
        Indexed z, y, x whatever the order in the file.
    voxel_size : ndarray, shape (3,)
        x, y, z in angstroms; 0 where the header does not know it.
    origin : ndarray, shape (3,)
        x, y, z in angstroms: where voxel (0, 0, 0) lies.
    is_image_stack : bool
        Whether the header calls it a stack of images rather than a volume.
    notes : tuple of str
        What is odd about the header.
    """

    data: NDArray[Any]
    voxel_size: Float64Array
    origin: Float64Array
    is_image_stack: bool
    notes: tuple[str, ...]


def read_mrc(path: str | Path, *, memmap: bool = False) -> MrcContent:
    """Read an MRC file, also one with an odd header or compressed by gzip or bzip2.

    Parameters
    ----------
    path : path
        The file.
    memmap : bool, optional
        Whether to map the data into memory instead of reading them.

    Returns
    -------
    MrcContent

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not an MRC file, is cut short, or holds complex data.

    Examples
    --------
    See `libtilt.Volume.open` and `libtilt.TiltSeries.open`, which stand on this.
    """
    path = Path(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            _check_extended_header(path)
            with mrcfile.open(path, permissive=True, header_only=True) as file:
                notes = _check_header(file, path)
            with _open(path, memmap) as file:
                return _content(file, path, notes)
        except MemoryError as error:
            raise MemoryError(
                f"{path} does not fit into memory; if it is not compressed, use memmap=True"
            ) from error
        except (EOFError, OverflowError, zlib.error) as error:
            raise ValueError(f"{path} is cut short or corrupt: {error}") from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise ValueError(f"{path} is cut short or corrupt: {error}") from error
        except ValueError as error:
            if str(error).startswith(str(path)):
                raise
            raise ValueError(f"{path} is not an MRC file: {error}") from error


def glance_mrc(path: str | Path) -> MrcContent:
    """Read a file for its header: its data are mapped, and read where they are compressed."""
    return read_mrc(path, memmap=not _is_compressed(Path(path)))


def _open(path: Path, memmap: bool) -> Any:
    if not memmap:
        return mrcfile.open(path, permissive=True)
    if _is_compressed(path):
        raise ValueError(f"{path} is compressed and cannot be mapped; use memmap=False")
    return mrcfile.mmap(path, mode="r", permissive=True)


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in _COMPRESSED_STARTS


def _check_extended_header(path: Path) -> None:
    """Raise where the extended header is larger than the file; mrcfile takes that much memory."""
    with path.open("rb") as file:
        head = file.read(96)
    needed = 1024 + min(int.from_bytes(head[92:], order) for order in ("little", "big"))
    size = path.stat().st_size
    if head[:2] not in _COMPRESSED_STARTS and size < needed:
        raise ValueError(
            f"{path} is not an MRC file or is cut short: its header asks for {needed} bytes, "
            f"it has {size}"
        )


def _check_header(file: Any, path: Path) -> list[str]:
    """Return notes on an odd header; raise where it does not describe the file."""
    header = file.header
    shape = [int(header[name]) for name in ("nz", "ny", "nx")]
    mode = int(header.mode)
    if min(shape) < 1 or mode not in _MODE_BYTES or not 0 <= int(header.nsymbt) < 2**30:
        raise ValueError(
            f"{path} is not an MRC file: its header says shape {shape} and mode {mode}"
        )
    if mode in (3, 4):
        raise ValueError(f"{path} holds complex data (mode {mode}); only real data can be read")
    needed = 1024 + int(header.nsymbt) + math.prod(shape) * _MODE_BYTES[mode]
    size = path.stat().st_size
    if isinstance(file, mrcfile.gzipmrcfile.GzipMrcFile | mrcfile.bzip2mrcfile.Bzip2MrcFile):
        size = needed
    stamped = bytes(header.map)[:3] == b"MAP"
    if size < needed:
        what = "is cut short" if stamped else "is not an MRC file or is cut short"
        raise ValueError(f"{path} {what}: its header asks for {needed} bytes, it has {size}")
    notes = [] if stamped else ["it lacks the stamp 'MAP '"]
    if tuple(bytes(header.machst)[:2]) not in ((0x44, 0x44), (0x44, 0x41), (0x11, 0x11)):
        order = "big" if header.nx.dtype.byteorder == ">" else "little"
        notes.append(f"it lacks a machine stamp, {order}-endian is assumed")
    return notes


def _content(file: Any, path: Path, notes: list[str]) -> MrcContent:
    header, data = file.header, file.data
    if data is None:
        raise ValueError(f"{path} is cut short or corrupt: its data cannot be read")
    if data.ndim > 3:
        raise ValueError(
            f"{path} holds a stack of volumes with shape {data.shape}; save one of them first"
        )
    if data.dtype == np.int8 and _imod_bytes_are_unsigned(header):
        data = data.view(np.uint8)
    order = _axis_order(header, notes)
    angles = [float(header.cellb[name]) for name in ("alpha", "beta", "gamma")]
    if any(angle not in (0.0, 90.0) for angle in angles):
        notes.append(f"its cell angles are {angles}, it is treated as if they were 90 degrees")
    cell = [float(header.cella[name]) for name in "xyz"]
    intervals = [int(header[name]) for name in ("mx", "my", "mz")]
    voxel_size = _voxel_size(cell, intervals)
    data = data.reshape((-1, *data.shape[-2:])).transpose([2 - order.index(a) for a in (2, 1, 0)])
    return MrcContent(
        data=data if data.dtype.isnative or isinstance(data, np.memmap) else _native(data),
        voxel_size=voxel_size,
        origin=_origin(header, order, voxel_size),
        is_image_stack=bool(file.is_image_stack() or file.is_single_image()),
        notes=tuple(notes),
    )


def _voxel_size(cell: list[float], intervals: list[int]) -> Float64Array:
    """Return cell lengths by intervals, 0 where unknown, without the noise of float32.

    Lengths of a cell are float32: each size becomes the shortest decimal that they allow, and axes
    that they do not tell apart become equal.
    """
    sizes = [
        a / m if m > 0 and 0 < a < math.inf else 0.0 for a, m in zip(cell, intervals, strict=True)
    ]
    shortest = np.array([_shortest_decimal(size) for size in sizes])
    if np.ptp(shortest) <= 2 * _FLOAT32_NOISE * shortest[0]:
        shortest[:] = shortest[0]
    return shortest


def _shortest_decimal(size: float) -> float:
    decimals = (float(f"{size:.{digits}g}") for digits in range(1, 9))
    return next((d for d in decimals if abs(d - size) <= _FLOAT32_NOISE * size), size)


def _native(data: NDArray[Any]) -> NDArray[Any]:
    return data.astype(data.dtype.newbyteorder("="))


def _axis_order(header: Any, notes: list[str]) -> list[int]:
    """Return which axis (0 x, 1 y, 2 z) columns, rows and sections of the file run along."""
    order = [int(header[name]) - 1 for name in ("mapc", "mapr", "maps")]
    if sorted(order) == [0, 1, 2]:
        return order
    if order != [-1, -1, -1]:  # Old files leave all three empty.
        notes.append(f"its axis order {[n + 1 for n in order]} is not one, 1, 2, 3 is assumed")
    return [0, 1, 2]


def _origin(header: Any, order: list[int], voxel_size: Float64Array) -> Float64Array:
    """Return the origin, from the start indices where the header's own origin is zero."""
    origin = np.array([float(header.origin[name]) for name in "xyz"])
    if origin.any() and np.isfinite(origin).all():
        return origin
    starts = [int(header[name]) for name in ("nxstart", "nystart", "nzstart")]
    return np.array([starts[order.index(axis)] for axis in range(3)]) * voxel_size


def _imod_bytes_are_unsigned(header: Any) -> bool:
    """Whether IMOD wrote mode 0 as 0..255; its flag 1 marks signed bytes (IMOD, MRC format)."""
    stamp_and_flags = bytes(header.extra2)[40:48]
    for order in "<>":
        stamp, flags = struct.unpack(order + "ii", stamp_and_flags)
        if stamp == _IMOD_STAMP:
            return not flags & 1
    return False


def compression(path: str | Path) -> str | None:
    """Return the compression that a file name asks for; raise where the name is not MRC's."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    kind = suffixes[-2:-1] if packed else suffixes[-1:]
    if not kind or kind[0] not in SUFFIXES:
        raise ValueError(
            f"{path} must end with one of {', '.join(SUFFIXES)}, with .gz or .bz2 where wanted"
        )
    return packed


def write_mrc(
    path: str | Path,
    data: NDArray[Any],
    *,
    voxel_size: Float64Array,
    origin: Float64Array,
    is_image_stack: bool,
    overwrite: bool = False,
) -> None:
    """Write an MRC file all or nothing.

    Parameters
    ----------
    path : path
        Ends with an MRC suffix, and ``.gz`` or ``.bz2`` to compress.
    data : ndarray, shape (d, h, w)
        int8, int16, uint16, float16 and float32 are kept; uint8 becomes uint16, and every other
        type float32, the widest that the format has.
    voxel_size, origin : ndarray, shape (3,)
        x, y, z in angstroms.
    is_image_stack : bool
        Whether the header calls it a stack of images rather than a volume.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    ValueError
        If the name is not that of an MRC file, or a value does not fit into float32.
    OSError
        If the file cannot be written.

    Examples
    --------
    See `libtilt.Volume.save`.
    """
    packed = compression(path)
    with atomic_write(path, overwrite=overwrite) as temporary, warnings.catch_warnings():
        # The statistics in the header of data with NaN, which are worth saving all the same.
        warnings.simplefilter("ignore", RuntimeWarning)
        file = mrcfile.new(temporary, data=_storable(data), compression=packed)
        # Where the disk is full, mrcfile leaves its stream open.
        with closing(file._iostream), file:
            if is_image_stack:
                file.set_image_stack()
            else:
                file.set_volume()
            file.voxel_size = tuple(float(size) for size in voxel_size)
            for name, value in zip("xyz", origin, strict=True):
                file.header.origin[name] = value


def _storable(data: NDArray[Any]) -> NDArray[Any]:
    if data.dtype.newbyteorder("=") in (np.int8, np.uint8, np.int16, np.uint16, np.float16):
        return data
    with np.errstate(over="ignore"):
        stored = data.astype(np.float32, copy=False)
    if data.dtype != np.float32 and (np.isinf(stored) & ~np.isinf(data)).any():
        raise ValueError(
            "data must fit into float32, the widest type of an MRC file: scale them down first"
        )
    return stored
