"""Limits of angles and shifts in a tilt series, for all formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.text import parse_number
from libtilt.errors.checks import LARGEST_AXIS, LARGEST_TILT, finite_number
from libtilt.geometry import TiltGeometry

MAX_IMAGES = 100_000


def parse_tilt_angle(text: str | float, where: str) -> float:
    """Return a tilt angle or x-tilt in degrees; raise a ValueError beyond 180."""
    return _within(text, LARGEST_TILT, "a tilt angle", where)


def parse_axis_angle(text: str | float, where: str) -> float:
    """Return a tilt axis angle; raise a ValueError beyond 360 degrees."""
    return _within(text, LARGEST_AXIS, "a tilt axis angle", where)


def to_axis_angle(value: Any) -> float:
    """Return a tilt axis angle given as an argument."""
    return _within(finite_number(value, "tilt_axis_angle"), LARGEST_AXIS, "", None)


def _within(text: str | float, limit: float, what: str, where: str | None) -> float:
    value = parse_number(text, where or "") if isinstance(text, str) else text
    if not abs(value) <= limit:
        head = f"{where}: expected {what}" if where else "tilt_axis_angle must be"
        raise ValueError(f"{head} from -{limit:g} to {limit:g} degrees, got {value:.8g}")
    return value


def equal_tilt_warnings(geometry: TiltGeometry, source: str) -> Iterator[str]:
    """Yield a warning if more than two images have the same tilt angle."""
    if len(geometry) > 2 and np.ptp(geometry.tilt_angles) < 1e-3:
        yield (
            f"{source}: all {len(geometry)} tilt angles are {geometry.tilt_angles[0]:.4g} "
            "degrees; check that this is a tilt series"
        )


def implausibility_warnings(
    geometry: TiltGeometry, views: NDArray[np.int64], diagonal: float
) -> Iterator[str]:
    """Yield warnings about possible but unlikely geometries.

    `views` (n,) are image indices from 0; `diagonal` is that of an image, in angstroms.
    """
    yield from equal_tilt_warnings(geometry, "the alignment")
    lengths = np.linalg.norm(geometry.shifts, axis=1)
    if lengths.max() > diagonal:
        worst = int(lengths.argmax())
        yield (
            f"shift of image {views[worst]} (from 0) is {lengths[worst]:.5g} Å, longer than the "
            f"image's diagonal of {diagonal:.5g} Å; check the unit of the shifts and the pixel "
            "size"
        )
