"""The shapes and spacings of a projection: what a projector knows, completed by its data."""

from __future__ import annotations

import attrs
import numpy as np

from libtilt._checks import Float64Array, to_voxel_size
from libtilt.geometry import TiltGeometry
from libtilt.grids import sampling_grids, voxels_per_sample


@attrs.frozen(eq=False)
class Frame:
    """Shapes and spacings of one projection, all known.

    Attributes
    ----------
    volume_shape, image_shape : tuple of int
        ``(d, h, w)`` and ``(h, w)``.
    voxel_size : ndarray, shape (3,)
        x, y, z in angstroms.
    pixel_size : float
        Angstroms.
    """

    volume_shape: tuple[int, ...]
    image_shape: tuple[int, ...]
    voxel_size: Float64Array
    pixel_size: float

    def grids(self, geometry: TiltGeometry) -> Float64Array:
        """Return the matrices `(n, 3, 4)` from pixel and depth indices to voxel indices."""
        return sampling_grids(
            geometry.rotation_matrices,
            geometry.shifts,
            self.volume_shape,
            self.image_shape,
            self.voxel_size,
            self.pixel_size,
            geometry.magnifications,
        )

    def voxels_per_sample(self, geometry: TiltGeometry) -> Float64Array:
        """Return for each tilt how many voxels a pixel and a depth step enclose."""
        return voxels_per_sample(self.grids(geometry), geometry.magnifications)


@attrs.frozen(eq=False)
class PartialFrame:
    """What a projector knows before it sees data; None where it does not.

    Attributes
    ----------
    volume_shape, image_shape, voxel_size, pixel_size
        As in `Frame`.
    """

    volume_shape: tuple[int, ...] | None
    image_shape: tuple[int, ...] | None
    voxel_size: Float64Array | None
    pixel_size: float | None

    def with_volume(self, shape: tuple[int, ...], voxel_size: Float64Array | None) -> Frame:
        """Complete it by a volume to project; raise a ValueError where they disagree."""
        if self.volume_shape not in (None, shape):
            raise ValueError(
                f"volume must have the projector's volume_shape {self.volume_shape}, got {shape}"
            )
        if voxel_size is None:
            voxel_size = _first_known(self.voxel_size, self.pixel_size)
        elif self.voxel_size is not None:
            if _differ(voxel_size, self.voxel_size):
                raise ValueError(
                    f"volume must have the projector's voxel_size {self.voxel_size.tolist()}, "
                    f"got {voxel_size.tolist()}"
                )
            # Its own, to the last digit: the adjoint knows no other.
            voxel_size = self.voxel_size
        return Frame(
            volume_shape=shape,
            image_shape=self.image_shape or shape[1:],
            voxel_size=voxel_size,
            pixel_size=self.pixel_size or float(voxel_size[0]),
        )

    def with_images(self, shape: tuple[int, ...], pixel_size: float | None) -> Frame:
        """Complete it by images to backproject; raise a ValueError where they disagree."""
        if self.volume_shape is None:
            raise ValueError(
                "volume_shape must be given to backproject: pass Projector(..., "
                f"volume_shape=(depth, {shape[0]}, {shape[1]}))"
            )
        if self.image_shape not in (None, shape):
            raise ValueError(
                f"tilt_series must have the projector's image_shape {self.image_shape}, got {shape}"
            )
        known = self.pixel_size
        if pixel_size is not None and known is not None and _differ(pixel_size, known):
            raise ValueError(
                f"tilt_series must have the projector's pixel_size {known}, got {pixel_size}"
            )
        voxel_size = _first_known(self.voxel_size, known, pixel_size)
        return Frame(
            volume_shape=self.volume_shape,
            image_shape=shape,
            voxel_size=voxel_size,
            pixel_size=known or pixel_size or float(voxel_size[0]),
        )


def _first_known(*sizes: Float64Array | float | None) -> Float64Array:
    return to_voxel_size(next((size for size in sizes if size is not None), 1.0))


def _differ(size: Float64Array | float, other: Float64Array | float) -> bool:
    return not np.allclose(size, other, rtol=1e-4)
