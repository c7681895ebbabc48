"""Completion of a projector's grids by those of its data."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from libtilt.errors.checks import Float64Array, real_data, to_voxel_size
from libtilt.errors.warning import warn
from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid
from libtilt.geometry.describing import describe_geometry_difference
from libtilt.geometry.tolerances import same_spacing
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


@attrs.frozen(eq=False)
class PartialGrids:
    """Known fields of a `VolumeGrid` and an `ImageGrid`, or None."""

    volume_shape: tuple[int, ...] | None = None
    voxel_size: Float64Array | None = None
    center: Float64Array | None = None
    image_shape: tuple[int, ...] | None = None
    pixel_size: float | None = None

    @classmethod
    def from_grids(cls, volume: VolumeGrid | None, images: ImageGrid | None) -> PartialGrids:
        """Return the fields of complete grids."""
        known: dict[str, Any] = {}
        if volume is not None:
            known = {name: getattr(volume, name) for name in ("voxel_size", "center")}
            known["volume_shape"] = volume.shape
        if images is not None:
            known |= {"image_shape": images.shape, "pixel_size": images.pixel_size}
        return cls(**known)


NO_GRIDS = PartialGrids()


def complete_grids(
    known: PartialGrids, data: PartialGrids, geometry: TiltGeometry, purpose: str
) -> tuple[VolumeGrid, ImageGrid]:
    """Return both grids: fields that the projector knows, completed by those of its data.

    `geometry` requires a known spacing if it has shifts; `purpose` ("to backproject") completes
    error messages. Raises a ValueError if the two disagree or a required field is missing.
    """
    if known.volume_shape and known.voxel_size is None and known.pixel_size is not None:
        # A given volume shape fixes the operator, so that the pixel size sets the voxel size.
        known = attrs.evolve(known, voxel_size=to_voxel_size(known.pixel_size))
    _require_agreement(known, data)
    shape = known.volume_shape or data.volume_shape
    if shape is None:
        height, width = known.image_shape or data.image_shape or ("height", "width")
        raise ValueError(
            f"volume_shape is required {purpose}: pass Projector(..., "
            f"volume_shape=(depth, {height}, {width})), or volume_grid=..."
        )
    sizes = (known.voxel_size, data.voxel_size, known.pixel_size, data.pixel_size)
    spacings: list[Any] = [size for size in sizes if size is not None]
    if not spacings and geometry.shifts.any():
        raise ValueError(
            f"voxel_size is required {purpose}, since the geometry has shifts in angstroms "
            "and plain arrays have no spacing: pass Projector(..., voxel_size=...), or a Volume "
            "or TiltSeries"
        )
    center = known.center if known.center is not None else data.center
    volume = VolumeGrid(
        shape,
        to_voxel_size(spacings[0] if spacings else 1.0),
        np.zeros(3) if center is None else center,
    )
    pixel = known.pixel_size or data.pixel_size or float(volume.voxel_size[0])
    images = known.image_shape or data.image_shape
    if images is None:
        images = _default_image_shape(volume)
    return volume, ImageGrid(images, pixel)


def data_grids(volume: Any, tilt_series: Any) -> PartialGrids:
    """Return the grids of a volume and a tilt series; for plain arrays, their shapes."""
    if isinstance(volume, TiltSeries | ImageGrid):
        raise TypeError(f"volume must be a Volume or an array, got {type(volume).__name__}")
    if isinstance(tilt_series, Volume | VolumeGrid):
        kind = type(tilt_series).__name__
        raise TypeError(f"tilt_series must be a TiltSeries or an array, got {kind}")
    volume = volume.grid if isinstance(volume, Volume) else volume
    images = tilt_series.grid if isinstance(tilt_series, TiltSeries) else tilt_series
    known = PartialGrids.from_grids(
        volume if isinstance(volume, VolumeGrid) else None,
        images if isinstance(images, ImageGrid) else None,
    )
    if volume is not None and not isinstance(volume, VolumeGrid):
        known = attrs.evolve(known, volume_shape=real_data(volume, "volume", 3).shape)
    if images is not None and not isinstance(images, ImageGrid):
        shape = real_data(images, "tilt_series", 3).shape[1:]
        known = attrs.evolve(known, image_shape=shape)
    return known


def warn_of_replaced_geometry(geometry: TiltGeometry, tilt_series: Any) -> None:
    """Warn if a projector's geometry differs from that of a tilt series, which it replaces."""
    if not isinstance(tilt_series, TiltSeries) or len(tilt_series) != len(geometry):
        return
    size = tilt_series.pixel_size
    if difference := describe_geometry_difference(geometry, tilt_series.geometry, size):
        message = (
            f"the projector's geometry differs from the series' ({difference}) and replaces it. If "
            "that is intended, pass tilt_series.evolve(geometry=projector.geometry)"
        )
        warn(message)


def _require_agreement(known: PartialGrids, data: PartialGrids) -> None:
    if known.volume_shape and data.volume_shape not in (None, known.volume_shape):
        raise ValueError(
            f"volume must have the projector's volume_shape {known.volume_shape}, "
            f"got {data.volume_shape}: Projector(geometry) without a volume grid takes any volume"
        )
    if known.image_shape and data.image_shape not in (None, known.image_shape):
        raise ValueError(
            f"tilt_series must have the projector's image_shape {known.image_shape}, "
            f"got {data.image_shape}"
        )
    for name, owner in (("voxel_size", "volume"), ("pixel_size", "tilt_series")):
        own, other = getattr(known, name), getattr(data, name)
        if own is not None and other is not None and not same_spacing(own, other):
            own, other = (np.asarray(size).tolist() for size in (own, other))
            raise ValueError(f"{owner} must have the projector's {name} {own}, got {other}")
    if known.center is not None and data.center is not None:
        size = next(s for s in (known.voxel_size, data.voxel_size) if s is not None)
        here, there = (VolumeGrid((1, 1, 1), size, place) for place in (known.center, data.center))
        if here.describe_difference(there):
            raise ValueError(
                f"volume must have the projector's center {here.center.tolist()}, got "
                f"{there.center.tolist()} Å: use Projector(geometry), which takes the grid of its "
                "volume, or Projector(geometry, volume_grid=volume.grid)"
            )


def _default_image_shape(volume: VolumeGrid) -> tuple[int, ...]:
    """Return height and width of a volume, which must lie at the rotation center."""
    # `bin` moves the center by less than half a voxel.
    if (np.abs(volume.center[:2]) > 0.5 * volume.voxel_size[:2]).any():
        raise ValueError(
            "image_shape is required for a volume away from the rotation center: its center is "
            f"{volume.center.tolist()} Å, and images of its height and width would not show all "
            "of it; pass Projector(..., image_shape=...)"
        )
    return volume.shape[1:]
