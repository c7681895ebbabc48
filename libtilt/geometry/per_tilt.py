"""Fields with one entry per tilt: marking, indexing and joining them."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

PER_TILT = {"libtilt.geometry.per_tilt": True}
"""Metadata that marks an attrs field as having one entry per tilt, for indexing to follow.

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


def describe_array(array: NDArray[Any]) -> str:
    """Return the shape and dtype of an array, for a `repr`."""
    return f"{array.shape} {array.dtype}"


def per_tilt_fields(
    instance: Any, index: Any = slice(None), *, exclude: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the fields of `instance` that `PER_TILT` marks, indexed, except those in `exclude`."""
    return {
        field.name: getattr(instance, field.name)[index]
        for field in attrs.fields(type(instance))
        if field.metadata.get("libtilt.geometry.per_tilt") and field.name not in exclude
    }


def tilt_index(index: Any, count: int) -> Any:
    """Validate an int, slice, mask or index array that selects from `count` tilts.

    A slice is returned as a slice, so that the selection is a view; anything else as an array.
    """
    try:
        selected = np.atleast_1d(np.arange(count)[index])
    except IndexError as error:
        raise IndexError(f"index does not fit {count} tilts: {error}") from error
    if selected.ndim != 1 or selected.size == 0:
        raise IndexError(f"index must select at least one of {count} tilts in one dimension")
    return index if isinstance(index, slice) else selected
