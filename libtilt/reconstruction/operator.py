"""The projector of a reconstruction, on the requested grid or one with a margin."""

from __future__ import annotations

from libtilt.backends.base import Backend
from libtilt.errors.checks import require_kind, to_volume_shape
from libtilt.errors.log import logger
from libtilt.geometry import VolumeGrid
from libtilt.projector import Projector
from libtilt.projector.completion import warn_of_replaced_geometry
from libtilt.reconstruction.margin import add_margin
from libtilt.tilt_series import TiltSeries


def projector_for(
    tilt_series: TiltSeries,
    *,
    volume_grid: VolumeGrid | None,
    volume_shape: tuple[int, ...] | None,
    projector: Projector | None,
    backend: str | type[Backend] | Backend,
) -> Projector:
    """Return the given projector, or a new one for the series, on the requested grid."""
    if volume_grid is not None and volume_shape is not None:
        raise ValueError("pass volume_grid or volume_shape, not both")
    if volume_grid is not None:
        require_kind(volume_grid, VolumeGrid, "volume_grid")
    if volume_shape is not None:
        volume_shape = to_volume_shape(volume_shape)
    if projector is None:
        projector = Projector(tilt_series.geometry, image_grid=tilt_series.grid, backend=backend)
        if volume_grid is None and volume_shape is None:
            _, height, width = tilt_series.shape
            raise ValueError(
                "volume_shape is required without a projector: pass "
                f"volume_shape=(depth, {height}, {width}), or projector=Projector(...)"
            )
    require_kind(projector, Projector, "projector")
    if volume_shape is not None and projector.volume_grid is not None:
        own = projector.volume_grid
        volume_grid, volume_shape = VolumeGrid(volume_shape, own.voxel_size, own.center), None
    if volume_grid is not None:
        return _on_grid(projector, volume_grid)
    if volume_shape is not None:
        return projector.evolve(volume_shape=volume_shape)
    return projector


def _on_grid(projector: Projector, grid: VolumeGrid) -> Projector:
    """Return the projector with the given domain."""
    return projector.evolve(volume_grid=grid, volume_shape=None, voxel_size=None)


def operator_with_margin(
    tilt_series: TiltSeries, projector: Projector, margin: int | str
) -> tuple[Projector, VolumeGrid]:
    """Return the projector on the grid with its margin, and the requested grid."""
    count = len(tilt_series)
    if count != len(projector.geometry):
        raise ValueError(
            f"projector must have one tilt per image: expected {count}, "
            f"got {len(projector.geometry)}"
        )
    warn_of_replaced_geometry(projector.geometry, tilt_series)
    operator = projector._between(None, tilt_series, "to reconstruct")
    requested = operator.domain
    wide = add_margin(requested, operator.range, operator.geometry, margin)
    if wide.shape != requested.shape:
        logger.info("margin: computed on %s voxels, cropped to %s", wide.shape, requested.shape)
        operator = _on_grid(projector, wide)._between(None, tilt_series, "to reconstruct")
    return operator, requested
