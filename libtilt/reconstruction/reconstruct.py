"""`reconstruct`: a volume from a tilt series, by any method."""

from __future__ import annotations

from numpy.typing import ArrayLike

from libtilt.backends.base import Backend
from libtilt.geometry import VolumeGrid
from libtilt.projector import Projector
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.method import Callback, Method
from libtilt.reconstruction.registry import resolve_method
from libtilt.reconstruction.result import Reconstruction
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


def reconstruct(
    tilt_series: TiltSeries,
    method: str | type[Method] | Method = "wbp",
    *,
    volume_grid: VolumeGrid | None = None,
    volume_shape: tuple[int, ...] | None = None,
    projector: Projector | None = None,
    backend: str | type[Backend] | Backend = "auto",
    start: Volume | ArrayLike | None = None,
    mask: Volume | ArrayLike | None = None,
    weights: ArrayLike | None = None,
    nan: str = "raise",
    margin: int | str | None = None,
    callback: Callback | None = None,
) -> Reconstruction:
    """Reconstruct a volume from a tilt series.

    Parameters
    ----------
    tilt_series : TiltSeries
        ``n`` images of shape ``(h, w)``.
    method : str, type or Method, optional
        "wbp" (the default), "sirt", "cgls" or "tv"; with options an instance, such as
        ``SIRT(iterations=8)``. One's own is a subclass of `Method`.
    volume_grid : VolumeGrid, optional
        Where the voxels shall lie.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` at the rotation center (or where the projector's grid lies), with voxels as
        large as the pixels (or as the projector says). One of the two is needed where there is
        no projector that knows its domain.
    projector : Projector, optional
        Or a subclass; by default one is made for the series. Its geometry counts.
    backend : str, type or Backend, optional
        Where no projector is given.
    start : Volume or array_like, shape (d, h, w), optional
        Where to start, by default from zero. Not of wbp.
    mask : Volume or array_like, shape (d, h, w), optional
        Weights between 0 and 1: each voxel's steps are multiplied by it, so that where it is 0
        the volume stays as it started.
    weights : array_like, optional
        What each pixel counts, 0 or more, of a shape that fits ``(n, h, w)`` as NumPy broadcasts.
        Of wbp zeros alone: those pixels are filled from their neighbors.
    nan : {"raise", "ignore"}, optional
        Whether pixels that are NaN or infinite are an error, or count nothing.
    margin : int or "auto", optional
        How much wider than asked the grid is on which the volume is computed, at each side, in
        voxels; the result lies on the grid that was asked for. "auto" (the default of iterative
        methods): it holds all that the images see, at high tilt, of a slab as thick as the volume.
        0: nothing lies outside of the volume. Not of wbp, which needs none.
    callback : callable, optional
        Called as ``callback(iteration, volume, residual)`` after each iteration, counted from 1;
        the volume is not a copy. If it returns True, that was the last one. Not of wbp.

    Returns
    -------
    Reconstruction
        A `Volume`, of data in the images' kind of float, that knows how it was found.

    Raises
    ------
    ValueError
        If shapes, spacings or options do not fit, the method does not heed one that is given, or
        an image is flat or has NaN.
    TypeError
        If something is not of its kind.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import SIRT, reconstruct
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> result = reconstruct(series, SIRT(iterations=5), volume_shape=(16, 16, 16))
    >>> result.method.name, result.iterations, result.shape
    ('sirt', 5, (16, 16, 16))
    """
    chosen = resolve_method(method)
    chosen.require_taken(
        start=start, mask=mask, weights=weights, margin=margin or None, callback=callback
    )
    problem = LeastSquares.of(
        tilt_series,
        volume_grid=volume_grid,
        volume_shape=volume_shape,
        projector=projector,
        backend=backend,
        driven=chosen.driven,
        start=start,
        mask=mask,
        weights=weights,
        nan=nan,
        margin=chosen.margin if margin is None else margin,
    )
    return chosen.solve(problem, callback=callback)
