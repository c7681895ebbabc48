"""Residuals and correlations between images and reprojections, and half sets of tilts."""

from __future__ import annotations

import math

import numpy as np

from libtilt.errors.checks import Float64Array, require_finite, require_kind
from libtilt.projector import Projector
from libtilt.projector.completion import warn_of_replaced_geometry
from libtilt.quality.correlation_curves import FourierCorrelation
from libtilt.quality.fourier_correlation import frc
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


def residual_per_tilt(
    projector: Projector, volume: Volume, tilt_series: TiltSeries
) -> Float64Array:
    """Return the relative residual of each image and the projection of a volume.

    Parameters
    ----------
    projector : Projector
        Projector; a missing image grid is taken from `tilt_series`, not from the volume.
    volume : Volume
        Volume of shape ``(d, h, w)``.
    tilt_series : TiltSeries
        Images of shape ``(n, h, w)`` in the order of the projector's geometry, which replaces that
        of the series.

    Returns
    -------
    ndarray, shape (n,)
        ``norm(projection - image) / norm(image)`` of each tilt: 0 for a perfect volume, 1 for a
        volume of zeros. For an image of zeros, 0 if the projection is zero too, else infinite.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If the images or the volume disagree with the projector, or have NaN.

    Warns
    -----
    LibtiltWarning
        If the geometry of the series differs from the projector's.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, Projector, TiltGeometry
    >>> from libtilt.quality import residual_per_tilt
    >>> volume = GaussianBlobs.random((16, 16, 16), n=5, seed=0).volume((16, 16, 16))
    >>> projector = Projector(TiltGeometry.from_tilt_angles([-60, 0, 60]))
    >>> residual_per_tilt(projector, 1.25 * volume, projector(volume)).round(6).tolist()
    [0.25, 0.25, 0.25]
    """
    reprojections = _reprojections(projector, volume, tilt_series)
    residuals = np.empty(len(tilt_series))
    for tilt, (image, projection) in enumerate(
        zip(tilt_series.images, reprojections.images, strict=True)
    ):
        data = image.astype(np.float64)
        # Scaling prevents squares from overflowing.
        scale = max(float(np.abs(data).max()), float(np.abs(projection).max())) or 1.0
        difference = np.linalg.norm(projection / scale - data / scale)
        size = np.linalg.norm(data / scale)
        residuals[tilt] = difference / size if size else math.inf if difference else 0.0
    return residuals


def reprojection_frc(
    projector: Projector, volume: Volume, tilt_series: TiltSeries
) -> FourierCorrelation:
    """Return the Fourier ring correlation of each image with the projection of a volume.

    Arguments and errors are those of `residual_per_tilt`; the result is that of `frc`.

    Notes
    -----
    A volume reconstructed from the same images contains their noise, which correlates with itself:
    exclude the image from the reconstruction, or use half sets (`split_even_odd`).

    Examples
    --------
    >>> from libtilt import GaussianBlobs, Projector, TiltGeometry
    >>> from libtilt.quality import reprojection_frc
    >>> volume = GaussianBlobs.random((16, 16, 16), n=5, seed=0).volume((16, 16, 16))
    >>> projector = Projector(TiltGeometry.from_tilt_angles([-60, 0, 60]))
    >>> curves = reprojection_frc(projector, volume, projector(volume))
    >>> curves.correlation.shape, curves.resolution().tolist()
    ((3, 9), [2.0, 2.0, 2.0])
    """
    reprojections = _reprojections(projector, volume, tilt_series)
    return frc(reprojections, tilt_series.evolve(geometry=reprojections.geometry))


def split_even_odd(tilt_series: TiltSeries) -> tuple[TiltSeries, TiltSeries]:
    """Split a tilt series into even- and odd-numbered tilts.

    Parameters
    ----------
    tilt_series : TiltSeries
        At least two tilts, split in their order: to alternate in tilt angle, use
        ``split_even_odd(tilt_series.sort())``.

    Returns
    -------
    even, odd : TiltSeries
        Tilts 0, 2, 4, ... and 1, 3, 5, ..., of the same class; views, not copies.

    Raises
    ------
    TypeError
        If `tilt_series` is not a tilt series.
    ValueError
        If it has only one tilt.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry, TiltSeries
    >>> from libtilt.quality import split_even_odd
    >>> tilt_series = TiltSeries(np.zeros((3, 4, 4)), TiltGeometry.from_tilt_angles([-3, 0, 3]))
    >>> [half.geometry.tilt_angles.round(6).tolist() for half in split_even_odd(tilt_series)]
    [[-3.0, 3.0], [0.0]]
    """
    require_kind(tilt_series, TiltSeries, "tilt_series")
    if len(tilt_series) < 2:
        raise ValueError("tilt_series must have at least 2 tilts to be split, got 1")
    return tilt_series[::2], tilt_series[1::2]


def _reprojections(projector: Projector, volume: Volume, tilt_series: TiltSeries) -> TiltSeries:
    """Project a volume onto the image grid of a tilt series, after checking both."""
    require_kind(projector, Projector, "projector")
    require_kind(volume, Volume, "volume")
    require_kind(tilt_series, TiltSeries, "tilt_series")
    require_finite(tilt_series.images, "tilt_series")
    operator = projector.between(volume, tilt_series)
    if len(tilt_series) != len(projector.geometry):
        raise ValueError(
            f"tilt_series must have one image per tilt of the projector: expected "
            f"{len(projector.geometry)}, got {len(tilt_series)}"
        )
    warn_of_replaced_geometry(projector.geometry, tilt_series)
    return operator.forward(volume)
