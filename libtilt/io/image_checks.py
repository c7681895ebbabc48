"""What readers of images share: lengths, sizes and kinds of values, checked before any are read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.errors import RefusedImageError
from libtilt.errors.checks import Float64Array
from libtilt.io.inputs import open_input

# Zstandard, which packs equal values best, needs 4 bytes for a block of 128 KiB.
_MAX_COMPRESSION = 2**15
_ANGSTROMS = {
    "angstrom": 1.0,
    "angstroms": 1.0,
    "a": 1.0,
    "å": 1.0,
    "nm": 10.0,
    "nanometer": 10.0,
    "nanometers": 10.0,
    "um": 1e4,
    "µm": 1e4,
    "micron": 1e4,
    "microns": 1e4,
    "micrometer": 1e4,
    "micrometers": 1e4,
    "pm": 1e-2,
}
_DEGREES = {
    "deg": 1.0,
    "degree": 1.0,
    "degrees": 1.0,
    "°": 1.0,
    "rad": 180 / math.pi,
    "radian": 180 / math.pi,
    "radians": 180 / math.pi,
}


def angstroms_of(unit: str) -> float | None:
    """Return how many angstroms a unit is, None where it is not one of microscopy's lengths.

    Examples
    --------
    >>> from libtilt.io.image_checks import angstroms_of
    >>> angstroms_of("[n_m]"), angstroms_of("Angstrom"), angstroms_of("inch")
    (10.0, 1.0, None)
    """
    return _ANGSTROMS.get(_normalized_unit(unit))


def degrees_of(unit: str) -> float | None:
    """Return how many degrees a unit is, None where it is not one of angles.

    Examples
    --------
    >>> from libtilt.io.image_checks import degrees_of
    >>> degrees_of("[deg]"), degrees_of("nm")
    (1.0, None)
    """
    return _DEGREES.get(_normalized_unit(unit))


def _normalized_unit(unit: str) -> str:
    """Return a unit as most write it: EMD files have ``[n_m]``, and µ and Å two signs each."""
    plain = unit.strip("[]\0 ").replace("_", "").replace("\\u00B5", "µ").lower()
    return plain.replace("\u03bc", "µ").replace("\u212b", "å")


def require_gray(dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> None:
    """Raise where values are not real numbers, or do not fill one image or volume."""
    if dtype.kind == "c":
        raise RefusedImageError(
            f"{what} holds complex data; only real data can be read: save the real part or the "
            "modulus first"
        )
    if dtype.kind not in "buif":
        raise RefusedImageError(f"{what} must hold numbers, got values of type {dtype}")
    if len(shape) not in (2, 3) or 0 in shape:
        raise RefusedImageError(
            f"{what} must hold one image or one stack of images, got shape {shape}; save one "
            "volume or one tilt series of it first"
        )


def require_size(shape: tuple[int, ...], dtype: np.dtype[Any], stored: int, what: str) -> None:
    """Raise where so few bytes are stored that they cannot hold the data even compressed."""
    needed = math.prod(shape) * dtype.itemsize
    if needed > stored * _MAX_COMPRESSION:
        raise RefusedImageError(
            f"{what} is cut short or corrupt: its shape {shape} asks for {needed} bytes, "
            f"{stored} are stored"
        )


def placeholder_data(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return zeros of a shape and a type that take no memory, in place of data not read."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def as_stack(data: NDArray[Any]) -> NDArray[Any]:
    """Return data as a stack, in the byte order of this computer unless they are mapped."""
    if not data.dtype.isnative and not isinstance(data, np.memmap):
        data = data.astype(data.dtype.newbyteorder("="))
    return data[np.newaxis] if data.ndim == 2 else data


def known_lengths(*sizes: float | None) -> Float64Array:
    """Return lengths in angstroms, 0 where one is not known or makes no sense."""
    return np.array([size if size and 1e-3 < size < 1e7 else 0.0 for size in sizes])


def first_bytes(path: Path, count: int) -> bytes:
    """Return how a file begins."""
    with open_input(path) as file:
        return file.read(count)
