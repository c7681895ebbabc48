"""Where images are in an HDF5 file, and reading what stands beside them."""

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
    """Return sizes or an origin of which nothing is known."""
    return np.zeros(3)


@attrs.frozen(eq=False)
class ImageLayout:
    """Where the images of a file are, and what it says of them.

    Attributes
    ----------
    datasets : tuple of h5py.Dataset
        One, or one for each image.
    axes : tuple of int, or None
        The dataset's axes in the order z (or tilt), y, x; None where they lie so.
    keep : ndarray of int, or None
        Which images to take; None for all.
    ranges : tuple of (float, float, float), or None
        For each dataset the values of the smallest and the largest integer, and the latter.
    voxel_size, origin : ndarray, shape (3,)
        x, y, z in angstroms; 0 where not known.
    tilt_angles : ndarray, shape (n,), or None
        Degrees.
    notes : tuple of str
        What was concluded or left out.
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
    """Return whether a node holds data, and is not a group or a type."""
    return hasattr(node, "chunks")


def number_attribute(attributes: Any, name: str, default: float = 0.0) -> float:
    """Return an attribute that is one number, alone or in an array of one."""
    value = np.ravel(attributes.get(name, default))
    if value.size != 1 or value.dtype.kind not in "buif":
        return default
    return float(value[0])


def text_attribute(node: Any, name: str) -> str:
    """Return an attribute that is text, alone or in an array of one."""
    value = np.ravel(node.attrs.get(name, ""))
    one = value[0] if value.size else ""
    return one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)


def axis_values(dim: Any, count: int) -> Float64Array | None:
    """Return the positions along an axis, all of them or the first two; None where unreadable."""
    if dim is None or dim.dtype.kind not in "buif" or dim.size not in (2, count):
        return None
    return np.ravel(dim[()]).astype(np.float64)


def valid_angles(values: Float64Array | None, count: int) -> tuple[Float64Array | None, str | None]:
    """Return tilt angles in degrees, None and a note where they cannot be those of the images."""
    if values is None or values.shape != (count,) or not np.isfinite(values).all():
        return None, f"its tilt angles are not {count} finite numbers: they are not read"
    if abs(values).max() > 360:
        return None, f"its tilt angles reach {abs(values).max():g} degrees: they are not read"
    return values, None


def ambiguity_error(path: Path, what: str, names: list[str]) -> RefusedImageError:
    """Return the error of a file that holds several things of which one is wanted."""
    more = ", ..." if len(names) > MAX_LISTED else ""
    return RefusedImageError(
        f"{path} holds {len(names)} {what}: {', '.join(names[:MAX_LISTED])}{more}; save one of them "
        "to a file of its own first, for example with h5py"
    )
