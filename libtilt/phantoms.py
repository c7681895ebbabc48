"""Phantoms with projections in closed form, as ground truth."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
import scipy
from numpy.typing import ArrayLike

from libtilt.errors.checks import (
    Float64Array,
    finite_array,
    locked,
    positive_float,
    positive_integer,
    shape_of,
    to_image_shape,
    to_pixel_size,
    to_voxel_size,
)
from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid
from libtilt.geometry.frozen_classes import frozen
from libtilt.geometry.per_tilt import describe_array
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


def _centers_converter(value: ArrayLike) -> Float64Array:
    centers = finite_array(value, "centers")
    if centers.ndim != 2 or centers.shape[1] != 3 or len(centers) == 0:
        raise ValueError(f"centers must have shape (m, 3) with m >= 1, got {centers.shape}")
    return centers


def _per_blob(value: ArrayLike, blobs: Any, field: Any) -> Float64Array:
    array, count = finite_array(value, field.name), len(blobs.centers)
    if array.shape not in ((), (count,)):
        raise ValueError(
            f"{field.name} must be one number or one per blob: expected ({count},), "
            f"got {array.shape}"
        )
    return locked(np.ascontiguousarray(np.broadcast_to(array, (count,))))


@frozen
class GaussianBlobs:
    """A sum of round Gaussian blobs.

    A blob is ``amplitude * exp(-r**2 / (2 * sigma**2))``; its line integral at distance ``p`` from
    the center is ``amplitude * sigma * sqrt(2 * pi) * exp(-p**2 / (2 * sigma**2))``.

    Parameters
    ----------
    centers : array_like, shape (m, 3)
        Centers x, y, z in angstroms from the rotation center.
    sigmas : array_like, shape (m,) or ()
        Standard deviations in angstroms.
    amplitudes : array_like, shape (m,) or (), optional
        Densities at the centers.

    Raises
    ------
    ValueError
        If counts differ, or a sigma is not positive.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> blob = GaussianBlobs([[0, 0, 5]], sigmas=2.0)
    >>> float(blob.volume((16, 16, 16)).data[8 + 5, 8, 8])
    1.0
    >>> image = blob.tilt_series(TiltGeometry.from_tilt_angles([90]), (16, 16)).images[0]
    >>> int(image[8].argmax())  # viewed along x, z becomes x
    13
    """

    centers: Float64Array = attrs.field(converter=_centers_converter, repr=describe_array)
    sigmas: Float64Array = attrs.field(
        converter=attrs.Converter(_per_blob, takes_self=True, takes_field=True),  # type: ignore[misc]
        repr=describe_array,
    )
    amplitudes: Float64Array = attrs.field(
        default=1.0,
        converter=attrs.Converter(_per_blob, takes_self=True, takes_field=True),  # type: ignore[misc]
        repr=describe_array,
    )

    @sigmas.validator
    def _check_sigmas(self, _: Any, value: Float64Array) -> None:
        if (value <= 0).any():
            raise ValueError(f"sigmas must be positive, got {value.min()}")

    @classmethod
    def random(
        cls,
        shape: tuple[int, ...],
        n: int,
        seed: int,
        *,
        sigmas: tuple[float, float] | None = None,
        voxel_size: ArrayLike = 1.0,
    ) -> Self:
        """Return random blobs within the largest ball inscribed in a volume.

        Parameters
        ----------
        shape : tuple of int
            Shape ``(d, h, w)`` of the volume.
        n : int
            Number of blobs.
        seed : int
            Seed of the random numbers.
        sigmas : (float, float), optional
            Least and largest sigma in angstroms; by default 1/40 and 1/14 of the smallest side.
        voxel_size : float or (3,), optional
            Voxel size of the volume x, y, z in angstroms.

        Returns
        -------
        GaussianBlobs
            Blobs at least three sigmas inside the ball.

        Raises
        ------
        ValueError
            If `n` or a sigma is not positive, or the sigmas are too large for the ball.

        Examples
        --------
        >>> from libtilt import GaussianBlobs
        >>> GaussianBlobs.random((32, 32, 32), n=60, seed=1, sigmas=(1.5, 3.0)).centers.shape
        (60, 3)
        """
        count = positive_integer(n, "n")
        sides = np.array(shape_of(shape, 3, "shape"))[::-1] * to_voxel_size(voxel_size)
        low, high = sigmas if sigmas is not None else (sides.min() / 40, sides.min() / 14)
        low, high = positive_float(low, "sigmas"), positive_float(high, "sigmas")
        reach = sides.min() / 2 - 3 * high
        if reach <= 0 or high < low:
            raise ValueError(
                f"sigmas must be (least, largest), with largest below a sixth of the smallest side "
                f"of {sides.min():g} Å, got {(low, high)}"
            )
        rng = np.random.default_rng(seed)
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        radii = reach * rng.uniform(size=(count, 1)) ** (1 / 3)
        widths = rng.uniform(low, high, size=count)
        return cls(directions * radii, widths, rng.uniform(0.5, 1.5, size=count))

    @classmethod
    def ribosome_like(cls, *, diameter: float = 250.0, n: int = 400, seed: int = 70) -> Self:
        """Return an asymmetric particle of two unequal subunits with a stalk, for pictures.

        Parameters
        ----------
        diameter : float, optional
            Diameter in angstroms.
        n : int, optional
            Number of blobs.
        seed : int, optional
            Seed of the random numbers.

        Returns
        -------
        GaussianBlobs
            Particle without mirror symmetry, which reveals errors of handedness.

        Raises
        ------
        ValueError
            If `diameter` or `n` is not positive.

        Examples
        --------
        >>> from libtilt import GaussianBlobs
        >>> GaussianBlobs.ribosome_like().volume((64, 64, 64), voxel_size=5.0).shape
        (64, 64, 64)
        """
        size = positive_float(diameter, "diameter")
        count = positive_integer(n, "n")
        # Fraction of the blobs, center and half axes of each part, in units of the diameter.
        parts = (
            (0.58, (0.0, 0.0, -0.12), (0.40, 0.36, 0.22)),
            (0.30, (0.04, 0.02, 0.24), (0.34, 0.20, 0.14)),
            (0.07, (0.36, 0.14, -0.04), (0.12, 0.05, 0.06)),
            (0.05, (-0.34, 0.20, 0.02), (0.06, 0.10, 0.08)),
        )
        rng = np.random.default_rng(seed)
        sizes = [max(1, round(share * count)) for share, _, _ in parts]
        sizes[0] += max(0, count - sum(sizes))
        centers = []
        for m, (_, center, half_axes) in zip(sizes, parts, strict=True):
            unit = rng.normal(size=(m, 3))
            lengths = np.linalg.norm(unit, axis=1, keepdims=True)
            unit *= (rng.uniform(size=(m, 1)) ** (1 / 3)) / lengths
            centers.append(unit * half_axes + center)
        positions = np.concatenate(centers)[:count]
        rotation = scipy.spatial.transform.Rotation.from_euler("xyz", [20, -15, 10], degrees=True)
        sigmas = size * rng.uniform(0.014, 0.034, size=count)
        amplitudes = rng.uniform(0.6, 1.4, size=count)
        return cls(rotation.apply(positions) * size, sigmas, amplitudes)

    def volume(
        self,
        shape: tuple[int, ...],
        *,
        voxel_size: ArrayLike = 1.0,
        center: ArrayLike = (0.0, 0.0, 0.0),
    ) -> Volume:
        """Return the density at voxel centers, in float64.

        Parameters
        ----------
        shape, voxel_size, center
            As in `libtilt.VolumeGrid`.

        Examples
        --------
        >>> from libtilt import GaussianBlobs
        >>> GaussianBlobs([[0, 0, 0]], 2.0).volume((4, 5, 6)).dtype
        dtype('float64')
        """
        grid = VolumeGrid(shape_of(shape, 3, "shape"), voxel_size, center)
        x, y, z = (
            self._profiles(self.centers[:, axis], places) for axis, places in enumerate(grid.axes)
        )
        planes = (self.amplitudes[:, np.newaxis] * z).T[:, :, np.newaxis] * y
        data = planes.transpose(0, 2, 1) @ x
        return Volume(data, voxel_size=grid.voxel_size, center=grid.center)

    def tilt_series(
        self, geometry: TiltGeometry, image_shape: tuple[int, ...], *, pixel_size: float = 1.0
    ) -> TiltSeries:
        """Return projections in closed form: line integrals over the pixel size.

        Parameters
        ----------
        geometry : TiltGeometry
            Orientation and shift of the specimen for each image.
        image_shape, pixel_size
            As in `libtilt.ImageGrid`.

        Examples
        --------
        >>> from libtilt import GaussianBlobs, TiltGeometry
        >>> geometry = TiltGeometry.from_tilt_angles([0, 30])
        >>> GaussianBlobs([[0, 0, 0]], 2.0).tilt_series(geometry, (8, 8)).shape
        (2, 8, 8)
        """
        height, width = to_image_shape(image_shape)
        pixel = to_pixel_size(pixel_size)
        amplitudes = self.amplitudes * self.sigmas * np.sqrt(2 * np.pi) / pixel
        x, y = ImageGrid((height, width), pixel).axes
        images = np.empty((len(geometry), height, width))
        for tilt, points in enumerate(geometry.project_points(self.centers)):
            if not np.array_equal(geometry.magnifications[tilt], np.eye(2)):
                unmagnify = np.linalg.inv(geometry.magnifications[tilt])
                images[tilt] = self._image(amplitudes, points, unmagnify, (x, y))
                continue
            u = self._profiles(points[:, 0], x)
            v = self._profiles(points[:, 1], y)
            images[tilt] = (amplitudes[:, np.newaxis] * v).T @ u
        return TiltSeries(images, geometry, pixel_size=pixel)

    def _image(
        self,
        amplitudes: Float64Array,
        points: Float64Array,
        unmagnify: Float64Array,
        axes: tuple[Float64Array, Float64Array],
    ) -> Float64Array:
        """Return one magnified image, on which blobs are ellipses."""
        x, y = axes
        image = np.zeros((len(y), len(x)))
        for amplitude, sigma, point in zip(amplitudes, self.sigmas, points, strict=True):
            offsets = np.stack(np.meshgrid(x - point[0], y - point[1]), axis=-1) @ unmagnify.T
            image += amplitude * np.exp(-0.5 * (offsets**2).sum(axis=-1) / sigma**2)
        return image

    def _profiles(self, positions: Float64Array, axis: Float64Array) -> Float64Array:
        """Return the profile of each blob along one axis, shape (m, size), with maximum 1."""
        distance = (axis - positions[:, np.newaxis]) / self.sigmas[:, np.newaxis]
        profiles: Float64Array = np.exp(-0.5 * distance**2)
        return profiles
