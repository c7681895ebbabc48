"""`LeastSquares`: images to explain by a volume, which is what every method starts from."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.backends.base import Backend
from libtilt.errors.checks import floating_dtype, require_finite, require_kind
from libtilt.geometry import VolumeGrid
from libtilt.projector import Projector
from libtilt.projector.norms import operator_norm
from libtilt.reconstruction.arrays import squared_norm
from libtilt.reconstruction.operator import operator_and_grid, projector_for
from libtilt.reconstruction.pixel_weights import images_and_weights
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


@attrs.frozen(eq=False, slots=False)
class LeastSquares:
    """Images to explain: find x for which ``sum(weights * (images - A x) ** 2)`` is small.

    Everything in it is checked, and of one kind of float. Its methods take and return plain arrays,
    which are not checked.

    Parameters
    ----------
    projector : Projector
        A: it alone computes, with both grids known; what a subclass of it overrides is used.
    images : ndarray, shape (n, h, w)
        float32 or float64, finite.
    grid : VolumeGrid
        Where the volume is wanted. The projector's domain may be wider by a margin.
    weights : ndarray, shape (n, h, w), optional
        What each pixel counts, 0 or more; by default all count the same.
    start : ndarray, shape (d, h, w), optional
        Where to start, by default from zero.
    mask : ndarray, shape (d, h, w), optional
        Between 0 and 1: what each voxel's steps are multiplied by.

    Examples
    --------
    A step of steepest descent:

    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import LeastSquares
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 10)), (16, 16))
    >>> problem = LeastSquares.of(series, volume_shape=(16, 16, 16))
    >>> volume = problem.begin()
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
    def of(
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
        """Return the problem of a tilt series.

        Parameters
        ----------
        tilt_series, volume_grid, volume_shape, projector, backend
            As in `libtilt.reconstruction.reconstruct`.
        start, mask, weights, nan, margin
            As in `libtilt.reconstruction.reconstruct`.
        driven : {"ray", "voxel"}, optional
            In place of the projector's own.

        Raises
        ------
        ValueError
            If shapes or spacings do not fit, an image is flat or has NaN, or a weight is negative.
        TypeError
            If something is not of its kind.
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
        dtype = floating_dtype(tilt_series.dtype)
        images, weighed = images_and_weights(tilt_series, dtype, weights, nan)
        operator, grid = operator_and_grid(tilt_series, chosen, margin)
        problem = cls(operator, images, grid, weights=weighed)
        return attrs.evolve(
            problem,
            start=None if start is None else problem.like_volume(start, "start", beside=0.0),
            mask=None if mask is None else problem._mask(mask),
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """In which everything is computed."""
        return self.images.dtype

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: ``A x``, from ``(d, h, w)`` to ``(n, h, w)``."""
        return self.projector._forward(volume)

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject by the exact transpose, from ``(n, h, w)`` to ``(d, h, w)``."""
        return self.projector._adjoint(images)

    def weigh(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return images times the weights; where there are none, the images themselves."""
        return images if self.weights is None else images * self.weights

    def residual(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Return what a volume leaves unexplained: ``images - A x``, a new array."""
        left: NDArray[Any] = self.images - self.forward(volume)
        return left

    def descent(self, residual: NDArray[Any]) -> NDArray[Any]:
        """Return the direction of steepest descent, ``A^T (weights * residual)``, a new array.

        It is minus the gradient of half the sum of squares, and not multiplied by the mask.
        """
        return self.adjoint(self.weigh(residual))

    def squared_norm(self, residual: NDArray[Any]) -> float:
        """Return ``sum(weights * residual ** 2)``."""
        if self.weights is None:
            return squared_norm(residual)
        return squared_norm(residual * self.root_weights)

    def misfit(self, residual: NDArray[Any]) -> float:
        """Return the norm of a residual over that of the images, both weighted: 1 for no volume."""
        total = self._total
        return float(np.sqrt(self.squared_norm(residual) / total)) if total else 0.0

    def norm(self, *, tolerance: float = 1e-2, iterations: int = 100) -> float:
        """Return the norm of A, weighted: steps below ``2 / norm ** 2`` go downhill.

        Parameters
        ----------
        tolerance, iterations
            As in `libtilt.Projector.norm`; it comes from below too.
        """
        root = self.root_weights
        return operator_norm(
            lambda volume: self.forward(volume) * root,
            lambda images: self.adjoint(images * root),
            self.zeros() + 1,
            tolerance=tolerance,
            iterations=iterations,
        )

    def masked(self, direction: NDArray[Any]) -> NDArray[Any]:
        """Multiply a direction by the mask, in place, and return it."""
        if self.mask is not None:
            direction *= self.mask
        return direction

    def volume(self, data: NDArray[Any]) -> Volume:
        """Return an array as a volume of the projector's type on `grid`, without copying it."""
        grid = self.grid
        return self.projector.volume_type(
            data[self._window], voxel_size=grid.voxel_size, center=grid.center
        )

    def subset(self, index: Any) -> Self:
        """Return the problem of some of the tilts: an integer array, a slice or a mask."""
        part = self.projector.evolve(geometry=self.projector.geometry[index])
        weights = None if self.weights is None else self.weights[index]
        return attrs.evolve(self, projector=part, images=self.images[index], weights=weights)

    def begin(self) -> NDArray[Any]:
        """Return a new array to iterate on: the start, or zeros."""
        return self.zeros() if self.start is None else self.start.copy()

    def zeros(self) -> NDArray[Any]:
        """Return an empty volume of the projector's domain."""
        return np.zeros(self.projector.domain.shape, self.dtype)

    def like_volume(self, value: Any, name: str, *, beside: float) -> NDArray[Any]:
        """Return what was given for each voxel of `grid`, checked, with a value in the margin."""
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
        wide = np.full(self.projector.domain.shape, beside, self.dtype)
        wide[self._window] = array
        return wide

    @cached_property
    def root_weights(self) -> Any:
        """The square roots of the weights, or 1."""
        return self.dtype.type(1) if self.weights is None else np.sqrt(self.weights)

    @cached_property
    def _total(self) -> float:
        return self.squared_norm(self.images)

    @property
    def _window(self) -> tuple[slice, ...]:
        """Where the voxels of `grid` lie in the domain."""
        starts = [n // 2 - m // 2 for n, m in zip(self._domain_shape, self.grid.shape, strict=True)]
        return tuple(slice(s, s + m) for s, m in zip(starts, self.grid.shape, strict=True))

    @property
    def _domain_shape(self) -> tuple[int, ...]:
        return self.projector.domain.shape

    def _mask(self, value: Any) -> NDArray[Any]:
        mask = self.like_volume(value, "mask", beside=1.0)
        low, high = (float(edge(mask[self._window])) for edge in (np.min, np.max))
        if low < 0 or high > 1:
            raise ValueError(f"mask must be between 0 and 1, got {low:g} to {high:g}")
        return mask
