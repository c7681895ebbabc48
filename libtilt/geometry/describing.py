"""Angles and shifts of a tilt series in words, for `repr`, notebooks and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from libtilt.errors.checks import Float64Array
from libtilt.geometry.rotations import decompose_zyx
from libtilt.geometry.tolerances import ANGLE_TOLERANCE, POSITION_TOLERANCE, SPACING_TOLERANCE

if TYPE_CHECKING:
    from libtilt.geometry.tilt_geometry import TiltGeometry

_EQUAL_STEPS = 0.15, 0.1
"""Steps that differ by less, in degrees or relative to their size, count as equal; stages vary."""


def format_angle(angle: float) -> str:
    """Return degrees with at most two decimals: ``-2.5°``."""
    return f"{round(float(angle), 2) + 0.0:g}°"


def describe_tilts(angles: Float64Array) -> str:
    """Return number, range and step of tilt angles `(n,)` in degrees.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.geometry.describing import describe_tilts
    >>> describe_tilts(np.arange(-60.0, 61, 3))
    '41 tilts from -60° to 60° in steps of 3°'
    """
    if len(angles) == 1:
        return f"1 tilt at {format_angle(angles[0])}"
    steps = np.diff(np.sort(angles))
    step = f"{format_angle(steps.min())} to {format_angle(steps.max())}"
    usual, (degrees, share) = float(np.median(steps)), _EQUAL_STEPS
    if np.ptp(steps) < max(degrees, share * usual):
        step = format_angle(usual)
    low, high = format_angle(angles.min()), format_angle(angles.max())
    return f"{len(angles)} tilts from {low} to {high} in steps of {step}"


def describe_tilt_axis(angles: Float64Array) -> str:
    """Return tilt axis angles `(n,)` in degrees as one angle, or as a range if they differ."""
    # Angles just below 180 and just above -180 are neighbors.
    near = angles[0] + (angles - angles[0] + 180) % 360 - 180
    low, high = format_angle(near.min()), format_angle(near.max())
    return low if np.ptp(near) < 0.05 else f"{low} to {high}"


def describe_rotations(matrices: Float64Array) -> str:
    """Return tilts and tilt axis of rotation matrices `(n, 3, 3)` of the sampling grid."""
    axes, tilts, _ = decompose_zyx(matrices.transpose(0, 2, 1))
    return f"{describe_tilts(tilts)}, tilt axis at {describe_tilt_axis(axes)}"


def describe_shifts(shifts: Float64Array) -> str:
    """Return the largest length of shifts `(n, 2)` in angstroms."""
    largest = float(np.hypot(*shifts.T).max())
    return f"up to {largest:.4g} Å" if largest else "0"


def describe_geometry_difference(one: TiltGeometry, other: TiltGeometry, pixel_size: float) -> str:
    """Return how far two geometries of as many tilts differ, or "" within the tolerances.

    The pixel size in angstroms gives the tolerance of shifts.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.geometry.describing import describe_geometry_difference
    >>> one, other = map(TiltGeometry.from_tilt_angles, ([-60, 0, 60], [60, 0, -60]))
    >>> describe_geometry_difference(one, other, 1.0)
    'tilt angles by up to 120°'
    """
    if one is other:
        return ""
    parts = [_describe_turn(one, other)]
    moved = float(np.hypot(*(one.shifts - other.shifts).T).max())
    if moved > POSITION_TOLERANCE * pixel_size:
        parts.append(f"shifts by up to {moved:.4g} Å")
    stretched = float(np.abs(one.magnifications - other.magnifications).max())
    if stretched > SPACING_TOLERANCE:
        parts.append(f"magnifications by up to {stretched:.4g}")
    return ", ".join(part for part in parts if part)


def _describe_turn(one: TiltGeometry, other: TiltGeometry) -> str:
    """Return how far orientations differ, by the angles that do."""
    difference = one.rotation_matrices - other.rotation_matrices
    # The norm of a difference of rotations is 2 sqrt(2) sin(angle / 2).
    sines = np.linalg.norm(difference, axis=(1, 2)) / np.sqrt(8)
    turn = float(np.rad2deg(2 * np.arcsin(min(float(sines.max()), 1.0))))
    if turn <= ANGLE_TOLERANCE:
        return ""
    for name in ("tilt_angles", "tilt_axis_angles", "x_tilts"):
        step = (getattr(one, name) - getattr(other, name) + 180) % 360 - 180
        if (largest := float(np.abs(step).max())) > ANGLE_TOLERANCE:
            return (
                f"{name.replace('_', ' ').replace('x t', 'x-t')} by up to {format_angle(largest)}"
            )
    return f"orientations by up to {format_angle(turn)}"
