"""`Sizes`: what the user says of a stack and its tomogram, where a file does not."""

from __future__ import annotations

from typing import Any

import attrs

from libtilt.alignment.plausible import to_axis_angle
from libtilt.errors import MissingArgumentError
from libtilt.errors.checks import length, shape_of, to_pixel_size, to_volume_shape

HINTS = {
    "stack_shape": "stack_shape=(n, h, w)",
    "volume_shape": "volume_shape=(d, h, w)",
    "pixel_size": "pixel_size=...",
    "tilt_axis_angle": "tilt_axis_angle=... in degrees from y",
}


def to_voxel_size(value: Any) -> float:
    """Return one positive voxel size: alignments have cubic voxels."""
    return length(value, "voxel_size")


def to_stack_shape(value: Any) -> tuple[int, ...]:
    """Return ``(n, h, w)``."""
    return shape_of(value, 3, "stack_shape")


@attrs.frozen
class Sizes:
    """What the user says of a stack and its tomogram, in place of what a file leaves out.

    Parameters
    ----------
    stack_shape : tuple of int, optional
        ``(n, h, w)`` of the raw stack.
    pixel_size : float, optional
        Of the raw stack, in angstroms.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of the tomogram, in its own voxels.
    voxel_size : float, optional
        Of the tomogram, in angstroms; by default what the file's binning makes of the pixel size.
    tilt_axis_angle : float, optional
        Degrees from the images' y axis, in place of whatever a file says.

    Raises
    ------
    ValueError
        If a shape or a length is not positive, or the angle lies beyond 360 degrees.

    Examples
    --------
    >>> from libtilt.alignment import Sizes
    >>> Sizes(stack_shape=(41, 4092, 5760), pixel_size=1.35).image_shape
    (4092, 5760)
    """

    stack_shape: tuple[int, ...] | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_stack_shape)
    )
    pixel_size: float | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_pixel_size)
    )
    volume_shape: tuple[int, ...] | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_volume_shape)
    )
    voxel_size: float | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_voxel_size)
    )
    tilt_axis_angle: float | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_axis_angle)
    )

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """``(h, w)`` of the raw images."""
        return None if self.stack_shape is None else self.stack_shape[1:]

    def require(self, name: str, file: str) -> Any:
        """Return a size by name, or raise an error that says which file lacks it."""
        value = getattr(self, name)
        if value is None:
            raise MissingArgumentError(
                f"{file} does not say the {name}: give {HINTS[name]}", arguments=(name,)
            )
        return value

    def require_count(self, found: int, file: str) -> int:
        """Return the number of raw images; raise a ValueError where the user's is another one."""
        if self.stack_shape is not None and self.stack_shape[0] != found:
            raise ValueError(
                f"{file} is of a stack with {found} images, the stack has {self.stack_shape[0]}"
            )
        return found


@attrs.frozen
class KnownSizes(Sizes):
    """Sizes of which all are known, but for a tilt axis angle that nobody gave."""

    stack_shape: tuple[int, ...] = attrs.field(kw_only=True, converter=to_stack_shape)
    pixel_size: float = attrs.field(kw_only=True, converter=to_pixel_size)
    volume_shape: tuple[int, ...] = attrs.field(kw_only=True, converter=to_volume_shape)
    voxel_size: float = attrs.field(kw_only=True, converter=to_voxel_size)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """``(h, w)`` of the raw images."""
        return self.stack_shape[1:]


def default_volume_shape(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the tomogram's shape where nobody says it: as wide and high as the images."""
    height, width = image_shape
    return width, height, width
