"""Fields with one entry per tilt: how they are marked, indexed and joined."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

PER_TILT = {"libtilt.geometry.per_tilt": True}
"""Metadata of an attrs field with one entry per tilt, which indexing then follows.

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
    """Return shape and dtype of an array, for a `repr`."""
    return f"{array.shape} {array.dtype}"


def per_tilt_fields(
    instance: Any, index: Any = slice(None), *, but: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the fields of `instance` that are marked with `PER_TILT`, each indexed."""
    return {
        field.name: getattr(instance, field.name)[index]
        for field in attrs.fields(type(instance))
        if field.metadata.get("libtilt.geometry.per_tilt") and field.name not in but
    }


def tilt_index(index: Any, count: int) -> Any:
    """Return an index of one axis for an int, slice, mask or index array into `count` tilts.

    A slice stays one, so that what it selects is a view.
    """
    try:
        selected = np.atleast_1d(np.arange(count)[index])
    except IndexError as error:
        raise IndexError(f"index does not fit {count} tilts: {error}") from error
    if selected.ndim != 1 or selected.size == 0:
        raise IndexError(f"index must select at least one of {count} tilts in one dimension")
    return index if isinstance(index, slice) else selected
