"""How far lengths and places may differ and still be the same, since files round them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

NEARLY = 1e-3
"""Of a voxel: places that differ by less are the same, as those from a file's float32 are."""

_SAME_SPACING = 1e-4


def same_spacing(one: ArrayLike, other: ArrayLike) -> bool:
    """Whether voxel or pixel sizes agree to 1e-4 of themselves."""
    return bool(np.allclose(one, other, rtol=_SAME_SPACING, atol=0))
