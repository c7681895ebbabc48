"""`Grid`: the base of the grids of voxels and of pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

from libtilt.geometry.window import Window, slab_slices


class Grid(ABC):
    """Base of `libtilt.VolumeGrid` and `libtilt.ImageGrid`.

    New grids keep the class and its added fields, and their elements keep their positions. An
    index has at most one slice per axis, with positive steps.
    """

    shape: tuple[int, ...]
    _axes: ClassVar[str]
    _kind: ClassVar[str]

    @abstractmethod
    def from_window(self, window: Window) -> Self:
        """Return the grid of a window of this one."""

    def crop(self, shape: tuple[int, ...], *, center: tuple[int, ...] | None = None) -> Self:
        """Return the grid of a box, as `libtilt.Volume.crop` and `libtilt.TiltSeries.crop` do.

        Examples
        --------
        >>> from libtilt import VolumeGrid
        >>> VolumeGrid((8, 8, 8)).crop((2, 4, 4), center=(2, 4, 4)).center.tolist()
        [0.0, 0.0, -2.0]
        """
        return self.from_window(Window.crop(self.shape, shape, center, self._kind))

    def pad(self, shape: tuple[int, ...]) -> Self:
        """Return a larger grid with the same center, as `libtilt.Volume.pad` does.

        Examples
        --------
        >>> from libtilt import ImageGrid
        >>> ImageGrid((8, 8)).pad((9, 12)).shape
        (9, 12)
        """
        return self.from_window(Window.pad(self.shape, shape))

    def bin(self, factor: int | tuple[int, ...]) -> Self:
        """Return the grid of block averages, as `libtilt.Volume.bin` does.

        Its elements lie at the centers of the blocks. Images take one factor for both axes.

        Examples
        --------
        >>> from libtilt import ImageGrid, VolumeGrid
        >>> VolumeGrid((9, 9, 9)).bin(3).center.tolist()
        [0.0, 0.0, 0.0]
        >>> ImageGrid((9, 8)).bin(4)
        ImageGrid(shape=(2, 2), pixel_size=4.0)
        """
        return self.from_window(Window.bin(self.shape, factor))

    def slabs(self, size: int, *, axis: str = "y") -> list[Self]:
        """Cut the grid into slabs.

        Parameters
        ----------
        size : int
            Voxels or pixels of a slab along the axis; the last slab may have fewer.
        axis : {"x", "y", "z"}, optional
            Defaults to y, along the tilt axis, where a slab projects onto few rows of each image.
            Images have no z.

        Raises
        ------
        ValueError
            If `size` is not positive or the grid has no such axis.

        Examples
        --------
        >>> from libtilt import VolumeGrid
        >>> [slab.shape for slab in VolumeGrid((4, 10, 8)).slabs(4)]
        [(4, 4, 8), (4, 4, 8), (4, 2, 8)]
        """
        return [self[window] for window in slab_slices(self.shape, size, axis, self._axes)]

    def __getitem__(self, index: Any) -> Self:
        return self.from_window(Window.from_index(self.shape, index))
