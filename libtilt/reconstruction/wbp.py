"""Weighted back-projection."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from libtilt._checks import Float64Array, one_of
from libtilt.backends.base import Backend
from libtilt.backends.threads import run_all
from libtilt.geometry import TiltGeometry
from libtilt.preparation import taper_edges
from libtilt.projector import Projector
from libtilt.reconstruction.filters import WINDOWS, Filter, RampFilter
from libtilt.reconstruction.problem import Problem
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

PADDINGS = ("edge", "mean", "zero")


def wbp(
    tilt_series: TiltSeries,
    *,
    volume_shape: tuple[int, ...] | None = None,
    projector: Projector | None = None,
    filter: str | Filter = "ramp",  # noqa: A002
    padding: str = "edge",
    taper: int = 0,
    backend: str | type[Backend] | Backend = "auto",
) -> Volume:
    """Reconstruct by weighted back-projection: filtered images, given back to each voxel.

    Parameters
    ----------
    tilt_series : TiltSeries
        ``n`` images of shape ``(h, w)``.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of the volume; needed where there is no projector that knows it.
    projector : Projector, optional
        Its geometry, voxel size and backend are used, voxel-driven whatever it is; a subclass may
        compute in its own way. By default one is made for the series, with voxels as large as
        its pixels.
    filter : str or Filter, optional
        "ramp" (the default) or another window of `RampFilter`, or an instance: `RadialFilter`,
        `SIRTLikeFilter`, or `ExactFilter` for orientations that no single axis describes.
    padding : {"edge", "mean", "zero"}, optional
        What the filter finds beside an image, as far out as the image is wide: its edge's values
        (the default), its mean, or nothing.
    taper : int, optional
        Pixels at each side over which images fall to the mean of their edge before all this.
    backend : str, type or Backend, optional
        Where no projector is given.

    Returns
    -------
    Volume
        Its density is in the units of the images per voxel: an object that was seen from
        all sides, more finely than its detail, comes back as it was.

    Raises
    ------
    ValueError
        If shapes or an option do not fit, an image is flat or has NaN, or a ramp is asked for
        where the tilts have no single axis.

    Notes
    -----
    Images are filtered across their own tilt axis, whatever its angle, and weighted by the angle
    that each stands for (see `libtilt.reconstruction.spacing.angular_weights`).

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import wbp
    >>> blobs = GaussianBlobs([[0, 0, 0]], sigmas=3)
    >>> geometry = TiltGeometry.from_tilt_angles(np.linspace(-90, 90, 90))
    >>> volume = wbp(blobs.tilt_series(geometry, (32, 32)), volume_shape=(32, 32, 32))
    >>> bool(abs(volume.data - blobs.volume((32, 32, 32)).data).max() < 0.02)
    True
    """
    projector, filtered = weighted(
        tilt_series,
        volume_shape=volume_shape,
        projector=projector,
        filter=filter,
        padding=padding,
        taper=taper,
        backend=backend,
    )
    return projector.adjoint(filtered)


def weighted(
    tilt_series: TiltSeries,
    *,
    volume_shape: tuple[int, ...] | None = None,
    projector: Projector | None = None,
    filter: str | Filter = "ramp",  # noqa: A002
    padding: str = "edge",
    taper: int = 0,
    backend: str | type[Backend] | Backend = "auto",
) -> tuple[Projector, TiltSeries]:
    """Return a voxel-driven projector, and the images whose adjoint by it is what `wbp` returns.

    For who backprojects a few tilts at a time. Everything is as in `wbp`.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction.wbp import wbp, weighted
    >>> blobs = GaussianBlobs([[0, 0, 0]], sigmas=2)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-30, 0, 30]), (16, 16))
    >>> projector, images = weighted(series, volume_shape=(8, 16, 16))
    >>> difference = projector.adjoint(images) - wbp(series, volume_shape=(8, 16, 16))
    >>> float(abs(difference.data).max())
    0.0
    """
    one_of(padding, "padding", PADDINGS)
    chosen = _filter(filter)
    if taper:
        tilt_series = taper_edges(tilt_series, width=taper)
    problem = Problem.of(tilt_series, projector, volume_shape, driven="voxel", backend=backend)
    voxel_driven = problem.projector
    if voxel_driven.driven != "voxel":
        voxel_driven = voxel_driven.evolve(driven="voxel")
    images = _filtered(
        problem.images, voxel_driven.geometry, chosen, padding, _scales(problem, chosen)
    )
    return voxel_driven, tilt_series.evolve(images=images)


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


def _filter(value: str | Filter) -> Filter:
    if isinstance(value, Filter):
        return value
    if value not in WINDOWS:
        raise ValueError(
            f"filter must be one of {', '.join(map(repr, WINDOWS))}, or a Filter such as "
            f"RadialFilter(0.35, 0.035) or SIRTLikeFilter(20, depth), got {value!r}"
        )
    return RampFilter(value)


def _scales(problem: Problem, filter: Filter) -> Float64Array:  # noqa: A002
    """Return per tilt what turns filtered images into density when each voxel sums them."""
    projector = problem.projector
    if projector.driven != "voxel":
        projector = projector.evolve(driven="voxel")
    # Of the voxel-driven adjoint's own weights nothing may be left.
    scales: Float64Array = filter.tilt_weights(projector.geometry) / projector.image_scales
    return scales


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
