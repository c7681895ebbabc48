"""`VolumeGrid`: the positions of a volume's voxels in the specimen."""

from __future__ import annotations

from itertools import product
from typing import ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from libtilt.errors.checks import (
    Float64Array,
    finite_array,
    to_center,
    to_volume_shape,
    to_voxel_size,
)
from libtilt.geometry.frozen_classes import frozen
from libtilt.geometry.grid import Grid
from libtilt.geometry.tolerances import POSITION_TOLERANCE, same_spacing
from libtilt.geometry.window import Window


@frozen
class VolumeGrid(Grid):
    """Shape, voxel size and center of a volume, without its data.

    Parameters
    ----------
    shape : tuple of int
        ``(d, h, w)``.
    voxel_size : float or (3,), optional
        Angstroms, for all axes or for x, y, z.
    center : (3,), optional
        Position of the voxel at ``shape // 2`` in the specimen frame: x, y, z in angstroms from
        the rotation center.

    Raises
    ------
    ValueError
        If the shape or the voxel size is not positive, or `center` is not three numbers.

    Examples
    --------
    >>> from libtilt import VolumeGrid
    >>> grid = VolumeGrid((4, 6, 8), voxel_size=2.0)
    >>> half = grid[:, :3]
    >>> half.shape, half.center.tolist()
    ((4, 3, 8), [0.0, -4.0, 0.0])
    >>> grid.bin(2).center.tolist()
    [1.0, -1.0, 1.0]
    """

    _axes: ClassVar[str] = "zyx"
    _kind: ClassVar[str] = "volume"

    shape: tuple[int, ...] = attrs.field(converter=to_volume_shape)
    voxel_size: Float64Array = attrs.field(
        default=1.0, converter=to_voxel_size, repr=np.ndarray.tolist
    )
    center: Float64Array = attrs.field(
        default=(0.0, 0.0, 0.0), converter=to_center, repr=np.ndarray.tolist
    )

    @property
    def origin(self) -> Float64Array:
        """Position of voxel (0, 0, 0) in the specimen frame, x, y, z in angstroms."""
        return self.positions([0, 0, 0])

    @property
    def axes(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Voxel positions along x, y and z, in angstroms from the rotation center."""
        x, y, z = (
            center + size * (np.arange(n) - n // 2)
            for center, size, n in zip(self.center, self.voxel_size, self.shape[::-1], strict=True)
        )
        return x, y, z

    def positions(self, indices_zyx: ArrayLike) -> Float64Array:
        """Return the positions of voxels in the specimen: x, y, z in angstroms, `(..., 3)`.

        Parameters
        ----------
        indices_zyx : array_like, shape (..., 3)
            Voxel indices z, y, x, which may be fractional.

        Raises
        ------
        ValueError
            If the last axis does not hold three finite numbers.

        Examples
        --------
        >>> from libtilt import VolumeGrid
        >>> VolumeGrid((4, 6, 8), voxel_size=2.0).positions([2, 3, 5]).tolist()
        [2.0, 0.0, 0.0]
        """
        indices = _points(indices_zyx, "indices_zyx")
        offsets: Float64Array = (indices - self._middle)[..., ::-1] * self.voxel_size
        return self.center + offsets

    def indices(self, positions_xyz: ArrayLike) -> Float64Array:
        """Return voxel indices z, y, x of points x, y, z in angstroms: the inverse of `positions`.

        Indices may be fractional and may lie outside the grid.

        Examples
        --------
        >>> from libtilt import VolumeGrid
        >>> VolumeGrid((4, 6, 8), voxel_size=2.0).indices([3, 0, 0]).tolist()
        [2.0, 3.0, 5.5]
        """
        points = _points(positions_xyz, "positions_xyz")
        voxels: Float64Array = (points - self.center) / self.voxel_size
        return voxels[..., ::-1] + self._middle

    def corners(self, *, margin: float = 0.0) -> Float64Array:
        """Return the eight outermost voxel centers: x, y, z in angstroms, `(8, 3)`.

        Parameters
        ----------
        margin : float, optional
            Voxels added on each side: 0.5 gives the faces of the outermost voxels.

        Examples
        --------
        >>> from libtilt import VolumeGrid
        >>> VolumeGrid((3, 3, 3)).corners()[[0, -1]].tolist()
        [[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]
        """
        return self.positions(list(product(*((-margin, n - 1 + margin) for n in self.shape))))

    def describe_difference(self, other: VolumeGrid) -> str:
        """Describe the difference from another grid; an empty text if they agree.

        Voxel sizes agree to a relative 1e-4, centers to 1e-3 of a voxel.

        Examples
        --------
        >>> from libtilt import VolumeGrid
        >>> VolumeGrid((4, 4, 4)).describe_difference(VolumeGrid((4, 4, 4), voxel_size=2))
        'voxel sizes differ: [1.0, 1.0, 1.0] and [2.0, 2.0, 2.0]'
        >>> VolumeGrid((4, 4, 4)).describe_difference(VolumeGrid((4, 4, 4)))
        ''
        """
        if self.shape != other.shape:
            return f"shapes differ: {self.shape} and {other.shape}"
        if not same_spacing(self.voxel_size, other.voxel_size):
            return f"voxel sizes differ: {self.voxel_size.tolist()} and {other.voxel_size.tolist()}"
        if (np.abs(self.center - other.center) > POSITION_TOLERANCE * self.voxel_size).any():
            return f"centers differ: {self.center.tolist()} and {other.center.tolist()} Å"
        return ""

    def from_window(self, window: Window) -> Self:
        """Return the grid of a window of this one."""
        return attrs.evolve(
            self,
            shape=window.shape,
            voxel_size=self.voxel_size * window.steps_xyz,
            center=self.center + window.center_shift * self.voxel_size,
        )

    @property
    def _middle(self) -> Float64Array:
        return np.array([n // 2 for n in self.shape], dtype=np.float64)


def _points(value: ArrayLike, name: str) -> Float64Array:
    points = finite_array(value, name)
    if points.ndim == 0 or points.shape[-1] != 3:
        raise ValueError(f"{name} must have shape (..., 3), got {points.shape}")
    return points
