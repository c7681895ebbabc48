"""`wbp`, `sirt`, `cgls` and `tv`: `reconstruct` with the options of one method."""

from __future__ import annotations

from numpy.typing import ArrayLike

from libtilt.backends.base import Backend
from libtilt.geometry import VolumeGrid
from libtilt.progress import ProgressOption
from libtilt.projector import Projector
from libtilt.reconstruction.cgls import CGLS
from libtilt.reconstruction.filters import Filter
from libtilt.reconstruction.method import Callback
from libtilt.reconstruction.reconstruct import reconstruct
from libtilt.reconstruction.result import Reconstruction
from libtilt.reconstruction.sirt import SIRT, Bounds
from libtilt.reconstruction.tv import TV
from libtilt.reconstruction.wbp import WBP
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


def wbp(
    tilt_series: TiltSeries,
    *,
    filter: str | Filter = "ramp",  # noqa: A002
    padding: str = "edge",
    taper: int = 0,
    volume_grid: VolumeGrid | None = None,
    volume_shape: tuple[int, ...] | None = None,
    projector: Projector | None = None,
    backend: str | type[Backend] | Backend = "auto",
    mask: Volume | ArrayLike | None = None,
    weights: ArrayLike | None = None,
    nan: str = "raise",
    progress: ProgressOption = False,
) -> Reconstruction:
    """Reconstruct by weighted back-projection.

    Parameters
    ----------
    tilt_series : TiltSeries
        Images of shape ``(n, h, w)``.
    filter, padding, taper
        Options of `WBP`.
    volume_grid, volume_shape, projector, backend, mask, weights, nan, progress
        As in `reconstruct`, which also documents the errors.

    Returns
    -------
    Reconstruction

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
    method = WBP(filter=filter, padding=padding, taper=taper)
    return reconstruct(
        tilt_series, method, volume_grid=volume_grid, volume_shape=volume_shape,
        projector=projector, backend=backend, mask=mask, weights=weights, nan=nan,
        progress=progress,
    )  # fmt: skip


def sirt(
    tilt_series: TiltSeries,
    *,
    iterations: int = 20,
    relaxation: float = 1.0,
    bounds: Bounds = (None, None),
    subsets: int = 1,
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
    """Reconstruct by the simultaneous iterative reconstruction technique.

    Parameters
    ----------
    tilt_series : TiltSeries
        Images of shape ``(n, h, w)``.
    iterations, relaxation, bounds, subsets
        Options of `SIRT`.
    volume_grid, volume_shape, projector, backend, start, mask, weights, nan, margin
        As in `reconstruct`.
    callback, progress
        As in `reconstruct`, which also documents the errors.

    Returns
    -------
    Reconstruction

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import sirt
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> result = sirt(series, volume_shape=(16, 16, 16), iterations=20, bounds=(0, None))
    >>> bool(result.residuals[-1] < 0.15)
    True
    """
    method = SIRT(iterations=iterations, relaxation=relaxation, bounds=bounds, subsets=subsets)
    return reconstruct(
        tilt_series, method, volume_grid=volume_grid, volume_shape=volume_shape,
        projector=projector, backend=backend, start=start, mask=mask, weights=weights, nan=nan,
        margin=margin, callback=callback, progress=progress,
    )  # fmt: skip


def cgls(
    tilt_series: TiltSeries,
    *,
    iterations: int = 10,
    damping: float = 0.0,
    tolerance: float = 1e-6,
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
    """Reconstruct by conjugate gradients on the least-squares problem.

    Parameters
    ----------
    tilt_series : TiltSeries
        Images of shape ``(n, h, w)``.
    iterations, damping, tolerance
        Options of `CGLS`.
    volume_grid, volume_shape, projector, backend, start, mask, weights, nan, margin
        As in `reconstruct`.
    callback, progress
        As in `reconstruct`, which also documents the errors.

    Returns
    -------
    Reconstruction

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import cgls
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> bool(cgls(series, volume_shape=(16, 16, 16), iterations=10).residuals[-1] < 0.02)
    True
    """
    method = CGLS(iterations=iterations, damping=damping, tolerance=tolerance)
    return reconstruct(
        tilt_series, method, volume_grid=volume_grid, volume_shape=volume_shape,
        projector=projector, backend=backend, start=start, mask=mask, weights=weights, nan=nan,
        margin=margin, callback=callback, progress=progress,
    )  # fmt: skip


def tv(
    tilt_series: TiltSeries,
    *,
    strength: float = 0.05,
    iterations: int = 200,
    tolerance: float = 1e-3,
    nonnegative: bool = True,
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
    """Reconstruct by least squares with total variation regularization.

    Parameters
    ----------
    tilt_series : TiltSeries
        Images of shape ``(n, h, w)``.
    strength, iterations, tolerance, nonnegative
        Options of `TV`.
    volume_grid, volume_shape, projector, backend, start, mask, weights, nan, margin
        As in `reconstruct`.
    callback, progress
        As in `reconstruct`, which also documents the errors.

    Returns
    -------
    Reconstruction

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import tv
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> result = tv(series, volume_shape=(16, 16, 16), strength=0.001, iterations=50)
    >>> bool(result.residuals[-1] < 0.1), bool(result.data.min() >= 0)
    (True, True)
    """
    method = TV(
        strength=strength, iterations=iterations, tolerance=tolerance, nonnegative=nonnegative
    )
    return reconstruct(
        tilt_series, method, volume_grid=volume_grid, volume_shape=volume_shape,
        projector=projector, backend=backend, start=start, mask=mask, weights=weights, nan=nan,
        margin=margin, callback=callback, progress=progress,
    )  # fmt: skip
