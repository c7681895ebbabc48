"""Atomic writing of MRC files."""

from __future__ import annotations

import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import Float64Array
from libtilt.io.atomic import atomic_write
from libtilt.io.mrc_labels import make_labels

SUFFIXES = (".mrc", ".map", ".st", ".ali", ".rec", ".mrcs")
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2"}


def compression(path: str | Path) -> str | None:
    """Return the compression that a suffix implies; raise unless the suffix is MRC's."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    kind = suffixes[-2:-1] if packed else suffixes[-1:]
    if not kind or kind[0] not in SUFFIXES:
        raise ValueError(
            f"{path} must end with one of {', '.join(SUFFIXES)}, optionally followed by .gz or .bz2"
        )
    return packed


def write_mrc(
    path: str | Path,
    data: NDArray[Any],
    *,
    voxel_size: Float64Array,
    origin: Float64Array,
    is_image_stack: bool,
    center: Float64Array | None = None,
    series: str | None = None,
    made: str = "",
    overwrite: bool = False,
) -> None:
    """Write an MRC file atomically.

    Parameters
    ----------
    path : path
        Ends with an MRC suffix, and ``.gz`` or ``.bz2`` to compress.
    data : ndarray, shape (d, h, w)
        int8, int16, uint16, float16 and float32 are kept; uint8 becomes uint16, and any other
        type float32, the widest type of the format.
    voxel_size, origin : ndarray, shape (3,)
        x, y, z in angstroms.
    is_image_stack : bool
        Whether the header calls it a stack of images rather than a volume.
    center : ndarray, shape (3,), optional
        Position of the voxel ``shape // 2``, x, y, z in angstroms from the rotation center.
    series : str, optional
        Identifier that the files of one saved series share.
    made : str, optional
        How the data were made, for the labels.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    ValueError
        If the suffix is not MRC's, or a value does not fit into float32.
    OSError
        If the file cannot be written.

    Examples
    --------
    See `libtilt.Volume.save`.
    """
    compression(path)
    with atomic_write(path, overwrite=overwrite) as temporary:
        write_new_mrc(
            temporary,
            data,
            voxel_size=voxel_size,
            origin=origin,
            is_image_stack=is_image_stack,
            center=center,
            series=series,
            made=made,
        )


def write_new_mrc(
    path: Path,
    data: NDArray[Any],
    *,
    voxel_size: Float64Array,
    origin: Float64Array,
    is_image_stack: bool,
    center: Float64Array | None = None,
    series: str | None = None,
    made: str = "",
) -> None:
    """Write a new file as `write_mrc` does, but not atomically."""
    import mrcfile

    _require_representable(voxel_size * data.shape[::-1], "voxel_size")
    _require_representable(origin, "origin")
    with warnings.catch_warnings():
        # mrcfile computes statistics, which warn for data with NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        file = mrcfile.new(path, data=_to_mrc_dtype(data), compression=compression(path))
        # If the disk is full, mrcfile leaves its stream open.
        with closing(file._iostream), file:
            if is_image_stack:
                file.set_image_stack()
            else:
                file.set_volume()
            file.voxel_size = tuple(float(size) for size in voxel_size)
            for name, value in zip("xyz", origin, strict=True):
                file.header.origin[name] = value
            place = np.zeros(3) if center is None else center / voxel_size
            labels = make_labels(data.shape, series=series, center=place, made=made)
            file.header.label[: len(labels)], file.header.nlabl = labels, len(labels)


def _require_representable(lengths: Float64Array, name: str) -> None:
    """Raise if lengths do not fit into the float32 fields of a header."""
    with np.errstate(over="ignore", under="ignore"):
        held = lengths.astype(np.float32).astype(np.float64)
    if not np.allclose(held, lengths, rtol=1e-6, atol=0):
        raise ValueError(
            f"{name} cannot be stored: an MRC header holds lengths of 1e-38 to 3e38 Å, got "
            f"{lengths.tolist()} Å in total"
        )


def _to_mrc_dtype(data: NDArray[Any]) -> NDArray[Any]:
    if data.dtype.newbyteorder("=") in (np.int8, np.uint8, np.int16, np.uint16, np.float16):
        return data
    with np.errstate(over="ignore"):
        stored = data.astype(np.float32, copy=False)
    if data.dtype != np.float32 and (np.isinf(stored) & ~np.isinf(data)).any():
        raise ValueError(
            "data must fit into float32, the widest type of an MRC file; scale them down first"
        )
    return stored
