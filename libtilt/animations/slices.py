"""Slices of a volume, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from libtilt.errors.checks import floating_dtype, one_of, positive_integer
from libtilt.volume import Volume


def slice_frames(volume: Volume, *, axis: str = "z", step: int = 1) -> NDArray[Any]:
    """Return the slices of a volume perpendicular to an axis.

    Parameters
    ----------
    volume : Volume
        The volume.
    axis : {"z", "y", "x"}, optional
        Along which to walk.
    step : int, optional
        From one slice to the next: 1 for all of them.

    Returns
    -------
    ndarray, shape (n, h, w)
        Stretched to square pixels where the voxel sizes differ.

    Raises
    ------
    ValueError
        If the axis is another, or the step is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.animations import slice_frames
    >>> slice_frames(Volume(np.zeros((4, 5, 6))), axis="x").shape
    (6, 4, 5)
    """
    one_of(axis, "axis", ("z", "y", "x"))
    frames = np.moveaxis(volume.data, "zyx".index(axis), 0)[:: positive_integer(step, "step")]
    height, width = np.delete(volume.voxel_size[::-1], "zyx".index(axis))
    if _square(height, width):
        return frames
    zoom = (1, height / min(height, width), width / min(height, width))
    finite = frames.astype(floating_dtype(frames.dtype), copy=False)
    square: NDArray[Any] = ndimage.zoom(finite, zoom, order=1, grid_mode=True, mode="nearest")
    return square


def slice_pixel_size(volume: Volume, axis: str) -> float:
    """Return how wide the pixels of `slice_frames` are, in angstroms."""
    height, width = np.delete(volume.voxel_size[::-1], "zyx".index(axis))
    return float(width if _square(height, width) else min(height, width))


def _square(height: float, width: float) -> bool:
    return bool(abs(height - width) <= 0.01 * width)
