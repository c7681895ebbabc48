"""Images in HDF5 files: EMAN2, EMD, NeXus, and any file with a single 3D dataset."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.errors import RefusedImageError, UnmappableImageError
from libtilt.errors.installing import pip_install
from libtilt.io.hdf5_layouts import find_layout
from libtilt.io.hdf5_nodes import ImageLayout
from libtilt.io.image_checks import (
    as_stack,
    placeholder_data,
    require_gray,
    require_size,
)
from libtilt.io.image_content import ImageContent
from libtilt.io.mrc_sections import SectionData

SUFFIXES = (".hdf", ".hdf5", ".h5", ".emd", ".nxs")
SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_hdf5(path: Path, *, memmap: bool = False, header_only: bool = False) -> ImageContent:
    """Read the images of an HDF5 file; `memmap` needs contiguous, uncompressed data.

    With `header_only`, zeros of the right shape and dtype replace the data. h5py raises errors of
    many types for damaged files; `libtilt.io.image_files.read_image` turns them into one.
    """
    h5py = _h5py()
    with h5py.File(path, "r") as file:
        layout = find_layout(file, path)
        shape, dtype = _shape_and_dtype(h5py, layout, path)
        if header_only:
            data = placeholder_data(shape, dtype)
        elif memmap:
            data = _memory_map(layout, path)
        else:
            data = _read(layout, shape, dtype)
    return ImageContent(
        data=as_stack(data),
        voxel_size=layout.voxel_size,
        origin=layout.origin,
        is_image_stack=layout.tilt_angles is not None or len(layout.datasets) > 1,
        notes=layout.notes,
        sections=SectionData(tilt_angles=layout.tilt_angles),
    )


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"reading HDF5 files needs the package 'h5py': {pip_install('formats')}",
            name="h5py",
        ) from error
    return h5py


def _shape_and_dtype(
    h5py: Any, layout: ImageLayout, path: Path
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of the data; raise if a dataset cannot be read."""
    first = layout.datasets[0]
    for dataset in layout.datasets:
        _require_readable(h5py, dataset, path)
        if dataset.dtype != first.dtype:
            raise RefusedImageError(
                f"{path} holds images of several types, {first.dtype} and {dataset.dtype}; "
                "convert them to one type first"
            )
    shape = tuple(int(n) for n in first.shape)
    if len(layout.datasets) > 1:
        shape = (len(layout.datasets), *shape[-2:])
    elif layout.axes is not None:
        shape = tuple(shape[axis] for axis in layout.axes)
    if layout.keep is not None:
        shape = (len(layout.keep), *shape[1:])
    return shape, np.dtype(np.float32) if layout.ranges else first.dtype


def _require_readable(h5py: Any, dataset: Any, path: Path) -> None:
    where = f"{path}: {dataset.name}"
    require_gray(dataset.dtype, dataset.shape or (), where)
    if dataset.is_virtual or dataset.external:
        raise RefusedImageError(
            f"{where} stores its data in other files, which libtilt does not open; copy the "
            "data into one file first, for example with h5py"
        )
    filters = dataset.id.get_create_plist()
    for index in range(filters.get_nfilters()):
        code, _, _, name = filters.get_filter(index)
        if not h5py.h5z.filter_avail(code):
            raise RefusedImageError(
                f"{where} is compressed with an HDF5 filter that is not installed, number "
                f"{code} {name.decode('utf-8', 'replace')!r}; run pip install hdf5plugin, and "
                "import hdf5plugin first"
            )
    stored = min(int(dataset.id.get_storage_size()), path.stat().st_size)
    needed = math.prod(dataset.shape) * dataset.dtype.itemsize
    if dataset.chunks is None and needed > stored:
        raise RefusedImageError(
            f"{where} is cut short or corrupt: its shape {dataset.shape} requires {needed} "
            f"bytes, but {stored} are stored"
        )
    require_size(dataset.shape, dataset.dtype, stored, where)


def _memory_map(layout: ImageLayout, path: Path) -> NDArray[Any]:
    dataset = layout.datasets[0]
    offset = dataset.id.get_offset() if dataset.chunks is None else None
    if offset is None or len(layout.datasets) > 1 or layout.ranges or layout.keep is not None:
        raise UnmappableImageError(
            f"{path} is compressed or not contiguous and cannot be mapped; use memmap=False"
        )
    data = np.memmap(path, dataset.dtype, "r", offset, dataset.shape)
    return data if layout.axes is None else data.transpose(layout.axes)


def _read(layout: ImageLayout, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if len(layout.datasets) == 1:
        dataset = layout.datasets[0]
        data = dataset[()] if layout.keep is None else dataset[layout.keep]
        data = data if layout.axes is None else data.transpose(layout.axes)
        return _unpack(data, layout, 0)
    images = np.empty(shape, dtype)
    for index, dataset in enumerate(layout.datasets):
        images[index] = _unpack(dataset[()].reshape(shape[1:]), layout, index)
    return images


def _unpack(data: NDArray[Any], layout: ImageLayout, index: int) -> NDArray[Any]:
    """Undo EMAN2's packing of values into integers."""
    if layout.ranges is None:
        return data
    packed = data.astype(np.float32)
    span = layout.ranges[index]
    if span is None:
        return packed
    low, high, largest = span
    return packed * np.float32((high - low) / largest) + np.float32(low)
