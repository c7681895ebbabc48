"""Nodes of HDF5 files: the layout of the images, and reading of attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.errors import RefusedImageError
from libtilt.errors.checks import Float64Array

MAX_LISTED = 8


def unknown_xyz() -> Float64Array:
    """Return zeros, an unknown voxel size or origin."""
    return np.zeros(3)


@attrs.frozen(eq=False)
class ImageLayout:
    """Datasets with the images of a file, one or one per image, and their metadata.

    `axes` is the permutation to z (or tilt), y, x; `keep` holds the images to read, None for all.
    `ranges` holds, per packed dataset, smallest value, largest value and largest integer. Voxel
    size and origin are x, y, z in angstroms, 0 if unknown; tilt angles are degrees.
    """

    datasets: tuple[Any, ...]
    axes: tuple[int, ...] | None = None
    keep: NDArray[np.intp] | None = None
    ranges: tuple[tuple[float, float, float] | None, ...] | None = None
    voxel_size: Float64Array = attrs.field(factory=unknown_xyz)
    origin: Float64Array = attrs.field(factory=unknown_xyz)
    tilt_angles: Float64Array | None = None
    notes: tuple[str, ...] = ()


def is_dataset(node: Any) -> bool:
    """Return whether a node is a dataset, not a group or a type."""
    return hasattr(node, "chunks")


def number_attribute(attributes: Any, name: str, default: float = 0.0) -> float:
    """Return a numeric attribute, a scalar or an array of one."""
    value = np.ravel(attributes.get(name, default))
    if value.size != 1 or value.dtype.kind not in "buif":
        return default
    return float(value[0])


def text_attribute(node: Any, name: str) -> str:
    """Return a text attribute, a scalar or an array of one."""
    value = np.ravel(node.attrs.get(name, ""))
    one = value[0] if value.size else ""
    return one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)


def axis_values(dim: Any, count: int) -> Float64Array | None:
    """Return the positions along an axis (all, or the first two), None if unreadable."""
    if dim is None or dim.dtype.kind not in "buif" or dim.size not in (2, count):
        return None
    return np.ravel(dim[()]).astype(np.float64)


def valid_angles(values: Float64Array | None, count: int) -> tuple[Float64Array | None, str | None]:
    """Return tilt angles in degrees, or None and a note if they do not fit the images."""
    if values is None or values.shape != (count,) or not np.isfinite(values).all():
        return None, f"tilt angles are not {count} finite numbers; ignored"
    if abs(values).max() > 360:
        return None, f"tilt angles reach {abs(values).max():g} degrees; ignored"
    return values, None


def ambiguity_error(path: Path, what: str, names: list[str]) -> RefusedImageError:
    """Return the error for a file with several candidates where only one may be given."""
    more = ", ..." if len(names) > MAX_LISTED else ""
    return RefusedImageError(
        f"{path} holds {len(names)} {what}: {', '.join(names[:MAX_LISTED])}{more}; save one to "
        "its own file first, for example with h5py"
    )
