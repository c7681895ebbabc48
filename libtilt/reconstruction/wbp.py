"""Weighted back-projection."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from libtilt.backends.base import Backend
from libtilt.backends.threads import run_all
from libtilt.errors.checks import Float64Array, one_of
from libtilt.errors.options import checked, option
from libtilt.geometry import TiltGeometry
from libtilt.preparation import taper_edges
from libtilt.projector import Projector
from libtilt.reconstruction.filters import WINDOWS, Filter, RampFilter
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Method, Progress
from libtilt.reconstruction.pixel_weights import fill_pixels
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
    """Weighted back-projection: the voxel-driven adjoint of filtered images.

    Parameters
    ----------
    filter : str or Filter, optional
        "ramp" (the default) or another window of `RampFilter`, or an instance: `RadialFilter`,
        `SIRTLikeFilter`, or `ExactFilter` for orientations without a single tilt axis.
    padding : {"edge", "mean", "zero"}, optional
        Padding of the images to twice their width before filtering: with the values of the edge
        (the default), the mean of the image, or zeros.
    taper : int, optional
        Pixels on each side over which images are first tapered to the mean of their edge.

    Notes
    -----
    Images are filtered perpendicular to their tilt axes and multiplied by angular weights
    (`angular_weights`). The density is in units of the images per pixel: an object sampled finely
    from all directions is reconstructed at its own density, whatever the voxel size.

    A given projector is used with ``driven="voxel"``. Pixels of weight 0 are interpolated from
    their neighbors; other unequal weights raise an error, since a filter mixes all pixels. The
    volume is multiplied by the mask.

    Examples
    --------
    >>> from libtilt.reconstruction import WBP
    >>> WBP(filter="hann")
    WBP(filter='hann', padding='edge', taper=0)
    """

    supports: ClassVar[tuple[str, ...]] = ("mask", "weights")
    driven: ClassVar[str | None] = "voxel"
    margin: ClassVar[int | str] = 0

    filter: str | Filter = attrs.field(default="ramp", validator=checked(_check_filter))
    padding: str = attrs.field(
        default="edge",
        validator=checked(lambda value, name: one_of(value, name, PADDINGS)),
        metadata=option("padding of the images for the filter", PADDINGS),
    )
    taper: int = 0

    def filtered_images(self, problem: LeastSquares) -> NDArray[Any]:
        """Return the filtered images, whose adjoint is the volume.

        Parameters
        ----------
        problem : LeastSquares
            Problem with a voxel-driven projector.

        Returns
        -------
        ndarray, shape (n, h, w)

        Raises
        ------
        ValueError
            If nonzero weights differ, or a ramp is chosen for tilts without a single axis.

        Examples
        --------
        >>> from libtilt import GaussianBlobs, TiltGeometry
        >>> from libtilt.reconstruction import WBP, LeastSquares
        >>> blobs = GaussianBlobs([[0, 0, 0]], sigmas=2)
        >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-30, 0, 30]), (16, 16))
        >>> problem = LeastSquares.from_tilt_series(
        ...     series, volume_shape=(8, 16, 16), driven="voxel"
        ... )
        >>> volume = problem.adjoint(WBP().filtered_images(problem))
        >>> float(abs(volume - WBP().solve(problem).data).max())
        0.0
        """
        projector = problem.projector
        images = _filled_images(problem)
        if self.taper:
            images = taper_edges(TiltSeries(images, projector.geometry), width=self.taper).images
        chosen = self.filter if isinstance(self.filter, Filter) else RampFilter(self.filter)
        # Cancels the scales of the voxel-driven adjoint.
        scales = chosen.tilt_weights(projector.geometry) / projector.image_scales
        return _apply_filter(images, projector.geometry, chosen, self.padding, scales)

    def _solve(self, problem: LeastSquares, progress: Progress) -> NDArray[Any]:
        progress.stop_reason = "direct"
        return problem.apply_mask(problem.adjoint(self.filtered_images(problem)))


def filter_images(
    tilt_series: TiltSeries,
    method: WBP,
    *,
    volume_shape: tuple[int, ...],
    projector: Projector | None = None,
    backend: str | type[Backend] | Backend = "auto",
    weights: ArrayLike | None = None,
    nan: str = "raise",
) -> tuple[Projector, TiltSeries]:
    """Return a voxel-driven projector and the filtered series, whose adjoint is that of `wbp`.

    It serves to backproject a few tilts or boxes at a time. The other arguments are those of `wbp`;
    the series has the projector's geometry.
    """
    problem = LeastSquares.from_tilt_series(
        tilt_series,
        driven=method.driven,
        volume_shape=volume_shape,
        projector=projector,
        backend=backend,
        weights=weights,
        nan=nan,
    )
    images, geometry = method.filtered_images(problem), problem.projector.geometry
    return problem.projector, tilt_series.evolve(images=images, geometry=geometry)


def _filled_images(problem: LeastSquares) -> NDArray[Any]:
    """Return the images with pixels of weight zero interpolated."""
    weights = problem.weights
    if weights is None:
        return problem.images
    known = weights > 0
    if np.ptp(weights[known]) > 0:
        raise ValueError(
            "weights must be 0 or one common value for the method 'wbp', whose filter mixes all "
            "pixels of an image; use sirt, cgls or tv"
        )
    images = problem.images.copy()
    for image, good in zip(images, known, strict=True):
        if not good.any():
            raise ValueError("weights must not be 0 on a whole image for the method 'wbp'")
        if not good.all():
            image[:] = fill_pixels(image, good)
    return images


def _apply_filter(
    images: NDArray[Any],
    geometry: TiltGeometry,
    filter: Filter,  # noqa: A002
    padding: str,
    scales: Float64Array,
) -> NDArray[Any]:
    """Return the images, filtered in Fourier space and multiplied by one scale each."""
    result = np.empty_like(images)
    height, width = images.shape[1:]
    one_dimensional = filter.is_one_dimensional(geometry)
    rows, columns = height if one_dimensional else _period(height), _period(width)
    u: Float64Array = np.fft.rfftfreq(columns).astype(np.float64)
    v: Float64Array = np.zeros(1) if one_dimensional else np.fft.fftfreq(rows).astype(np.float64)

    def work(tilt: int) -> None:
        padded = _pad(images[tilt], (rows, columns), padding)
        response = (filter.response(geometry, tilt, u, v) * scales[tilt]).astype(images.dtype)
        if one_dimensional:
            lines = fft.irfft(fft.rfft(padded, axis=1) * response, n=columns, axis=1)
        else:
            lines = fft.irfft2(fft.rfft2(padded) * response, s=padded.shape)
        result[tilt] = lines[:height, :width]

    run_all(work, range(len(images)), None)
    return result


def _period(size: int) -> int:
    """Return an odd fast FFT length, at which the kernel does not wrap around to the other edge.

    At an even length the sign of the Nyquist frequency is ambiguous.
    """
    period = 2 * size + 1
    while fft.next_fast_len(period) != period:
        period += 2
    return period


def _pad(image: NDArray[Any], shape: tuple[int, int], padding: str) -> NDArray[Any]:
    """Return an image padded at the end of each axis."""
    counts = [wide - size for wide, size in zip(shape, image.shape, strict=True)]
    if padding != "edge":
        fill = 0.0 if padding == "zero" else image.mean(dtype=np.float64)
        return np.pad(image, [(0, count) for count in counts], constant_values=fill)
    for axis, count in enumerate(counts):
        image = _pad_with_edges(image, count, axis)
    return image


def _pad_with_edges(image: NDArray[Any], count: int, axis: int) -> NDArray[Any]:
    """Append lines that blend the last line into the first along a half cosine."""
    if not count:
        return image
    phase = (np.arange(count) + 1) / (count + 1)
    rise = (0.5 - 0.5 * np.cos(np.pi * phase)).astype(image.dtype)
    first, last = image.take([0], axis), image.take([-1], axis)
    rise = rise[np.newaxis] if axis == 1 else rise[:, np.newaxis]
    return np.concatenate([image, last + (first - last) * rise], axis=axis)
