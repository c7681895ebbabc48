"""`Slices`: the slices of a volume along an axis, from the center to both ends and back."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from libtilt.animations.look import Look
from libtilt.drawing import Panel, Style
from libtilt.errors.checks import floating_dtype, one_of, positive_integer
from libtilt.errors.options import checked, option
from libtilt.volume import Volume

AXES = ("z", "y", "x")


@attrs.frozen(kw_only=True)
class Slices(Look):
    """The slices of a volume along an axis: from the center to the last, the first, and back.

    The first picture is the slice through the center, whatever the step. Slices with anisotropic
    voxels are resampled to square pixels.

    Parameters
    ----------
    axis : {"z", "y", "x"}, optional
        Axis perpendicular to the slices.
    step : int, optional
        Step from one slice to the next, counted from the slice through the center; 1 shows all.

    Raises
    ------
    ValueError
        If `axis` is not one of the three, or `step` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.animations import Slices
    >>> Slices(axis="x", step=2).frames(Volume(np.zeros((4, 5, 6)))).shape
    (3, 4, 5)
    """

    shows: ClassVar[type[Volume]] = Volume

    axis: str = attrs.field(
        default="z",
        validator=checked(lambda value, name: one_of(value, name, AXES)),
        metadata=option("axis perpendicular to the slices", AXES),
    )
    step: int = attrs.field(
        default=1,
        validator=checked(positive_integer),
        metadata=option("step from one slice to the next", int),
    )

    def _panel(self, volume: Volume, /) -> Panel:
        data = np.moveaxis(volume.data, AXES.index(self.axis), 0)
        middle, start = divmod(len(data) // 2, self.step)
        frames, pixel_size = _with_square_pixels(volume, self.axis, data[start :: self.step])
        return Panel(frames, Style(pixel_size=pixel_size, ping_pong=True, first_frame=middle))


def central_slice(volume: Volume, axis: str) -> tuple[NDArray[Any], float]:
    """Return the slice through the center, `(h, w)`, and its pixel size in angstroms."""
    data = np.moveaxis(volume.data, AXES.index(axis), 0)
    frames, pixel_size = _with_square_pixels(volume, axis, data[len(data) // 2][np.newaxis])
    return frames[0], pixel_size


def _with_square_pixels(
    volume: Volume, axis: str, frames: NDArray[Any]
) -> tuple[NDArray[Any], float]:
    """Return slices resampled to square pixels, and their pixel size in angstroms."""
    height, width = np.delete(volume.voxel_size[::-1], AXES.index(axis))
    if abs(height - width) <= 0.01 * width:
        return frames, float(width)
    pixel_size = min(height, width)
    zoom = (1, height / pixel_size, width / pixel_size)
    finite = frames.astype(floating_dtype(frames.dtype), copy=False)
    square: NDArray[Any] = ndimage.zoom(finite, zoom, order=1, grid_mode=True, mode="nearest")
    return square, float(pixel_size)
