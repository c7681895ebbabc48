"""`SciPyBackend`: the reference backend, for any geometry, on `scipy.ndimage`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
import scipy
from numpy.typing import NDArray

from libtilt.backends.base import Backend, SamplingSpec
from libtilt.backends.rays import depth_range
from libtilt.backends.splines import PADDING, SUPPORT, coefficients, coefficients_adjoint, splat
from libtilt.backends.threads import check_threads, run_all, run_each
from libtilt.errors.checks import Float64Array, FloatArray, one_of
from libtilt.geometry.affine import invert_affine

_SLAB = 1 << 18
_IMAGE_AXES = (1, 2)
_VOLUME_AXES = (0, 1, 2)


@attrs.frozen
class SciPyBackend(Backend):
    """Sample with `scipy.ndimage`, by splines of order 0, 1 or 3; supports any geometry.

    Parameters
    ----------
    order : {0, 1, 3}, optional
        Spline order: nearest, linear (the default) or cubic.
    threads : int, optional
        Number of threads, by default one per processor. Results do not depend on it.

    Raises
    ------
    ValueError
        If `order` is not 0, 1 or 3, or `threads` is not positive.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, Projector, TiltGeometry
    >>> from libtilt.backends import SciPyBackend
    >>> volume = GaussianBlobs.random((8, 8, 8), n=5, seed=0).volume((8, 8, 8))
    >>> geometry = TiltGeometry.from_tilt_angles([-30, 0, 30], tilt_axis_angle=85)
    >>> Projector(geometry, backend=SciPyBackend(order=3)).forward(volume).shape
    (3, 8, 8)
    """

    name: ClassVar[str] = "scipy"

    order: int = attrs.field(
        default=1,
        kw_only=True,
        validator=lambda _, field, value: one_of(value, field.name, (0, 1, 3)),
    )
    threads: int | None = attrs.field(default=None, kw_only=True, validator=check_threads)

    @property
    def trilinear(self) -> bool:
        """Whether the backend interpolates linearly: only at order 1."""
        return self.order == 1

    @property
    def local(self) -> Literal["none", "tilts", "full"]:
        """As `Backend.local`: "full" at order 1, else "tilts" (ties, spline filters)."""
        return "full" if self.order == 1 else "tilts"

    def forward(self, spec: SamplingSpec, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: sum samples along each ray, or splat voxels onto the images."""
        images = np.empty(spec.images_shape, spec.dtype)
        if spec.driven == "ray":
            source = coefficients(volume, self.order, _VOLUME_AXES)

            def project(tilt: int) -> None:
                images[tilt] = self._ray_image(spec, tilt, source)
        else:

            def project(tilt: int) -> None:
                images[tilt] = self._voxel_image(spec, tilt, volume)

        run_all(project, range(len(images)), self.threads)
        return images

    def adjoint(self, spec: SamplingSpec, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject by the exact transpose of `forward`."""
        if spec.driven == "ray":
            return self._ray_volume(spec, images)
        volume = np.empty(spec.volume_shape, spec.dtype)
        source = coefficients(images, self.order, _IMAGE_AXES)
        inverse = invert_affine(spec.grids)

        def backproject(z: int) -> None:
            volume[z] = sum(
                scipy.ndimage.map_coordinates(
                    source[tilt],
                    self._padded(_voxel_positions(inverse[tilt], z, spec.volume_shape)),
                    order=self.order,
                    mode="grid-constant",
                    prefilter=False,
                ).astype(np.float64)
                for tilt in range(len(source))
            )

        run_all(backproject, range(spec.volume_shape[0]), self.threads)
        return volume

    def _padded(self, positions: Float64Array) -> Float64Array:
        return positions + PADDING[self.order]

    def _depth_slabs(self, spec: SamplingSpec, tilt: int) -> Iterator[range]:
        """Yield ranges of depth steps of about `_SLAB` samples each."""
        depths = depth_range(spec.grids[tilt], spec.volume_shape, SUPPORT[self.order])
        step = max(1, _SLAB // (spec.image_shape[0] * spec.image_shape[1]))
        for start in range(0, len(depths), step):
            yield depths[start : start + step]

    def _sample(
        self, spec: SamplingSpec, tilt: int, depths: range, source: FloatArray, outside: float
    ) -> FloatArray:
        """Return the samples (k, v, u) of one slab of depths."""
        grid = spec.grids[tilt]
        offset = grid[:, 3] + grid[:, 2] * depths.start
        samples: FloatArray = scipy.ndimage.affine_transform(
            source,
            grid[::-1, 2::-1],
            self._padded(offset[::-1]),
            (len(depths), *spec.image_shape),
            output=source.dtype,
            order=self.order,
            mode="grid-constant",
            cval=outside,
            prefilter=False,
        )
        return samples

    def _ray_image(self, spec: SamplingSpec, tilt: int, source: FloatArray) -> Float64Array:
        image = np.zeros(spec.image_shape)
        for depths in self._depth_slabs(spec, tilt):
            image += self._sample(spec, tilt, depths, source, 0.0).sum(axis=0, dtype=np.float64)
        return image

    def _ray_volume(self, spec: SamplingSpec, images: NDArray[Any]) -> NDArray[Any]:
        shape = tuple(n + 2 * PADDING[self.order] for n in spec.volume_shape)
        total = np.zeros(shape)
        # SciPy itself finds the nearest voxels, so that ties are broken as in forward.
        numbers = np.arange(total.size, dtype=np.float64).reshape(shape) if not self.order else None

        def spread(piece: tuple[int, range]) -> tuple[NDArray[np.intp], Float64Array]:
            tilt, depths = piece
            values = np.broadcast_to(
                images[tilt].astype(np.float64), (len(depths), *spec.image_shape)
            ).ravel()
            if numbers is not None:
                voxels = self._sample(spec, tilt, depths, numbers, -1.0).ravel().astype(np.intp)
                return voxels[voxels >= 0], values[voxels >= 0]
            positions = _ray_positions(spec.grids[tilt], depths, spec.image_shape)
            return splat([self._padded(p) for p in positions], values, shape, self.order)

        pieces = (
            (tilt, depths)
            for tilt in range(len(images))
            for depths in self._depth_slabs(spec, tilt)
        )
        for voxels, additions in run_each(spread, pieces, self.threads):
            np.add.at(total.reshape(-1), voxels, additions)
        return coefficients_adjoint(total, self.order, _VOLUME_AXES).astype(spec.dtype)

    def _voxel_image(self, spec: SamplingSpec, tilt: int, volume: NDArray[Any]) -> FloatArray:
        shape = tuple(n + 2 * PADDING[self.order] for n in spec.image_shape)
        total = np.zeros(shape)
        inverse = invert_affine(spec.grids[tilt : tilt + 1])[0]
        numbers = np.arange(total.size, dtype=np.float64).reshape(shape)
        for z in range(spec.volume_shape[0]):
            positions = self._padded(_voxel_positions(inverse, z, spec.volume_shape))
            values = volume[z].astype(np.float64).ravel()
            if self.order == 0:
                pixels = scipy.ndimage.map_coordinates(
                    numbers, positions, order=0, mode="grid-constant", cval=-1.0
                ).ravel()
                pixels, values = pixels[pixels >= 0].astype(np.intp), values[pixels >= 0]
            else:
                flat = [position.ravel() for position in positions]
                pixels, values = splat(flat, values, shape, self.order)
            np.add.at(total.reshape(-1), pixels, values)
        return coefficients_adjoint(total, self.order, (0, 1))


def _ray_positions(
    grid: Float64Array, depths: range, image_shape: tuple[int, ...]
) -> list[Float64Array]:
    """Return z, y, x of every sample of a slab, flattened."""
    k = np.arange(depths.start, depths.stop)[:, np.newaxis, np.newaxis]
    v = np.arange(image_shape[0])[:, np.newaxis]
    u = np.arange(image_shape[1])
    return [(a * u + b * v + c * k + d).ravel() for a, b, c, d in grid[::-1]]


def _voxel_positions(inverse: Float64Array, z: int, volume_shape: tuple[int, ...]) -> Float64Array:
    """Return v, u of every voxel of one plane, shape (2, h, w)."""
    y = np.arange(volume_shape[1])[:, np.newaxis]
    x = np.arange(volume_shape[2])
    return np.stack([a * x + b * y + c * z + d for a, b, c, d in inverse[1::-1]])
