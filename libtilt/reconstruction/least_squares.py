"""`LeastSquares`: the weighted least-squares problem that methods solve."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.backends.base import Backend
from libtilt.errors.checks import floating_dtype, require_finite, require_kind
from libtilt.errors.log import logger
from libtilt.geometry import VolumeGrid
from libtilt.projector import Projector
from libtilt.projector.norms import operator_norm
from libtilt.reconstruction.arrays import squared_norm
from libtilt.reconstruction.operator import operator_with_margin, projector_for
from libtilt.reconstruction.pixel_weights import usable_images_and_weights
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


@attrs.frozen(eq=False, slots=False)
class LeastSquares:
    """The problem of minimizing ``sum(weights * (images - A x) ** 2)`` over volumes x.

    All arrays are validated and have one floating dtype. Methods take and return plain arrays,
    without validating them.

    Parameters
    ----------
    projector : Projector
        The operator A, with both grids known. Methods that a subclass overrides are used.
    images : ndarray, shape (n, h, w)
        float32 or float64, finite.
    grid : VolumeGrid
        Grid of the result. The projector's domain may be wider by a margin.
    weights : ndarray, shape (n, h, w), optional
        Weight of each pixel, 0 or more; by default 1.
    start : ndarray, shape (d, h, w), optional
        Initial volume; by default zeros.
    mask : ndarray, shape (d, h, w), optional
        Values between 0 and 1 that scale the steps of each voxel.

    Examples
    --------
    A step of steepest descent:

    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import LeastSquares
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 10)), (16, 16))
    >>> problem = LeastSquares.from_tilt_series(series, volume_shape=(16, 16, 16))
    >>> volume = problem.initial_volume()
    >>> volume += problem.descent(problem.residual(volume)) / problem.norm() ** 2
    >>> bool(problem.misfit(problem.residual(volume)) < 0.7)
    True
    """

    projector: Projector
    images: NDArray[Any]
    grid: VolumeGrid
    weights: NDArray[Any] | None = None
    start: NDArray[Any] | None = None
    mask: NDArray[Any] | None = None

    @classmethod
    def from_tilt_series(
        cls,
        tilt_series: TiltSeries,
        *,
        volume_grid: VolumeGrid | None = None,
        volume_shape: tuple[int, ...] | None = None,
        projector: Projector | None = None,
        backend: str | type[Backend] | Backend = "auto",
        driven: str | None = None,
        start: Volume | ArrayLike | None = None,
        mask: Volume | ArrayLike | None = None,
        weights: ArrayLike | None = None,
        nan: str = "raise",
        margin: int | str = 0,
    ) -> Self:
        """Return the problem of reconstructing a tilt series.

        Parameters and errors are those of `libtilt.reconstruction.reconstruct`; `driven`, "ray" or
        "voxel", replaces that of the projector.
        """
        require_kind(tilt_series, TiltSeries, "tilt_series")
        chosen = projector_for(
            tilt_series,
            volume_grid=volume_grid,
            volume_shape=volume_shape,
            projector=projector,
            backend=backend,
        )
        if driven is not None and chosen.driven != driven:
            chosen = chosen.evolve(driven=driven)
            logger.info("driven: %r, as the method requires", driven)
        dtype = floating_dtype(tilt_series.dtype)
        images, pixel_weights = usable_images_and_weights(tilt_series, dtype, weights, nan)
        operator, grid = operator_with_margin(tilt_series, chosen, margin)
        problem = cls(operator, images, grid, weights=pixel_weights)
        return attrs.evolve(
            problem,
            start=None if start is None else problem.expand_to_domain(start, "start", fill=0.0),
            mask=None if mask is None else problem._mask(mask),
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """Floating dtype of all arrays."""
        return self.images.dtype

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Return ``A x``, from ``(d, h, w)`` to ``(n, h, w)``."""
        return self.projector._forward(volume)

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return ``A^T y``, by the exact transpose, from ``(n, h, w)`` to ``(d, h, w)``."""
        return self.projector._adjoint(images)

    def apply_weights(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return images times the weights, or the images themselves if there are none."""
        return images if self.weights is None else images * self.weights

    def residual(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Return ``images - A x``, a new array."""
        residual: NDArray[Any] = self.images - self.forward(volume)
        return residual

    def descent(self, residual: NDArray[Any]) -> NDArray[Any]:
        """Return the direction of steepest descent, ``A^T (weights * residual)``, a new array.

        It is the negative gradient of half the weighted sum of squares, without the mask.
        """
        return self.adjoint(self.apply_weights(residual))

    def squared_norm(self, residual: NDArray[Any]) -> float:
        """Return ``sum(weights * residual ** 2)``."""
        if self.weights is None:
            return squared_norm(residual)
        return squared_norm(residual * self.root_weights)

    def misfit(self, residual: NDArray[Any]) -> float:
        """Return the weighted norm of a residual over that of the images: 1 for zero volumes."""
        total = self._total
        return float(np.sqrt(self.squared_norm(residual) / total)) if total else 0.0

    def norm(self, *, tolerance: float = 1e-2, iterations: int = 100) -> float:
        """Return the norm of the weighted A: gradient steps below ``2 / norm ** 2`` converge.

        `tolerance` and `iterations` are those of `libtilt.Projector.norm`, and the estimate is a
        lower bound as there.
        """
        root = self.root_weights
        return operator_norm(
            lambda volume: self.forward(volume) * root,
            lambda images: self.adjoint(images * root),
            self.zeros() + 1,
            tolerance=tolerance,
            iterations=iterations,
        )

    def apply_mask(self, direction: NDArray[Any]) -> NDArray[Any]:
        """Multiply a direction by the mask, in place, and return it."""
        if self.mask is not None:
            direction *= self.mask
        return direction

    def to_volume(self, data: NDArray[Any]) -> Volume:
        """Return an array as a volume of the projector's type, a view cropped to `grid`."""
        grid = self.grid
        return self.projector.volume_type(
            data[self._window], voxel_size=grid.voxel_size, center=grid.center
        )

    def subset(self, index: Any) -> Self:
        """Return the problem of a subset of tilts, by an integer array, a slice or a mask."""
        part = self.projector.evolve(geometry=self.projector.geometry[index])
        weights = None if self.weights is None else self.weights[index]
        return attrs.evolve(self, projector=part, images=self.images[index], weights=weights)

    def initial_volume(self) -> NDArray[Any]:
        """Return a copy of the start, or zeros."""
        return self.zeros() if self.start is None else self.start.copy()

    def zeros(self) -> NDArray[Any]:
        """Return zeros on the projector's domain."""
        return np.zeros(self.projector.domain.shape, self.dtype)

    def expand_to_domain(self, value: Any, name: str, *, fill: float) -> NDArray[Any]:
        """Return a validated array on `grid` as one on the domain, with `fill` in the margin."""
        if isinstance(value, Volume) and (difference := self.grid.describe_difference(value.grid)):
            raise ValueError(
                f"{name} must lie on the volume's grid, but {difference}; use {name}.resample(grid)"
            )
        array = np.asarray(value)
        if array.shape != self.grid.shape:
            raise ValueError(
                f"{name} must have the volume's shape {self.grid.shape}, got {array.shape}"
            )
        require_finite(array, name)
        wide = np.full(self.projector.domain.shape, fill, self.dtype)
        wide[self._window] = array
        return wide

    @cached_property
    def root_weights(self) -> Any:
        """Square roots of the weights, or 1."""
        return self.dtype.type(1) if self.weights is None else np.sqrt(self.weights)

    @cached_property
    def _total(self) -> float:
        return self.squared_norm(self.images)

    @property
    def _window(self) -> tuple[slice, ...]:
        """Slices of the voxels of `grid` in the domain."""
        sizes = zip(self.projector.domain.shape, self.grid.shape, strict=True)
        starts = [wide // 2 - size // 2 for wide, size in sizes]
        return tuple(slice(s, s + m) for s, m in zip(starts, self.grid.shape, strict=True))

    def _mask(self, value: Any) -> NDArray[Any]:
        mask = self.expand_to_domain(value, "mask", fill=1.0)
        low, high = (float(edge(mask[self._window])) for edge in (np.min, np.max))
        if low < 0 or high > 1:
            raise ValueError(f"mask must be between 0 and 1, got {low:g} to {high:g}")
        return mask
