"""Which tilts make a subset, and in which order subsets are taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from libtilt.geometry import TiltGeometry

_GOLDEN = (np.sqrt(5) - 1) / 2


def spread_subsets(geometry: TiltGeometry, count: int) -> list[NDArray[np.intp]]:
    """Cut the tilts into subsets that each cover all angles, in an order that jumps about.

    Parameters
    ----------
    geometry : TiltGeometry
        ``n`` tilts, in any order.
    count : int
        How many subsets, from 1 to ``n``.

    Returns
    -------
    list of ndarray of int
        Each every so-many-th tilt by its angle. One that is taken differs from the one before by
        about a golden section of all, so that it tells much that is new.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.reconstruction.subsets import spread_subsets
    >>> geometry = TiltGeometry.from_tilt_angles([0, 3, -3, 6, -6, 9, -9, 12])
    >>> [geometry.tilt_angles[some].round().tolist() for some in spread_subsets(geometry, 4)]
    [[3.0, -9.0], [-3.0, 9.0], [6.0, -6.0], [0.0, 12.0]]
    """
    by_angle = np.argsort(geometry.tilt_angles, kind="stable")
    places = (np.arange(count) * _GOLDEN) % 1.0
    return [np.sort(by_angle[first::count]) for first in np.argsort(np.argsort(places))]
