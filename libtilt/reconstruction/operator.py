"""The projector of a reconstruction: on the grid that was asked for, or on a wider one."""

from __future__ import annotations

from libtilt.backends.base import Backend
from libtilt.errors.checks import require_kind, to_volume_shape
from libtilt.geometry import VolumeGrid
from libtilt.projector import Projector
from libtilt.reconstruction.margin import widened
from libtilt.tilt_series import TiltSeries


def projector_for(
    tilt_series: TiltSeries,
    *,
    volume_grid: VolumeGrid | None,
    volume_shape: tuple[int, ...] | None,
    projector: Projector | None,
    backend: str | type[Backend] | Backend,
) -> Projector:
    """Return the projector given, on another grid where one is, or a new one for the series."""
    if volume_grid is not None and volume_shape is not None:
        raise ValueError("give volume_grid or volume_shape, not both")
    if volume_grid is not None:
        require_kind(volume_grid, VolumeGrid, "volume_grid")
    if volume_shape is not None:
        volume_shape = to_volume_shape(volume_shape)
    if projector is None:
        projector = Projector(tilt_series.geometry, image_grid=tilt_series.grid, backend=backend)
        if volume_grid is None and volume_shape is None:
            _, height, width = tilt_series.shape
            raise ValueError(
                "volume_shape must be given where no projector is: pass "
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
    """Return the projector with another domain."""
    return projector.evolve(volume_grid=grid, volume_shape=None, voxel_size=None)


def operator_and_grid(
    tilt_series: TiltSeries, projector: Projector, margin: int | str
) -> tuple[Projector, VolumeGrid]:
    """Return the projector on a grid that is wide enough, and the grid that was asked for."""
    count = len(tilt_series)
    if count != len(projector.geometry):
        raise ValueError(
            f"projector must have one tilt per image: expected {count}, "
            f"got {len(projector.geometry)}"
        )
    operator = projector._between(None, tilt_series, "to reconstruct")
    asked = operator.domain
    wide = widened(asked, operator.range, operator.geometry, margin)
    if wide.shape != asked.shape:
        operator = _on_grid(projector, wide)._between(None, tilt_series, "to reconstruct")
    return operator, asked
