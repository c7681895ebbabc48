"""`Sizes`: sizes of a stack and its tomogram that a file does not hold."""

from __future__ import annotations

from typing import Any

import attrs
from attrs.converters import optional

from libtilt.alignment.plausible import to_axis_angle
from libtilt.errors import MissingArgumentError
from libtilt.errors.checks import length, positive_integer, shape_of, to_pixel_size, to_volume_shape
from libtilt.errors.log import logger

HINTS = {
    "stack_shape": "stack_shape=(n, h, w)",
    "volume_shape": "volume_shape=(d, h, w)",
    "pixel_size": "pixel_size=...",
    "tilt_axis_angle": "tilt_axis_angle=... in degrees from y",
}
_WORDS = {"stack_shape": "size of the stack", "volume_shape": "size of the tomogram"}


def to_voxel_size(value: Any) -> float:
    """Return a positive voxel size; alignments have cubic voxels."""
    return length(value, "voxel_size")


def _to_thickness(value: Any) -> int:
    return positive_integer(value, "thickness")


def to_stack_shape(value: Any) -> tuple[int, ...]:
    """Return ``(n, h, w)``."""
    return shape_of(value, 3, "stack_shape")


@attrs.frozen(kw_only=True)
class Sizes:
    """Sizes of a stack and its tomogram, for files that do not hold them.

    Parameters
    ----------
    stack_shape : tuple of int, optional
        ``(n, h, w)`` of the raw stack.
    pixel_size : float, optional
        Pixel size of the raw stack, in angstroms.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of the tomogram, in its own voxels.
    voxel_size : float, optional
        Voxel size of the tomogram, in angstroms; by default the pixel size times the binning of
        the file.
    thickness : int, optional
        Depth of the tomogram in its own voxels, overriding the file; its center is kept.
    tilt_axis_angle : float, optional
        Tilt axis angle in degrees from the images' y axis, overriding the file.

    Raises
    ------
    ValueError
        If a shape or a length is not positive, or the angle exceeds 360 degrees.

    Examples
    --------
    >>> from libtilt.alignment import Sizes
    >>> Sizes(stack_shape=(41, 4092, 5760), pixel_size=1.35).image_shape
    (4092, 5760)
    """

    stack_shape: tuple[int, ...] | None = attrs.field(
        default=None, converter=optional(to_stack_shape)
    )
    pixel_size: float | None = attrs.field(default=None, converter=optional(to_pixel_size))
    volume_shape: tuple[int, ...] | None = attrs.field(
        default=None, converter=optional(to_volume_shape)
    )
    voxel_size: float | None = attrs.field(default=None, converter=optional(to_voxel_size))
    thickness: int | None = attrs.field(default=None, converter=optional(_to_thickness))
    tilt_axis_angle: float | None = attrs.field(default=None, converter=optional(to_axis_angle))

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """``(h, w)`` of the raw images."""
        return None if self.stack_shape is None else self.stack_shape[1:]

    def require(self, name: str, file: str) -> Any:
        """Return a size by name, or raise an error that names the file that lacks it."""
        value = getattr(self, name)
        if value is None:
            raise MissingArgumentError(
                f"{file} does not hold the {_WORDS.get(name, name.replace('_', ' '))}: "
                f"pass {HINTS[name]}",
                arguments=(name,),
            )
        return value

    def require_count(self, found: int, file: str) -> int:
        """Return the number of raw images; raise a ValueError if `stack_shape` has another one."""
        if self.stack_shape is not None and self.stack_shape[0] != found:
            raise ValueError(
                f"{file} is for a stack of {found} images, but the stack has {self.stack_shape[0]}"
            )
        return found


@attrs.frozen(kw_only=True)
class KnownSizes(Sizes):
    """Complete sizes; only the thickness and the tilt axis angle may be None."""

    stack_shape: tuple[int, ...] = attrs.field(converter=to_stack_shape)
    pixel_size: float = attrs.field(converter=to_pixel_size)
    volume_shape: tuple[int, ...] = attrs.field(converter=to_volume_shape)
    voxel_size: float = attrs.field(converter=to_voxel_size)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """``(h, w)`` of the raw images."""
        return self.stack_shape[1:]


def default_volume_shape(
    image_shape: tuple[int, ...], *, thickness: int | None = None
) -> tuple[int, ...]:
    """Return the default shape of a tomogram: as high and wide as the images, as deep as wide."""
    height, width = image_shape
    if thickness is not None:
        return thickness, height, width
    logger.info("tomogram: as high, wide and deep as the images are, %s", (width, height, width))
    return width, height, width
