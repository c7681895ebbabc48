"""Fields with one entry per tilt: marking, indexing and joining them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

PER_TILT = {"libtilt.geometry.per_tilt": True}
"""Metadata that marks an attrs field as having one entry per tilt.

The number of entries is checked, and the field is indexed, sorted and joined with the tilts. It is
an array, a tuple, a list, or None if it is not known.

Examples
--------
>>> import attrs, numpy as np
>>> from libtilt import TiltGeometry, frozen
>>> from libtilt.geometry.per_tilt import PER_TILT
>>> @frozen
... class DosedGeometry(TiltGeometry):
...     doses: np.ndarray = attrs.field(kw_only=True, converter=np.asarray, metadata=PER_TILT)
>>> DosedGeometry.from_tilt_angles([-3, 0, 3], doses=[4.0, 0.0, 2.0])[1:].doses.tolist()
[0.0, 2.0]
"""


def required_fields(kind: type, given: Container[str] = ()) -> list[str]:
    """Return the arguments of an attrs class that have no default and are not in `given`."""
    return [
        field.alias
        for field in attrs.fields(kind)
        if field.init and field.default is attrs.NOTHING and field.alias not in given
    ]


def describe_array(array: NDArray[Any]) -> str:
    """Return the shape and dtype of an array, for a `repr`."""
    return f"{array.shape} {array.dtype}"


def _marked_fields(kind: type) -> dict[str, str]:
    """Return the names of the arguments and attributes of the fields that `PER_TILT` marks."""
    return {
        str(field.alias): field.name
        for field in attrs.fields(kind)
        if field.init and field.metadata.get("libtilt.geometry.per_tilt")
    }


def per_tilt_fields(
    instance: Any, index: Any = slice(None), *, exclude: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the fields that `PER_TILT` marks, by argument name and indexed, except `exclude`.

    Fields are arrays, tuples, lists, other objects that an index array selects from, or None.
    """
    return {
        alias: _select(getattr(instance, name), index)
        for alias, name in _marked_fields(type(instance)).items()
        if alias not in exclude
    }


def _select(value: Any, index: Any) -> Any:
    if isinstance(value, tuple | list) and not isinstance(index, slice):
        return type(value)(value[tilt] for tilt in np.arange(len(value))[index])
    return None if value is None else value[index]


def join_per_tilt(parts: Sequence[Any]) -> dict[str, Any]:
    """Return the fields that `PER_TILT` marks of instances of one class, joined in order.

    Raises a ValueError if a field is None for some of them only.
    """
    joined: dict[str, Any] = {}
    for alias, name in _marked_fields(type(parts[0])).items():
        values = [getattr(part, name) for part in parts]
        missing = sum(value is None for value in values)
        if 0 < missing < len(values):
            raise ValueError(
                f"{alias} must be set in all geometries or in none: it is None in {missing} of "
                f"{len(values)}"
            )
        if isinstance(values[0], tuple | list):
            joined[alias] = type(values[0])(entry for value in values for entry in value)
        else:
            joined[alias] = None if missing else np.concatenate(values)
    return joined


def require_per_tilt(instance: Any, count: int) -> None:
    """Raise unless each field that `PER_TILT` marks has `count` entries, or is None.

    A validator of a field of the base class calls it, so that subclasses are checked however they
    are decorated.
    """
    for alias, name in _marked_fields(type(instance)).items():
        if (value := getattr(instance, name)) is None:
            continue
        try:
            got = len({} if isinstance(value, str | bytes | dict) else value)
        except TypeError:
            got = 0
        if got != count:
            raise ValueError(
                f"{alias} must have one entry per tilt: expected an array, a tuple or a list of "
                f"{count}, got {got or repr(value)}"
            )


def tilt_index(index: Any, count: int) -> Any:
    """Validate an int, slice, mask or index array that selects from `count` tilts.

    A slice is returned as a slice, so that the selection is a view; anything else as an array.
    """
    try:
        selected = np.atleast_1d(np.arange(count)[index])
    except IndexError as error:
        raise IndexError(f"index does not fit {count} tilts: {error}") from error
    if selected.ndim != 1 or selected.size == 0:
        raise IndexError(f"index must be one-dimensional and select at least one of {count} tilts")
    return index if isinstance(index, slice) else selected
