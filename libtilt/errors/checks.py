"""Checks of arguments: every error names the argument, the expected value and the actual one."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating[Any]]
Float64Array = NDArray[np.float64]
Kind = TypeVar("Kind")

# Squares and products of larger numbers overflow float64.
LARGEST = 1e60
SMALLEST_LENGTH = 1e-30
LARGEST_ANGLE = 1e6
LARGEST_TILT = 180.0
LARGEST_AXIS = 360.0


def locked(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view of `array`, without a copy."""
    view = array.view()
    view.flags.writeable = False
    return view


def locked_state(state: dict[str, Any]) -> dict[str, Any]:
    """Return an unpickled state with its arrays read-only again; pickle drops that flag."""
    return {
        name: locked(value) if isinstance(value, np.ndarray) else value
        for name, value in state.items()
    }


def finite_array(value: ArrayLike, name: str, *, largest: float = LARGEST) -> Float64Array:
    """Return a locked float64 copy of a small array; all values finite, at most `largest`."""
    _require_unmasked(value, name)
    try:
        if isinstance(value, np.ndarray) and value.dtype.kind == "c":
            raise ValueError("got complex numbers")
        array = np.array(value, dtype=np.float64)
    except (OverflowError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers in a regular array: {error}") from error
    if not np.isfinite(array).all():
        first = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} must be finite: found NaN or infinity at index {first}")
    if array.size and np.abs(array).max() > largest:
        raise ValueError(
            f"{name} must lie between -{largest:g} and {largest:g}, got "
            f"{np.abs(array).max():g}; check the unit"
        )
    return locked(array)


_CONSTRUCTORS = {
    "ConicalCorrelation": "libtilt.quality.conical_fsc(first, second)",
    "ImageGrid": "ImageGrid(shape, pixel_size), or use tilt_series.grid",
    "Projector": "Projector(geometry)",
    "TiltGeometry": "TiltGeometry.from_tilt_angles or from_rotations",
    "TiltSeries": "TiltSeries(images, geometry, pixel_size=...)",
    "Volume": "Volume(array, voxel_size=...)",
    "VolumeGrid": "VolumeGrid(shape, voxel_size), or use volume.grid",
}


def require_kind(value: Any, kind: type[Kind], name: str) -> Kind:
    """Return `value` if it is a `kind`, one of libtilt's classes; else raise a TypeError."""
    if isinstance(value, kind):
        return value
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    raise TypeError(
        f"{name} must be {article} {kind.__name__}, got {type(value).__name__}; "
        f"create one with {_CONSTRUCTORS[kind.__name__]}"
    )


def _require_unmasked(value: Any, name: str) -> None:
    """Raise a ValueError if a masked array hides values: NumPy would silently unmask them."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        count = int(np.ma.getmaskarray(value).sum())
        raise ValueError(
            f"{name} has {count} masked values; replace them first, for example with "
            "numpy.ma.filled"
        )


def real_data(value: ArrayLike, name: str, ndim: int) -> NDArray[Any]:
    """Return a read-only view of non-empty real image data with `ndim` dimensions."""
    _require_unmasked(value, name)
    array = np.asarray(value)
    if array.dtype.kind not in "buif":
        raise TypeError(
            f"{name} must be real numbers, got dtype {array.dtype}"
            + ("; take the real part or the modulus first" if array.dtype.kind == "c" else "")
        )
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimensions, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return locked(array)


def floating_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype to compute in: float64 for float64, float32 for narrower types."""
    wide = dtype.kind == "f" and dtype.itemsize >= 8
    return np.dtype(np.float64 if wide else np.float32)


def require_finite(array: NDArray[Any], name: str) -> None:
    """Raise a ValueError if `array` has NaN or infinite values; cheap if it has none."""
    if array.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum(dtype=np.float64))
    if not suspicious:
        return
    bad = ~np.isfinite(array)
    count = int(bad.sum())
    if count:
        first = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), array.shape))
        raise ValueError(
            f"{name} has {count} NaN or infinite values, the first at index {first}; "
            "replace them first, for example with numpy.nan_to_num"
        )


def require_representable(value: float, dtype: np.dtype[Any], name: str) -> None:
    """Raise a ValueError if an integer type cannot represent `value`."""
    if dtype.kind not in "ui":
        return
    limits = np.iinfo(dtype)
    if not (float(value).is_integer() and limits.min <= value <= limits.max):
        raise ValueError(f"value must fit into {name} {dtype}, got {value}")


def require_result(array: NDArray[Any], name: str) -> None:
    """Raise a ValueError if a result overflowed its dtype."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum(dtype=np.float64)
    if np.isfinite(total) or np.isfinite(array).all():
        return
    raise ValueError(
        f"{name} would hold values beyond the range of {array.dtype}; scale the data down first"
        + (", or pass them as float64" if array.dtype == np.float32 else "")
    )


def may_overflow(array: NDArray[Any]) -> bool:
    """Whether the sum of 1e8 such values may overflow their dtype."""
    if array.dtype.kind != "f":
        return False
    limits = np.finfo(floating_dtype(array.dtype))
    return bool(max(-float(array.min()), float(array.max())) > float(limits.max) * 1e-8)


def integers_of(value: Any, count: int, name: str, *, kind: str = "integers") -> tuple[int, ...]:
    """Return a tuple of `count` integers."""
    try:
        numbers = tuple(operator.index(n) for n in value)
    except TypeError:
        numbers = ()
    if len(numbers) != count or any(abs(n) >= 2**63 for n in numbers):
        raise ValueError(f"{name} must be {count} {kind}, got {value!r}")
    return numbers


def shape_of(value: Any, ndim: int, name: str) -> tuple[int, ...]:
    """Return a tuple of `ndim` positive integers."""
    shape = integers_of(value, ndim, name, kind="positive integers")
    if min(shape) < 1:
        raise ValueError(f"{name} must be {ndim} positive integers, got {value!r}")
    return shape


def to_volume_shape(value: Any) -> tuple[int, ...]:
    """Return ``(d, h, w)``."""
    return shape_of(value, 3, "volume_shape")


def to_image_shape(value: Any) -> tuple[int, ...]:
    """Return ``(h, w)``."""
    return shape_of(value, 2, "image_shape")


def to_voxel_size(value: ArrayLike) -> Float64Array:
    """Return a locked array `(3,)` of positive lengths x, y, z in angstroms."""
    array = finite_array(value, "voxel_size")
    if array.shape not in ((), (1,), (3,)):
        raise ValueError(f"voxel_size must be one length in Å, or three for x, y, z, got {value!r}")
    if (array < SMALLEST_LENGTH).any():
        least = f"at least {SMALLEST_LENGTH:g}" if (array > 0).all() else "positive"
        raise ValueError(f"voxel_size must be {least}, in Å, got {value!r}")
    return locked(np.ascontiguousarray(np.broadcast_to(array, (3,))))


def to_center(value: ArrayLike) -> Float64Array:
    """Return a locked position `(3,)`, x, y, z in angstroms."""
    return _position(value, "center")


def to_origin(value: ArrayLike) -> Float64Array:
    """Return a locked position `(3,)`, x, y, z in angstroms."""
    return _position(value, "origin")


def _position(value: ArrayLike, name: str) -> Float64Array:
    position = finite_array(value, name)
    if position.shape != (3,):
        raise ValueError(f"{name} must be three numbers x, y, z, got shape {position.shape}")
    return position


def to_pixel_size(value: Any) -> float:
    """Return one positive length in angstroms."""
    return length(value, "pixel_size")


def length(value: Any, name: str) -> float:
    """Return one positive length in angstroms."""
    number = positive_float(value, name)
    if number < SMALLEST_LENGTH:
        raise ValueError(f"{name} must be at least {SMALLEST_LENGTH:g} Å, got {value!r}")
    return number


def finite_number(value: Any, name: str) -> float:
    """Return one finite number."""
    array = finite_array(value, name)
    if array.size != 1:
        raise ValueError(f"{name} must be one number, got {value!r}")
    return float(array.item())


def positive_float(value: Any, name: str) -> float:
    """Return one positive, finite number."""
    array = finite_array(value, name)
    if array.size != 1 or array.item() <= 0:
        raise ValueError(f"{name} must be one positive number, got {value!r}")
    return float(array.item())


def per_tilt_values(
    value: ArrayLike, count: int, name: str, *, largest: float = LARGEST
) -> Float64Array:
    """Return one number per tilt, `(count,)`, from one number or a sequence."""
    array = finite_array(value, name, largest=largest)
    if array.ndim > 1 or (array.ndim == 1 and array.shape != (count,)):
        raise ValueError(
            f"{name} must be one number or one per tilt: expected ({count},), got {array.shape}"
        )
    return np.broadcast_to(array, (count,))


def one_of(value: Any, name: str, choices: Sequence[Any]) -> Any:
    """Return `value` if it is one of `choices`; else raise a ValueError."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {listed}, got {value!r}")
    return value


def positive_integer(value: Any, name: str) -> int:
    """Return `value` as an int if it is an integer of at least 1; else raise a ValueError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if not 1 <= number < 2**63:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return number
