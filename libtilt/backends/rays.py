"""Depths at which rays meet a volume."""

from __future__ import annotations

import itertools
import math

import numpy as np

from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import invert_affine


def depth_range(grid: Float64Array, volume_shape: tuple[int, ...], margin: float) -> range:
    """Return the depth steps ``k`` at which any ray of an image may meet the volume.

    The result does not depend on the size of the image: all samples at other depths are zero.

    Parameters
    ----------
    grid : ndarray, shape (3, 4)
        Index grid of the image.
    volume_shape : tuple of int
        ``(d, h, w)``.
    margin : float
        Distance in voxels from the outermost voxel centers within which samples count.

    Returns
    -------
    range

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
    # A tolerance on either side, so that rounding loses no sample on the border itself.
    return range(math.ceil(depths.min() - 1e-6), math.floor(depths.max() + 1e-6) + 1)
