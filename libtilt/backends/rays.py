"""Where rays meet a volume."""

from __future__ import annotations

import itertools
import math

import numpy as np

from libtilt.errors.checks import (
    Float64Array,
)
from libtilt.geometry.affine import invert_affine


def depth_range(grid: Float64Array, volume_shape: tuple[int, ...], margin: float) -> range:
    """Return the depth steps ``k`` at which some ray of an image may touch the volume.

    Parameters
    ----------
    grid : ndarray, shape (3, 4)
        Of one image.
    volume_shape : tuple of int
        ``(d, h, w)``.
    margin : float
        How far outside the outermost voxel centers samples still count, in voxels.

    Returns
    -------
    range
        Whatever the size of the image: every ray's samples outside of it are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.backends.rays import depth_range
    >>> depth_range(np.eye(3, 4), (5, 8, 8), margin=1)
    range(-1, 6)
    """
    sides = [(-margin, n - 1 + margin) for n in reversed(volume_shape)]
    corners = np.array(list(itertools.product(*sides)))
    to_depth = invert_affine(grid[np.newaxis])[0, 2]
    depths = corners @ to_depth[:3] + to_depth[3]
    # A hair's breadth on either side: a sample on the border itself may not be lost to rounding.
    return range(math.ceil(depths.min() - 1e-6), math.floor(depths.max() + 1e-6) + 1)
