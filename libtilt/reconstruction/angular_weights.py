"""Angular weights for weighted back-projection."""

from __future__ import annotations

import numpy as np

from libtilt.errors.checks import Float64Array
from libtilt.geometry import TiltGeometry

_MOST_OUT_OF_PLANE = np.sin(np.radians(10))
_SAME = np.pi / 2**40


def angular_weights(geometry: TiltGeometry) -> Float64Array:
    """Return the angle that each tilt stands for, in radians, `(n,)`.

    Half of what lies between it and its neighbor on either side; those of one direction share it.
    The widest gap is taken for the missing wedge: there a tilt stands for as much as on its other
    side. The sum is the range that was covered: pi where nothing is missing.

    Parameters
    ----------
    geometry : TiltGeometry
        Its beams must lie in a plane of the specimen, up to 10 degrees: single-axis series, also
        with an in-plane rotation and with an x-tilt. Others are a ValueError.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry
    >>> from libtilt.reconstruction.angular_weights import angular_weights
    >>> np.degrees(angular_weights(TiltGeometry.from_tilt_angles([-60, -58, -54, -50]))).round(9)
    array([2., 3., 4., 4.])
    """
    angles = _angles_in_plane(geometry.rotation_matrices[:, :, 2])
    ordered, which, counts = np.unique(angles, return_inverse=True, return_counts=True)
    gaps = np.diff(ordered, append=ordered[0] + np.pi)  # From each to the next one round.
    halves = np.stack([np.roll(gaps, 1), gaps]) / 2
    if len(gaps) > 1:
        widest = int(gaps.argmax())
        following = (widest + 1) % len(gaps)
        halves[1, widest] = min(gaps[widest], gaps[widest - 1]) / 2
        halves[0, following] = min(gaps[widest], gaps[following]) / 2
    weights: Float64Array = (halves.sum(axis=0) / counts)[which]
    return weights


def _angles_in_plane(beams: Float64Array) -> Float64Array:
    """Return the angle of each beam, a line without a sense, in the plane of all of them."""
    *_, axes = np.linalg.svd(beams, full_matrices=True)
    if np.abs(beams @ axes[2]).max() > _MOST_OUT_OF_PLANE:
        raise ValueError(
            "tilt_series must be of a single axis for a ramp filter (its beams leave a common "
            "plane by more than 10 degrees): use ExactFilter, or sirt or cgls"
        )
    angles = np.arctan2(beams @ axes[1], beams @ axes[0])
    # So that directions that differ by rounding are one, also on either side of pi.
    steps = np.round(angles / _SAME) % np.round(np.pi / _SAME)
    same: Float64Array = steps * _SAME
    return same
