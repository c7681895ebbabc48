"""Checks and unit conversions shared by the image readers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.errors import RefusedImageError
from libtilt.errors.checks import Float64Array
from libtilt.io.inputs import open_input

# Zstandard, the most effective on constant data, needs 4 bytes for a block of 128 KiB.
_MAX_COMPRESSION = 2**15
_ANGSTROMS = {
    **dict.fromkeys(("angstrom", "angstroms", "a", "å"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers"), 10.0),
    **dict.fromkeys(("um", "µm", "micron", "microns", "micrometer", "micrometers"), 1e4),
    "pm": 1e-2,
}
_DEGREES = {
    **dict.fromkeys(("deg", "degree", "degrees", "°"), 1.0),
    **dict.fromkeys(("rad", "radian", "radians"), 180 / math.pi),
}


def angstroms_of(unit: str) -> float | None:
    """Return the length of a unit in angstroms, None if it is not a unit used in microscopy."""
    return _ANGSTROMS.get(_normalized_unit(unit))


def degrees_of(unit: str) -> float | None:
    """Return the size of an angular unit in degrees, None if it is not one."""
    return _DEGREES.get(_normalized_unit(unit))


def _normalized_unit(unit: str) -> str:
    """Return the usual spelling of a unit: EMD writes ``[n_m]``, µ and Å have two code points."""
    plain = unit.strip("[]\0 ").replace("_", "").replace("\\u00B5", "µ").lower()
    return plain.replace("\u03bc", "µ").replace("\u212b", "å")


def require_gray(dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> None:
    """Raise unless the data are real numbers that form one image or one stack."""
    if dtype.kind == "c":
        raise RefusedImageError(
            f"{what} holds complex data; only real data can be read, so save the real part or "
            "the modulus first"
        )
    if dtype.kind not in "buif":
        raise RefusedImageError(f"{what} must hold numbers, got values of type {dtype}")
    if len(shape) not in (2, 3) or 0 in shape:
        raise RefusedImageError(
            f"{what} must hold one image or one stack of images, got shape {shape}; save one "
            "volume or one tilt series to its own file first"
        )


def require_size(shape: tuple[int, ...], dtype: np.dtype[Any], stored: int, what: str) -> None:
    """Raise if the stored bytes are too few for the data, even compressed."""
    needed = math.prod(shape) * dtype.itemsize
    if needed > stored * _MAX_COMPRESSION:
        raise RefusedImageError(
            f"{what} is cut short or corrupt: its shape {shape} requires {needed} bytes, "
            f"but {stored} are stored"
        )


def placeholder_data(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return zeros that take no memory, in place of data that are not read."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def as_stack(data: NDArray[Any]) -> NDArray[Any]:
    """Return data as a stack, in native byte order unless memory-mapped."""
    if not data.dtype.isnative and not isinstance(data, np.memmap):
        data = data.astype(data.dtype.newbyteorder("="))
    return data[np.newaxis] if data.ndim == 2 else data


def known_lengths(*sizes: float | None) -> Float64Array:
    """Return lengths in angstroms, 0 if unknown or implausible."""
    return np.array([size if size and 1e-3 < size < 1e7 else 0.0 for size in sizes])


def first_bytes(path: Path, count: int) -> bytes:
    """Return the first `count` bytes of a file."""
    with open_input(path) as file:
        return file.read(count)
