"""Angular weights for weighted back-projection."""

from __future__ import annotations

import numpy as np

from libtilt.errors.checks import Float64Array
from libtilt.geometry import TiltGeometry

_MOST_OUT_OF_PLANE = np.sin(np.radians(10))
_RESOLUTION = np.pi / 2**40


def angular_weights(geometry: TiltGeometry) -> Float64Array:
    """Return the angular weight of each tilt, in radians, `(n,)`.

    The weight is half the angle between the neighbors on either side; tilts of one direction share
    it. The widest gap is taken as the missing wedge; the two tilts beside it get the same share on
    both sides. The weights sum to the covered range: pi without a wedge.

    Parameters
    ----------
    geometry : TiltGeometry
        Its beams must lie within 10 degrees of one plane of the specimen: single-axis series, with
        any tilt axis angle and x-tilt. Other geometries raise a ValueError.

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
    gaps = np.diff(ordered, append=ordered[0] + np.pi)
    halves = np.stack([np.roll(gaps, 1), gaps]) / 2
    if len(gaps) > 1:
        widest = int(gaps.argmax())
        following = (widest + 1) % len(gaps)
        halves[1, widest] = min(gaps[widest], gaps[widest - 1]) / 2
        halves[0, following] = min(gaps[widest], gaps[following]) / 2
    weights: Float64Array = (halves.sum(axis=0) / counts)[which]
    return weights


def _angles_in_plane(beams: Float64Array) -> Float64Array:
    """Return the angle of each beam, modulo pi, in the plane that fits all beams best."""
    *_, axes = np.linalg.svd(beams, full_matrices=True)
    if np.abs(beams @ axes[2]).max() > _MOST_OUT_OF_PLANE:
        raise ValueError(
            "tilt_series must have a single tilt axis for a ramp filter, but its beams deviate "
            "from a common plane by more than 10 degrees: use ExactFilter, sirt or cgls"
        )
    angles = np.arctan2(beams @ axes[1], beams @ axes[0])
    # Rounding merges directions that differ by floating-point error, also across pi.
    steps = np.round(angles / _RESOLUTION) % np.round(np.pi / _RESOLUTION)
    rounded: Float64Array = steps * _RESOLUTION
    return rounded
