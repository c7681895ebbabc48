"""`ImageGrid`: shape and pixel size of the images of a series."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import attrs
import numpy as np

from libtilt.errors.checks import Float64Array, to_image_shape, to_pixel_size
from libtilt.geometry.agreement import same_spacing
from libtilt.geometry.grid import Grid
from libtilt.geometry.window import Window


@attrs.frozen(slots=False)
class ImageGrid(Grid):
    """Shape and pixel size of images, without their data.

    Where the images lie is said by the geometry: its shifts are the places of the rotation center,
    measured from the pixel at ``shape // 2``. What cuts or bins images therefore moves the shifts,
    as `libtilt.TiltSeries.crop` does, by minus the `displacement` of the new grid.

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
        """The places of the pixels along x and y, in angstroms from the pixel ``shape // 2``."""
        x, y = (
            (np.arange(n, dtype=np.float64) - n // 2) * self.pixel_size for n in self.shape[::-1]
        )
        return x, y

    def displacement(self, index: Any) -> Float64Array:
        """Return how far the center of a part lies from this grid's: x, y in angstroms, `(2,)`.

        The shifts of the part are smaller by that.

        Parameters
        ----------
        index : tuple of slice
            Rows and columns of the part; an IndexError where they select nothing.

        Examples
        --------
        >>> from libtilt import ImageGrid
        >>> ImageGrid((8, 8), pixel_size=2.0).displacement((slice(0, 4), slice(0, 8))).tolist()
        [0.0, -4.0]
        """
        return self.pixel_size * Window.of(self.shape, index).moved

    def difference(self, other: ImageGrid) -> str:
        """Say how another grid differs, to 1e-4 of the pixel size; empty where they agree.

        Examples
        --------
        >>> from libtilt import ImageGrid
        >>> ImageGrid((4, 4)).difference(ImageGrid((4, 5)))
        'shapes do not fit: (4, 4) and (4, 5)'
        """
        if self.shape != other.shape:
            return f"shapes do not fit: {self.shape} and {other.shape}"
        if not same_spacing(self.pixel_size, other.pixel_size):
            return f"pixel sizes differ: {self.pixel_size} and {other.pixel_size}"
        return ""

    def within(self, window: Window) -> Self:
        """Return the grid of a window; its pixels are squares."""
        if len(set(window.steps)) > 1:
            raise ValueError(
                f"pixels must stay squares, got steps {window.steps} for rows, columns"
            )
        return attrs.evolve(self, shape=window.shape, pixel_size=self.pixel_size * window.steps[0])
