"""`ImageGrid`: shape and pixel size of the images of a tilt series."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import attrs
import numpy as np

from libtilt.errors.checks import Float64Array, to_image_shape, to_pixel_size
from libtilt.geometry.grid import Grid
from libtilt.geometry.tolerances import same_spacing
from libtilt.geometry.window import Window


@attrs.frozen(slots=False)
class ImageGrid(Grid):
    """Shape and pixel size of images, without their data.

    The geometry holds the positions of the images: its shifts place the rotation center relative
    to the pixel at ``shape // 2``. Cropping or binning images therefore changes the shifts by minus
    the `displacement` of the new grid, as `libtilt.TiltSeries.crop` does.

    Parameters
    ----------
    shape : tuple of int
        ``(h, w)``.
    pixel_size : float, optional
        Angstroms.

    Raises
    ------
    ValueError
        If the shape or the pixel size is not positive.

    Examples
    --------
    >>> from libtilt import ImageGrid
    >>> ImageGrid((7, 8), pixel_size=2.0).bin(2)
    ImageGrid(shape=(3, 4), pixel_size=4.0)
    """

    _axes: ClassVar[str] = "yx"
    _kind: ClassVar[str] = "image"

    shape: tuple[int, ...] = attrs.field(converter=to_image_shape)
    pixel_size: float = attrs.field(default=1.0, converter=to_pixel_size)

    @property
    def axes(self) -> tuple[Float64Array, Float64Array]:
        """Pixel positions along x and y, in angstroms from the pixel at ``shape // 2``."""
        x, y = (
            (np.arange(n, dtype=np.float64) - n // 2) * self.pixel_size for n in self.shape[::-1]
        )
        return x, y

    def displacement(self, index: Any) -> Float64Array:
        """Return the center of a part relative to this grid's center: x, y in angstroms, `(2,)`.

        The shifts of the part are smaller by this displacement.

        Parameters
        ----------
        index : tuple of slice
            Rows and columns of the part.

        Raises
        ------
        IndexError
            If the index is not made of slices, or selects no pixel.

        Examples
        --------
        >>> from libtilt import ImageGrid
        >>> ImageGrid((8, 8), pixel_size=2.0).displacement((slice(0, 4), slice(0, 8))).tolist()
        [0.0, -4.0]
        """
        return self.pixel_size * Window.from_index(self.shape, index).center_shift

    def describe_difference(self, other: ImageGrid) -> str:
        """Describe the difference from another grid; an empty text if they agree.

        Pixel sizes agree to a relative 1e-4.

        Examples
        --------
        >>> from libtilt import ImageGrid
        >>> ImageGrid((4, 4)).describe_difference(ImageGrid((4, 5)))
        'shapes differ: (4, 4) and (4, 5)'
        """
        if self.shape != other.shape:
            return f"shapes differ: {self.shape} and {other.shape}"
        if not same_spacing(self.pixel_size, other.pixel_size):
            return f"pixel sizes differ: {self.pixel_size} and {other.pixel_size}"
        return ""

    def from_window(self, window: Window) -> Self:
        """Return the grid of a window of this one; the window's steps must be equal."""
        if len(set(window.steps)) > 1:
            raise ValueError(
                "pixels must stay square: expected equal steps for rows and columns, "
                f"got {window.steps}"
            )
        return attrs.evolve(self, shape=window.shape, pixel_size=self.pixel_size * window.steps[0])
