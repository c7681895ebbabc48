"""The grids of a projection: what a projector was told, completed by its data."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from libtilt.errors.checks import Float64Array, to_voxel_size
from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid


@attrs.frozen(eq=False)
class Told:
    """What is known of both grids; None where nothing is.

    Attributes
    ----------
    volume_shape, image_shape : tuple of int or None
        ``(d, h, w)`` and ``(h, w)``.
    voxel_size : ndarray, shape (3,), or None
        x, y, z in angstroms.
    center : ndarray, shape (3,), or None
        Of the volume, x, y, z in angstroms.
    pixel_size : float or None
        Angstroms.
    """

    volume_shape: tuple[int, ...] | None = None
    voxel_size: Float64Array | None = None
    center: Float64Array | None = None
    image_shape: tuple[int, ...] | None = None
    pixel_size: float | None = None

    @classmethod
    def of(cls, volume: VolumeGrid | None, images: ImageGrid | None) -> Told:
        """Return what grids say."""
        told: dict[str, Any] = {}
        if volume is not None:
            told = {name: getattr(volume, name) for name in ("voxel_size", "center")}
            told["volume_shape"] = volume.shape
        if images is not None:
            told |= {"image_shape": images.shape, "pixel_size": images.pixel_size}
        return cls(**told)


NOTHING = Told()


def completed(
    told: Told, data: Told, geometry: TiltGeometry, purpose: str
) -> tuple[VolumeGrid, ImageGrid]:
    """Return both grids: those that a projector was told, and for the rest those of its data.

    Parameters
    ----------
    told : Told
        By whoever made the projector. What it says is taken to the last digit.
    data : Told
        Of the volume or the images at hand.
    geometry : TiltGeometry
        Whose shifts are lengths, so that a spacing must be known where there are some.
    purpose : str
        What for, in messages: "to backproject".

    Raises
    ------
    ValueError
        If the two disagree, or something is missing that would decide where things lie.
    """
    if told.volume_shape and told.voxel_size is None and told.pixel_size is not None:
        # Said of a volume too: its operator is fixed, whatever is projected.
        told = attrs.evolve(told, voxel_size=to_voxel_size(told.pixel_size))
    _require_agreement(told, data)
    shape = told.volume_shape or data.volume_shape
    if shape is None:
        height, width = told.image_shape or data.image_shape or ("height", "width")
        raise ValueError(
            f"volume_shape must be given {purpose}: pass Projector(..., "
            f"volume_shape=(depth, {height}, {width})), or volume_grid=..."
        )
    sizes = (told.voxel_size, data.voxel_size, told.pixel_size, data.pixel_size)
    known: list[Any] = [size for size in sizes if size is not None]
    if not known and geometry.shifts.any():
        raise ValueError(
            f"voxel_size must be given {purpose}, since the geometry has shifts, which are in "
            "angstroms, and an array or a shape does not say it: pass Projector(..., "
            "voxel_size=...), or a Volume or TiltSeries, which knows its own"
        )
    center = told.center if told.center is not None else data.center
    volume = VolumeGrid(
        shape,
        to_voxel_size(known[0] if known else 1.0),
        np.zeros(3) if center is None else center,
    )
    pixel = told.pixel_size or data.pixel_size or float(volume.voxel_size[0])
    images = told.image_shape or data.image_shape
    if images is None:
        images = _images_over(volume)
    return volume, ImageGrid(images, pixel)


def _require_agreement(told: Told, data: Told) -> None:
    if told.volume_shape and data.volume_shape not in (None, told.volume_shape):
        raise ValueError(
            f"volume must have the projector's volume_shape {told.volume_shape}, "
            f"got {data.volume_shape}: for volumes of any shape, pass "
            "Projector(..., image_grid=...) alone"
        )
    if told.image_shape and data.image_shape not in (None, told.image_shape):
        raise ValueError(
            f"tilt_series must have the projector's image_shape {told.image_shape}, "
            f"got {data.image_shape}"
        )
    for name, owner in (("voxel_size", "volume"), ("pixel_size", "tilt_series")):
        known, other = getattr(told, name), getattr(data, name)
        if (
            known is not None
            and other is not None
            and not np.allclose(known, other, rtol=1e-4, atol=0)
        ):
            known, other = (np.asarray(size).tolist() for size in (known, other))
            raise ValueError(f"{owner} must have the projector's {name} {known}, got {other}")
    if told.center is not None and data.center is not None:
        size = next(s for s in (told.voxel_size, data.voxel_size) if s is not None)
        here, there = (VolumeGrid((1, 1, 1), size, place) for place in (told.center, data.center))
        if here.difference(there):
            raise ValueError(
                f"volume must have the projector's center {here.center.tolist()}, got "
                f"{there.center.tolist()} A: pass Projector(..., image_grid=...) alone for volumes "
                "at any place, or volume_grid=volume.grid and image_grid=... for this one"
            )


def _images_over(volume: VolumeGrid) -> tuple[int, ...]:
    """Return the volume's height and width, which images of a volume at the rotation centre get."""
    # What `bin` moves the center by is less than half a voxel.
    if (np.abs(volume.center[:2]) > 0.5 * volume.voxel_size[:2]).any():
        raise ValueError(
            f"image_shape must be given for a volume beside the rotation centre: its center lies at"
            f" {volume.center.tolist()} A, and images of its own height and width about the "
            "rotation centre would not show all of it; pass Projector(..., image_shape=...)"
        )
    return volume.shape[1:]
