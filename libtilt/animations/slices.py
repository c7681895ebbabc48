"""`Slices`: the slices of a volume along an axis, from the center to both ends and back."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from libtilt.animations.look import Look
from libtilt.drawing import Panel, Style
from libtilt.drawing.fonts import FIGURE_SPACE
from libtilt.errors import ArgumentError
from libtilt.errors.checks import floating_dtype, integers_of, one_of, positive_integer
from libtilt.errors.options import checked, option
from libtilt.volume import Volume

AXES = ("z", "y", "x")

_optional_index = attrs.validators.optional(
    checked(lambda value, name: integers_of((value,), 1, name, kind="integer"))
)


@attrs.frozen(kw_only=True)
class Slices(Look):
    """The slices of a volume along an axis: from the center to the last, the first, and back.

    The first picture is the slice through the center, whatever the step, or the middle one of
    slices that leave it out. An annotated slice has its index, counted from 0. Slices with
    anisotropic voxels are resampled to square pixels.

    Parameters
    ----------
    axis : {"z", "y", "x"}, optional
        Axis perpendicular to the slices.
    step : int, optional
        Step from one slice to the next, counted from the first picture; 1 shows all.
    start, stop : int, optional
        Indices of the first slice and of the one after the last, as in a Python slice: negative
        ones count from the end. By default all slices.

    Raises
    ------
    ValueError
        If `axis` is not one of the three, `step` is not positive, or no slice is left.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.animations import Slices
    >>> Slices(axis="x", step=2).frames(Volume(np.zeros((4, 5, 6)))).shape
    (3, 4, 5)
    >>> Slices(start=1, stop=-1).frames(Volume(np.zeros((4, 5, 6)))).shape
    (2, 5, 6)
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

    start: int | None = attrs.field(
        default=None,
        validator=_optional_index,
        metadata=option("index of the first slice, from 0; negative counts from the end", int),
    )
    stop: int | None = attrs.field(
        default=None,
        validator=_optional_index,
        metadata=option("index after that of the last slice", int),
    )

    def _panel(self, volume: Volume, /) -> Panel:
        data = np.moveaxis(volume.data, AXES.index(self.axis), 0)
        count = len(data)
        shown = range(count)[self.start : self.stop]
        if not shown:
            given = (("start", self.start), ("stop", self.stop))
            raise ArgumentError(
                f"start and stop must leave at least one of {count} slices along {self.axis}, got "
                + " and ".join(f"{name}={value}" for name, value in given if value is not None),
                arguments=("start", "stop"),
            )
        first = count // 2 if count // 2 in shown else shown[len(shown) // 2]
        middle, offset = divmod(first - shown[0], self.step)
        kept = shown[offset :: self.step]
        frames, pixel_size = _with_square_pixels(
            volume, self.axis, data[kept[0] : kept[-1] + 1 : self.step]
        )
        digits = len(str(count))
        style = Style(
            labels=[f"{self.axis} = {k:{FIGURE_SPACE}>{digits}} of {count}" for k in kept],
            pixel_size=pixel_size,
            ping_pong=True,
            first_frame=middle,
        )
        return Panel(frames, style)


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
