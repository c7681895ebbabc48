"""`wbp`, `sirt`, `cgls` and `tv`: `reconstruct` with each method's options written out."""

from __future__ import annotations

from typing import Any

import attrs
from numpy.typing import ArrayLike

from libtilt.backends.base import Backend
from libtilt.geometry import VolumeGrid
from libtilt.projector import Projector
from libtilt.reconstruction.cgls import CGLS
from libtilt.reconstruction.filters import Filter
from libtilt.reconstruction.method import Callback, Method
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
) -> Reconstruction:
    """Reconstruct by weighted back-projection: filtered images, given back to each voxel.

    Parameters
    ----------
    filter, padding, taper
        The fields of `WBP`.
    volume_grid, volume_shape, projector, backend, mask, weights, nan
        As in `reconstruct`, like `tilt_series`; it also says what is returned and raised.

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
    return _reconstruct(WBP, locals())


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
) -> Reconstruction:
    """Reconstruct by the simultaneous iterative reconstruction technique.

    Parameters
    ----------
    iterations, relaxation, bounds, subsets
        The fields of `SIRT`.
    volume_grid, volume_shape, projector, backend, start, mask, weights, nan, margin, callback
        As in `reconstruct`, like `tilt_series`; it also says what is returned and raised.

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
    return _reconstruct(SIRT, locals())


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
) -> Reconstruction:
    """Reconstruct by conjugate gradients on the least-squares problem.

    Parameters
    ----------
    iterations, damping, tolerance
        The fields of `CGLS`.
    volume_grid, volume_shape, projector, backend, start, mask, weights, nan, margin, callback
        As in `reconstruct`, like `tilt_series`; it also says what is returned and raised.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import cgls
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 5)), (16, 16))
    >>> bool(cgls(series, volume_shape=(16, 16, 16), iterations=10).residuals[-1] < 0.02)
    True
    """
    return _reconstruct(CGLS, locals())


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
) -> Reconstruction:
    """Reconstruct by least squares with total variation.

    Parameters
    ----------
    strength, iterations, tolerance, nonnegative
        The fields of `TV`.
    volume_grid, volume_shape, projector, backend, start, mask, weights, nan, margin, callback
        As in `reconstruct`, like `tilt_series`; it also says what is returned and raised.

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
    return _reconstruct(TV, locals())


def _reconstruct(kind: type[Method], arguments: dict[str, Any]) -> Reconstruction:
    """Reconstruct with the arguments of one of these functions, its method's fields among them."""
    options = {field.name: arguments.pop(field.name) for field in attrs.fields(kind)}
    return reconstruct(method=kind(**options), **arguments)
