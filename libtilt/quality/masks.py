"""Masks of volumes with soft edges, and the checks of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from libtilt.errors.checks import finite_number, real_data, require_finite, require_kind
from libtilt.errors.warning import warn
from libtilt.volume import Volume


def soft_mask(volume: Volume, level: float, *, expand: float = 3.0, soft: float = 6.0) -> Volume:
    """Return a mask of the voxels at or above a level, grown, with a soft edge.

    Parameters
    ----------
    volume : Volume
        Density, best low-pass filtered, so that the mask follows the outline and not the noise; or
        a mask with hard edges and level 0.5.
    level : float
        Least density inside the mask.
    expand : float, optional
        Voxels by which the mask is grown.
    soft : float, optional
        Width in voxels of the edge outside of it, over which a raised cosine falls from 1 to 0.

    Returns
    -------
    Volume
        float32 values from 0 to 1, on the grid of `volume`.

    Raises
    ------
    TypeError
        If `volume` is not a `Volume`.
    ValueError
        If no voxel reaches the level, a number is negative or not finite, or the volume has NaN.

    Notes
    -----
    The steps are those of RELION's ``relion_mask_create``: threshold, extension, cosine edge.
    Distances are counted in voxels along every axis, whatever the voxel size.

    Examples
    --------
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.quality import soft_mask
    >>> volume = GaussianBlobs([[0, 0, 0]], sigmas=4).volume((32, 32, 32))
    >>> mask = soft_mask(volume, 0.5 * volume.max(), expand=2, soft=4)
    >>> (100 * mask.data[16, 16, 20:28]).round().tolist()
    [100.0, 100.0, 100.0, 85.0, 50.0, 15.0, 0.0, 0.0]
    """
    data = require_kind(volume, Volume, "volume").data
    require_finite(data, "volume")
    threshold = finite_number(level, "level")
    grow, width = _not_negative(expand, "expand"), _not_negative(soft, "soft")
    inside = data >= threshold
    if not inside.any():
        raise ValueError(
            f"level must be at most the largest density {data.max():g}, got {threshold:g}"
        )
    beyond = np.maximum(ndimage.distance_transform_edt(~inside) - grow, 0)
    # Without an edge, all that lies beyond is far away.
    mask = 0.5 + 0.5 * np.cos(np.pi * np.minimum(beyond / max(width, 1e-9), 1))
    return volume.evolve(data=mask.astype(np.float32))


def _not_negative(value: Any, name: str) -> float:
    number = finite_number(value, name)
    if number < 0:
        raise ValueError(f"{name} must be at least 0 voxels, got {number:g}")
    return number


def checked_mask(value: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a mask with values from 0 to 1, not all 0, of the shape of the volumes."""
    mask = real_data(value, "mask", 3)
    if mask.shape != shape:
        raise ValueError(f"mask must have the shape of the volumes {shape}, got {mask.shape}")
    require_finite(mask, "mask")
    low, high = float(mask.min()), float(mask.max())
    if low < 0 or high > 1:
        raise ValueError(
            f"mask must have values from 0 to 1, got {low:g} to {high:g}; make one with "
            "libtilt.quality.soft_mask"
        )
    if high == 0:
        raise ValueError("mask must not be zero everywhere")
    return mask


def warn_of_hard_edges(mask: NDArray[Any]) -> None:
    """Warn if a mask has no values between 0 and 1."""
    if mask.all() or ((mask > 0) & (mask < 1)).any():
        return
    text = (
        "mask has hard edges (only the values 0 and 1), which correlate at all frequencies; pass "
        "soft_mask(Volume(mask), 0.5), of libtilt.quality"
    )
    warn(text)
