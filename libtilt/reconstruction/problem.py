"""What every reconstruction starts from: images, and the projector that would make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt._checks import floating_dtype, require_finite, to_volume_shape
from libtilt.backends.base import Backend
from libtilt.preparation import require_usable
from libtilt.projector import Projector
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


@attrs.frozen(eq=False)
class Problem:
    """Images to explain by a volume, checked and of one kind of float.

    Attributes
    ----------
    projector : Projector
        It alone computes, with both grids known; what a subclass of it overrides is used.
    images : ndarray, shape (n, h, w)
        float32 or float64.
    """

    projector: Projector
    images: NDArray[Any]

    @classmethod
    def of(
        cls,
        tilt_series: TiltSeries,
        projector: Projector | None,
        volume_shape: tuple[int, ...] | None,
        *,
        driven: str = "ray",
        backend: str | type[Backend] | Backend = "auto",
    ) -> Self:
        """Return the problem of a tilt series; raise where it cannot be one."""
        if not isinstance(tilt_series, TiltSeries):
            raise TypeError(
                "tilt_series must be a TiltSeries, which knows its geometry, got "
                f"{type(tilt_series).__name__}: make one with TiltSeries(images, geometry)"
            )
        projector = _projector(tilt_series, projector, volume_shape, driven, backend)
        images = tilt_series.images.astype(floating_dtype(tilt_series.dtype), copy=False)
        require_usable(tilt_series)
        if len(images) != len(projector.geometry):
            raise ValueError(
                f"projector must have one tilt per image: expected {len(images)}, "
                f"got {len(projector.geometry)}"
            )
        return cls(projector._between(None, tilt_series, "to reconstruct"), images)

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project an array."""
        return self.projector._forward(volume)

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject an array."""
        return self.projector._adjoint(images)

    def volume(self, data: NDArray[Any]) -> Volume:
        """Return an array as a volume of the projector's type, not copied."""
        domain = self.projector.domain
        return self.projector.volume_type(data, voxel_size=domain.voxel_size, center=domain.center)

    def subset(self, index: Any) -> Problem:
        """Return the problem of some of the tilts."""
        part = self.projector.evolve(geometry=self.projector.geometry[index])
        return attrs.evolve(self, projector=part, images=self.images[index])

    def start(self, volume: Any) -> NDArray[Any]:
        """Return a new array that starts from `volume`, or from zero where that is None."""
        return np.array(self.like_volume(volume, "start")) if volume is not None else self.zeros()

    def zeros(self) -> NDArray[Any]:
        """Return an empty volume."""
        return np.zeros(self.projector.domain.shape, self.images.dtype)

    def like_volume(self, value: Any, name: str) -> NDArray[Any]:
        """Return what was given for each voxel, checked and in the type of the images."""
        array, shape = np.asarray(value), self.projector.domain.shape
        if array.shape != shape:
            raise ValueError(f"{name} must have the volume's shape {shape}, got {array.shape}")
        require_finite(array, name)
        return array.astype(self.images.dtype, copy=False)


def _projector(
    tilt_series: TiltSeries,
    projector: Projector | None,
    volume_shape: tuple[int, ...] | None,
    driven: str,
    backend: str | type[Backend] | Backend,
) -> Projector:
    if projector is None:
        if volume_shape is None:
            _, height, width = tilt_series.shape
            raise ValueError(
                "volume_shape must be given where no projector is: pass "
                f"volume_shape=(depth, {height}, {width}), or projector=Projector(...)"
            )
        return Projector(
            tilt_series.geometry,
            volume_shape=to_volume_shape(volume_shape),
            pixel_size=tilt_series.pixel_size,
            driven=driven,
            backend=backend,
        )
    if not isinstance(projector, Projector):
        raise TypeError(f"projector must be a Projector, got {type(projector).__name__}")
    if volume_shape is None:
        return projector
    return projector.evolve(volume_grid=None, volume_shape=to_volume_shape(volume_shape))


Callback = Callable[[int, Volume, float], object]
"""Called after each iteration with its number, from 1, the volume so far and its residual."""
