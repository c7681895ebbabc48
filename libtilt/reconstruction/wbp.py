"""Weighted back-projection."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from libtilt.backends.threads import run_all
from libtilt.errors.checks import Float64Array, one_of
from libtilt.errors.options import checked, option
from libtilt.geometry import TiltGeometry
from libtilt.preparation import taper_edges
from libtilt.projector import Projector
from libtilt.reconstruction.filters import WINDOWS, Filter, RampFilter
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress
from libtilt.reconstruction.pixel_weights import filled
from libtilt.tilt_series import TiltSeries

PADDINGS = ("edge", "mean", "zero")


def _check_filter(value: Any, _: str) -> None:
    if not isinstance(value, Filter) and value not in WINDOWS:
        raise ValueError(
            f"filter must be one of {', '.join(map(repr, WINDOWS))}, or a Filter such as "
            f"RadialFilter(0.35, 0.035) or SIRTLikeFilter(20, depth), got {value!r}"
        )


@attrs.frozen(kw_only=True)
class WBP(Method):
    """Weighted back-projection: filtered images, given back to each voxel.

    Parameters
    ----------
    filter : str or Filter, optional
        "ramp" (the default) or another window of `RampFilter`, or an instance: `RadialFilter`,
        `SIRTLikeFilter`, or `ExactFilter` for orientations that no single axis describes.
    padding : {"edge", "mean", "zero"}, optional
        What the filter finds beside an image, as far out as the image is wide: its edge's values
        (the default), its mean, or nothing.
    taper : int, optional
        Pixels at each side over which images fall to the mean of their edge before all this.

    Notes
    -----
    Images are filtered across their own tilt axis, whatever its angle, and weighted by the angle
    that each stands for (see `angular_weights`). The density is in the units of the images per
    pixel: an object that was seen from all sides, more finely than its detail, comes back as it
    was, whatever the voxels.

    A projector is used voxel-driven whatever it is. Pixels of weight 0 are filled from their
    neighbors; other weights than one and the same are refused, since a filter mixes all pixels.
    Where a mask is below 1, the volume is multiplied by it.

    Examples
    --------
    >>> from libtilt.reconstruction import WBP
    >>> WBP(filter="hann")
    WBP(filter='hann', padding='edge', taper=0)
    """

    takes: ClassVar[tuple[str, ...]] = ("mask", "weights")
    driven: ClassVar[str | None] = "voxel"
    margin: ClassVar[int | str] = 0

    filter: str | Filter = attrs.field(default="ramp", validator=checked(_check_filter))
    padding: str = attrs.field(
        default="edge",
        validator=checked(lambda value, name: one_of(value, name, PADDINGS)),
        metadata=option("padding of the images for the filter", PADDINGS),
    )
    taper: int = 0

    def weighted(self, problem: LeastSquares) -> NDArray[Any]:
        """Return the images whose adjoint is the volume.

        Parameters
        ----------
        problem : LeastSquares
            With a voxel-driven projector.

        Returns
        -------
        ndarray, shape (n, h, w)

        Raises
        ------
        ValueError
            If weights are neither zero nor all the same, or a ramp is asked for where the tilts
            have no single axis.

        Examples
        --------
        >>> from libtilt import GaussianBlobs, TiltGeometry
        >>> from libtilt.reconstruction import WBP, LeastSquares
        >>> blobs = GaussianBlobs([[0, 0, 0]], sigmas=2)
        >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-30, 0, 30]), (16, 16))
        >>> problem = LeastSquares.of(series, volume_shape=(8, 16, 16), driven="voxel")
        >>> volume = problem.adjoint(WBP().weighted(problem))
        >>> float(abs(volume - WBP().solve(problem).data).max())
        0.0
        """
        projector = problem.projector
        images = _without_holes(problem)
        if self.taper:
            images = taper_edges(TiltSeries(images, projector.geometry), width=self.taper).images
        chosen = self.filter if isinstance(self.filter, Filter) else RampFilter(self.filter)
        # Of the voxel-driven adjoint's own weights nothing may be left.
        scales = chosen.tilt_weights(projector.geometry) / projector.image_scales
        return _filtered(images, projector.geometry, chosen, self.padding, scales)

    def _solve(self, problem: LeastSquares, progress: Progress) -> NDArray[Any]:
        progress.stop_reason = "direct"
        return problem.masked(problem.adjoint(self.weighted(problem)))


def weighted(
    tilt_series: TiltSeries,
    *,
    filter: str | Filter = "ramp",  # noqa: A002
    padding: str = "edge",
    taper: int = 0,
    **options: Any,
) -> tuple[Projector, TiltSeries]:
    """Return a voxel-driven projector, and the images whose adjoint by it is what `wbp` returns.

    For who backprojects a few tilts, or a few boxes, at a time. Everything is as in `wbp`, whose
    other arguments are the `options`; the series has the projector's geometry.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import wbp
    >>> from libtilt.reconstruction.wbp import weighted
    >>> blobs = GaussianBlobs([[0, 0, 0]], sigmas=2)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-30, 0, 30]), (16, 16))
    >>> projector, images = weighted(series, volume_shape=(8, 16, 16))
    >>> difference = projector.adjoint(images) - wbp(series, volume_shape=(8, 16, 16))
    >>> float(abs(difference.data).max())
    0.0
    """
    method = WBP(filter=filter, padding=padding, taper=taper)
    problem = LeastSquares.of(tilt_series, driven=method.driven, **options)
    images, geometry = method.weighted(problem), problem.projector.geometry
    return problem.projector, tilt_series.evolve(images=images, geometry=geometry)


def _without_holes(problem: LeastSquares) -> NDArray[Any]:
    """Return the images with their pixels of weight zero filled."""
    weights = problem.weights
    if weights is None:
        return problem.images
    known = weights > 0
    if np.ptp(weights[known]) > 0:
        raise ValueError(
            "weights must be zero or all the same for the method 'wbp': its filter mixes all "
            "pixels of an image; take sirt, cgls or tv"
        )
    images = problem.images.copy()
    for image, good in zip(images, known, strict=True):
        if not good.any():
            raise ValueError("weights must leave something of each image for the method 'wbp'")
        if not good.all():
            image[:] = filled(image, good)
    return images


def _filtered(
    images: NDArray[Any],
    geometry: TiltGeometry,
    filter: Filter,  # noqa: A002
    padding: str,
    scales: Float64Array,
) -> NDArray[Any]:
    """Return the images times the filter in Fourier space and times a number each."""
    result = np.empty_like(images)
    height, width = images.shape[1:]
    plain = filter.only_along_x(geometry)
    rows, columns = height if plain else _period(height), _period(width)
    u: Float64Array = np.fft.rfftfreq(columns).astype(np.float64)
    v: Float64Array = np.zeros(1) if plain else np.fft.fftfreq(rows).astype(np.float64)

    def work(tilt: int) -> None:
        padded = _padded(images[tilt], (rows, columns), padding)
        response = (filter.response(geometry, tilt, u, v) * scales[tilt]).astype(images.dtype)
        if plain:
            lines = fft.irfft(fft.rfft(padded, axis=1) * response, n=columns, axis=1)
        else:
            lines = fft.irfft2(fft.rfft2(padded) * response, s=padded.shape)
        result[tilt] = lines[:height, :width]

    run_all(work, range(len(images)), None)
    return result


def _period(size: int) -> int:
    """Return a length at which what the filter takes from one edge is not the other edge.

    It is odd: at an even one's highest frequency a direction has no sense.
    """
    period = 2 * size + 1
    while fft.next_fast_len(period) != period:
        period += 2
    return period


def _padded(image: NDArray[Any], shape: tuple[int, int], padding: str) -> NDArray[Any]:
    """Return an image followed by what lies beside it, which runs on from one edge to the other."""
    if padding == "zero" or padding == "mean":
        fill = 0.0 if padding == "zero" else image.mean(dtype=np.float64)
        padded = np.full(shape, fill, image.dtype)
        padded[: image.shape[0], : image.shape[1]] = image
        return padded
    for axis in (0, 1):
        image = _run_on(image, shape[axis] - image.shape[axis], axis)
    return image


def _run_on(image: NDArray[Any], count: int, axis: int) -> NDArray[Any]:
    """Append lines that lead from the last line to the first along a half cosine."""
    if not count:
        return image
    phase = (np.arange(count) + 1) / (count + 1)
    rise = (0.5 - 0.5 * np.cos(np.pi * phase)).astype(image.dtype)
    first, last = image.take([0], axis), image.take([-1], axis)
    rise = rise[np.newaxis] if axis == 1 else rise[:, np.newaxis]
    return np.concatenate([image, last + (first - last) * rise], axis=axis)
