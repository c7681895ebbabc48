"""Tolerances for comparing spacings and positions, which files round."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

POSITION_TOLERANCE = 1e-3
"""Tolerance of positions in voxels, above the rounding of a file's float32."""

ANGLE_TOLERANCE = 0.01
"""Tolerance of orientations in degrees, above the rounding of a file's two decimals."""

MAGNIFICATION_TOLERANCE = 2e-6
"""Deviation from a rotation by the digits of IMOD's ``.xf``: under 0.01 pixels in 8000."""

SPACING_TOLERANCE = 1e-4
"""Relative tolerance of spacings and magnifications."""


def same_spacing(one: ArrayLike, other: ArrayLike) -> bool:
    """Return whether voxel or pixel sizes agree to a relative 1e-4."""
    return bool(np.allclose(one, other, rtol=SPACING_TOLERANCE, atol=0))
