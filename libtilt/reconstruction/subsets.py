"""Ordered subsets of tilts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from libtilt.geometry import TiltGeometry

_GOLDEN = (np.sqrt(5) - 1) / 2


def ordered_subsets(geometry: TiltGeometry, count: int) -> list[NDArray[np.intp]]:
    """Split `n` tilts into `count` subsets (1 to `n`), each a list of tilt indices.

    A subset holds every `count`-th tilt by angle, so that it covers all angles. Successive subsets
    are about a golden section of `count` apart, so that their data differ most.
    """
    by_angle = np.argsort(geometry.tilt_angles, kind="stable")
    places = (np.arange(count) * _GOLDEN) % 1.0
    return [np.sort(by_angle[first::count]) for first in np.argsort(np.argsort(places))]
