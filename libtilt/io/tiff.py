"""Grayscale TIFF files: plain stacks of pages, OME-TIFF and ImageJ TIFF."""

from __future__ import annotations

import logging
import math
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from libtilt.errors import RefusedImageError, UnmappableImageError
from libtilt.errors.checks import Float64Array
from libtilt.errors.installing import pip_install
from libtilt.io.image_checks import (
    angstroms_of,
    as_stack,
    known_lengths,
    placeholder_data,
    require_gray,
    require_size,
)
from libtilt.io.image_content import ImageContent

SUFFIXES = (".tif", ".tiff")
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_UNCOMPRESSED = 1
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_PHOTOMETRICS = {2: "RGB colors", 3: "palette colors", 5: "CMYK colors", 6: "YCbCr colors"}
# Units of resolution tags, inch and centimeter, in angstroms.
_RESOLUTION_UNITS = {2: 2.54e8, 3: 1e8}
# Pixels of screens, printers and scanners are never smaller than 100 nm.
_LARGEST_PIXEL = 1000.0


def read_tiff(path: Path, *, memmap: bool = False, header_only: bool = False) -> ImageContent:
    """Read a grayscale TIFF file, one page per section or tilt; see `libtilt.io.hdf5.read_hdf5`.

    tifffile, like h5py, raises errors of many types for damaged files.
    """
    tifffile = _tifffile()
    count = _count_pages(path)
    with _capture_log() as logged, tifffile.TiffFile(path) as file:
        series = _single_series(file, path, count)
        shape, dtype = tuple(int(n) for n in series.shape), np.dtype(series.dtype)
        require_gray(dtype, shape, str(path))
        _require_complete(series, path)
        voxel_size, note = _voxel_size(file)
        notes = [note] if note else []
        if series.keyframe.photometric == _WHITE_IS_ZERO:
            notes.append("values are MinIsWhite (0 is white); not inverted")
        if header_only:
            data = placeholder_data(shape, dtype)
        elif memmap:
            data = _memory_map(path, file.byteorder, series, shape)
        else:
            data = _read(series, path, shape)
    if logged:
        notes.append(f"unusual TIFF tags: {logged[0]}")
    return ImageContent(
        data=as_stack(data),
        voxel_size=voxel_size,
        origin=np.zeros(3),
        is_image_stack=False,
        notes=tuple(notes),
    )


def _tifffile() -> Any:
    try:
        import tifffile
    except ImportError as error:
        raise ImportError(
            f"reading TIFF files needs the package 'tifffile': {pip_install('formats')}",
            name="tifffile",
        ) from error
    return tifffile


@contextmanager
def _capture_log() -> Iterator[list[str]]:
    """Collect what tifffile logs in this thread, instead of printing it to stderr."""
    messages: list[str] = []
    thread = threading.get_ident()

    def take(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        messages.append(" ".join(record.getMessage().split())[:200])
        return False

    loggers = [logging.getLogger(name) for name in ("tifffile", "tifffile.tifffile")]
    for logger in loggers:
        logger.addFilter(take)
    try:
        yield messages
    finally:
        for logger in loggers:
            logger.removeFilter(take)


def _count_pages(path: Path) -> int:
    """Return the number of chained pages; raise if the chain is broken."""
    size, count = path.stat().st_size, 0
    with path.open("rb") as file:
        start = file.read(16)
        order = "<" if start[:2] == b"II" else ">"
        big = start[2:4] in (b"+\0", b"\0+")
        # BigTIFF has wider counts and offsets, and entries of 20 bytes instead of 12.
        entries, entry, link = (
            (order + "Q", 20, order + "Q") if big else (order + "H", 12, order + "I")
        )
        (place,) = struct.unpack_from(link, start, 8 if big else 4)
        seen = set()
        while place:
            if place in seen or place + struct.calcsize(entries) > size:
                raise RefusedImageError(
                    f"{path} is cut short or corrupt: page {count + 1} should start at byte "
                    f"{place}, but the file has {size} bytes"
                )
            seen.add(place)
            count += 1
            file.seek(place)
            (tags,) = struct.unpack(entries, file.read(struct.calcsize(entries)))
            file.seek(tags * entry, 1)
            (place,) = struct.unpack(link, file.read(struct.calcsize(link)))
    return count


def _single_series(file: Any, path: Path, count: int) -> Any:
    """Return the only series of grayscale images in a file; raise if there are others."""
    if count == 0 or not file.series:
        raise RefusedImageError(f"{path} holds no images")
    if len(file.series) > 1:
        shapes = ", ".join(str(tuple(series.shape)) for series in file.series[:5])
        raise RefusedImageError(
            f"{path} holds {len(file.series)} series of images, with shapes {shapes}; save one "
            "series to its own file first"
        )
    series = file.series[0]
    page = series.keyframe
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) or page.samplesperpixel > 1:
        kind = _PHOTOMETRICS.get(int(page.photometric), f"{page.samplesperpixel} samples per pixel")
        raise RefusedImageError(f"{path} holds {kind}; convert them to gray values first")
    if len(file.pages) < count:
        raise RefusedImageError(
            f"{path} is cut short or corrupt: only {len(file.pages)} of {count} pages can be read"
        )
    if any(one is None or one.parent is not file for one in series.pages):
        raise RefusedImageError(f"{path} is one file of a set; save the set as one file first")
    return series


def _require_complete(series: Any, path: Path) -> None:
    """Raise if the data of a page lie outside the file, or are too few."""
    size = path.stat().st_size
    shape, dtype = tuple(series.shape), np.dtype(series.dtype)
    if series.dataoffset is not None:
        stored = size - series.dataoffset
        needed = math.prod(shape) * dtype.itemsize
        if needed > stored:
            raise RefusedImageError(
                f"{path} is cut short: its shape {shape} requires {needed} bytes, but "
                f"{max(stored, 0)} are stored"
            )
        return
    stored = 0
    for number, page in enumerate(series.pages, start=1):
        parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        bad = [part for part in parts if min(part) <= 0 or sum(part) > size]
        if bad or not parts:
            offset, length = bad[0] if bad else (0, 0)
            raise RefusedImageError(
                f"{path} is cut short or corrupt: page {number} has {length} bytes of data at "
                f"byte {offset}, but the file has {size} bytes"
            )
        stored += sum(length for _, length in parts)
    page = series.keyframe
    if page.compression == _UNCOMPRESSED and page.bitspersample >= 8:
        needed = math.prod(shape) * page.bitspersample // 8
        if stored < needed:
            raise RefusedImageError(
                f"{path} is cut short or corrupt: its shape {shape} requires {needed} bytes, but "
                f"{stored} are stored"
            )
    require_size(shape, dtype, stored, str(path))


def _memory_map(path: Path, order: str, series: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    if series.dataoffset is None:
        raise UnmappableImageError(
            f"{path} is compressed or not contiguous and cannot be mapped; use memmap=False"
        )
    dtype = np.dtype(series.dtype).newbyteorder("<" if order == "<" else ">")
    return np.memmap(path, dtype, "r", series.dataoffset, shape)


def _read(series: Any, path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        data = np.asarray(series.asarray())
    except (ImportError, ValueError) as error:
        if isinstance(error, ImportError) or "imagecodecs" in str(error):
            name = getattr(series.keyframe.compression, "name", series.keyframe.compression)
            raise RefusedImageError(
                f"{path} is compressed with {name}, which needs the package 'imagecodecs': pip "
                "install imagecodecs"
            ) from error
        raise
    return data.reshape(shape)


def _voxel_size(file: Any) -> tuple[Float64Array, str | None]:
    """Return x, y, z in angstroms, 0 if unknown, and a note if resolution tags gave it."""
    if file.is_ome:
        return _ome_voxel_size(file.ome_metadata), None
    if file.is_imagej:
        return _imagej_voxel_size(file.imagej_metadata or {}, *_resolutions(file)[:2]), None
    across, down, unit = _resolutions(file)
    inch_or_cm = _RESOLUTION_UNITS.get(unit, 0.0)
    pixels = [inch_or_cm / one if one > 0 else 0.0 for one in (across, down)]
    if not all(0.01 < pixel < _LARGEST_PIXEL for pixel in pixels):
        return np.zeros(3), None
    pixels = [float(f"{pixel:.6g}") for pixel in pixels]
    return known_lengths(
        *pixels, None
    ), f"pixel size of {pixels[0]:g} Å is from the resolution tags"


def _resolutions(file: Any) -> tuple[float, float, int]:
    """Return pixels per unit along x and y (0 without tags), and the unit."""
    tags = file.pages[0].tags
    values = []
    for name in ("XResolution", "YResolution"):
        tag = tags.get(name)
        top, bottom = tag.value if tag is not None else (0, 1)
        values.append(top / bottom if bottom else 0.0)
    unit = tags.get("ResolutionUnit")
    # The default unit of the standard is the inch.
    return values[0], values[1], int(unit.value) if unit is not None else 2


def _ome_voxel_size(text: str) -> Float64Array:
    pixels = ElementTree.fromstring(text).find(".//{*}Pixels")
    if pixels is None:
        return np.zeros(3)
    sizes = []
    for axis in "XYZ":
        # The schema's default unit is the micrometer.
        factor = angstroms_of(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        sizes.append((factor or 0.0) * float(pixels.get(f"PhysicalSize{axis}", 0)))
    return known_lengths(*(float(f"{size:.9g}") for size in sizes))


def _imagej_voxel_size(metadata: dict[str, Any], across: float, down: float) -> Float64Array:
    factor = angstroms_of(str(metadata.get("unit", ""))) or 0.0
    pixels = [factor / one if one > 0 else 0.0 for one in (across, down)]
    sizes = (*pixels, factor * float(metadata.get("spacing", 0)))
    return known_lengths(*(float(f"{size:.6g}") for size in sizes))
