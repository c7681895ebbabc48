"""`reconstruct`: a volume from a tilt series, by any method."""

from __future__ import annotations

from numpy.typing import ArrayLike

from libtilt.backends.base import Backend
from libtilt.geometry import VolumeGrid
from libtilt.progress import ProgressOption
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
    progress: ProgressOption = False,
) -> Reconstruction:
    """Reconstruct a volume from a tilt series.

    Parameters
    ----------
    tilt_series : TiltSeries
        Images of shape ``(n, h, w)``.
    method : str, type or Method, optional
        "wbp" (the default), "sirt", "cgls" or "tv"; an instance to set options, such as
        ``SIRT(iterations=8)``; or a custom subclass of `Method`.
    volume_grid : VolumeGrid, optional
        Grid of the volume.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of a volume at the rotation center with voxels as large as the pixels; with a
        projector, at the center and with the voxel size of its grid. `volume_grid` or
        `volume_shape` is required unless a projector knows its domain.
    projector : Projector, optional
        Projector, or a subclass, whose geometry replaces that of the series; by default one is
        made for the series.
    backend : str, type or Backend, optional
        Backend if no projector is given.
    start : Volume or array_like, shape (d, h, w), optional
        Initial volume; by default zeros. Not for wbp.
    mask : Volume or array_like, shape (d, h, w), optional
        Values between 0 and 1 that scale the steps of each voxel; voxels at 0 keep their initial
        value.
    weights : array_like, optional
        Weight of each pixel, 0 or more, in a shape that broadcasts to ``(n, h, w)``. For wbp all
        nonzero weights must be equal: pixels of weight 0 are interpolated from their neighbors.
    nan : {"raise", "ignore"}, optional
        Whether NaN and infinite pixels raise an error or get weight 0.
    margin : int or "auto", optional
        Voxels added on each side of the grid during the computation and cropped from the result.
        "auto" (the default of iterative methods) covers what the tilted images show of a slab as
        thick as the volume; 0 assumes that nothing lies outside the volume. Not for wbp, which
        needs none.
    callback : callable, optional
        Called as ``callback(iteration, volume, residual)`` after each iteration, counted from 1,
        with a volume that is not a copy; iteration stops if it returns True. Not for wbp.
    progress : bool or callable, optional
        True shows a bar, a callable is called as ``progress(done, total)``: iterations, and for wbp
        pieces of the work; see `libtilt.progress`.

    Returns
    -------
    Reconstruction
        A `Volume` with its history, in the floating dtype of the images.

    Raises
    ------
    ValueError
        If shapes, spacings or options are inconsistent, the method does not support an argument,
        or an image is flat or has NaN.
    UnsupportedSpecError
        If the backend does not support the grids, or the pair of projections of the method.
    TypeError
        If an argument has the wrong type.

    Warns
    -----
    LibtiltWarning
        If the geometry of `projector` differs from that of the series.

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
    chosen.require_supported(
        start=start, mask=mask, weights=weights, margin=margin or None, callback=callback
    )
    problem = LeastSquares.from_tilt_series(
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
    return chosen.solve(problem, callback=callback, progress=progress)
