"""Frames of a volume to animate: its slices, or its projections over a full turn."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from libtilt._checks import floating_dtype, one_of, positive_integer
from libtilt.geometry import TiltGeometry
from libtilt.gif import save_gif
from libtilt.projector import Projector
from libtilt.volume import Volume


def slice_frames(volume: Volume, *, axis: str = "z") -> NDArray[Any]:
    """Return the slices of a volume perpendicular to an axis.

    Parameters
    ----------
    volume : Volume
        The volume.
    axis : {"z", "y", "x"}, optional
        Along which to walk.

    Returns
    -------
    ndarray, shape (n, h, w)
        Stretched to square pixels where the voxel sizes differ.

    Raises
    ------
    ValueError
        If the axis is another.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.animations import slice_frames
    >>> slice_frames(Volume(np.zeros((4, 5, 6))), axis="x").shape
    (6, 4, 5)
    """
    one_of(axis, "axis", ("z", "y", "x"))
    frames = np.moveaxis(volume.data, "zyx".index(axis), 0)
    height, width = np.delete(volume.voxel_size[::-1], "zyx".index(axis))
    if abs(height - width) <= 0.01 * width:
        return frames
    zoom = (1, height / min(height, width), width / min(height, width))
    finite = frames.astype(floating_dtype(frames.dtype), copy=False)
    square: NDArray[Any] = ndimage.zoom(finite, zoom, order=1, grid_mode=True, mode="nearest")
    return square


def spin_frames(volume: Volume, *, count: int = 36, axis: str = "y") -> NDArray[Any]:
    """Return projections of a volume over a full turn.

    Parameters
    ----------
    volume : Volume
        The volume; it is averaged down to at most 256 voxels along its longest side first.
    count : int, optional
        How many.
    axis : {"y", "x"}, optional
        About which it turns.

    Returns
    -------
    ndarray, shape (count, h, w)

    Raises
    ------
    ValueError
        If `count` is not positive, the axis is another, or the volume has NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.animations import spin_frames
    >>> spin_frames(Volume(np.zeros((4, 5, 6))), count=8).shape
    (8, 5, 8)
    """
    one_of(axis, "axis", ("y", "x"))
    angles = np.arange(positive_integer(count, "count")) * 360 / count
    factor = min(math.ceil(max(volume.shape) / 256), *volume.shape)
    small = volume.bin(factor) if factor > 1 else volume
    depth, height, width = np.array(small.shape) * small.voxel_size[::-1]
    pixel = float(small.voxel_size.min())
    diagonal = math.hypot(depth, width if axis == "y" else height)
    sides = (height, diagonal) if axis == "y" else (diagonal, width)
    turn = {"y": {"tilt_angles": angles}, "x": {"tilt_angles": 0 * angles, "x_tilts": angles}}
    projector = Projector(
        TiltGeometry.from_tilt_angles(**turn[axis]),
        image_shape=tuple(math.ceil(side / pixel) for side in sides),
        pixel_size=pixel,
    )
    return projector.forward(small).images


def save_volume_gif(
    path: str | Path, volume: Volume, *, kind: str = "slices", **options: Any
) -> Path:
    """Write slices of a volume, or its projections over a full turn; see `Volume.to_gif`."""
    one_of(kind, "kind", ("slices", "spin"))
    make: Callable[..., NDArray[Any]] = slice_frames if kind == "slices" else spin_frames
    names = set(inspect.signature(make).parameters) - {"volume"}
    known = names | set(inspect.signature(save_gif).parameters) - {"path", "frames"}
    if unknown := sorted(set(options) - known):
        raise ValueError(
            f"options of kind {kind!r} are {', '.join(sorted(known))}; got {', '.join(unknown)}"
        )
    frame_options = {name: value for name, value in options.items() if name in names}
    gif_options = {name: value for name, value in options.items() if name not in names}
    return save_gif(
        path, make(volume, **frame_options), **({"ping_pong": kind == "slices"} | gif_options)
    )
