"""Fourier shell correlation of volumes and Fourier ring correlation of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.errors.checks import floating_dtype, require_finite, require_kind
from libtilt.geometry.tolerances import same_spacing
from libtilt.quality.correlation_curves import FourierCorrelation
from libtilt.quality.masks import checked_mask
from libtilt.quality.shells import Shells, correlations, spectrum
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


def fsc(
    first: Volume,
    second: Volume,
    *,
    mask: ArrayLike | None = None,
    missing_wedge: ArrayLike | None = None,
) -> FourierCorrelation:
    """Return the Fourier shell correlation of two volumes.

    Parameters
    ----------
    first, second : Volume
        Volumes of the same shape ``(d, h, w)``, voxel size and center; origins are not compared.
    mask : array_like, shape (d, h, w), optional
        Mask with values from 0 to 1 that multiplies both volumes; soft edges, as by
        `libtilt.quality.soft_mask`, add the least correlation.
    missing_wedge : array_like of bool, shape (d, h, w), optional
        Frequencies to exclude, as from `libtilt.quality.missing_wedge`, with zero frequency at
        ``shape // 2``.

    Returns
    -------
    FourierCorrelation
        One curve, in shells one Fourier voxel of the longest side wide, up to the Nyquist frequency
        of the coarsest spacing; 0 in shells where a volume has no power.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If grids differ, a volume has NaN, the mask is zero or has values beyond 0 to 1, or all
        frequencies are excluded.

    Notes
    -----
    The FSC of shell S is ``sum(F1 * conj(F2)) / sqrt(sum(abs(F1)**2) * sum(abs(F2)**2))`` over all
    components whose frequency in 1/angstrom lies in S [1]_. Shell 0 holds the means alone. The
    other shells do not depend on the means without a mask: subtract a nonzero background before
    masking.

    References
    ----------
    .. [1] Harauz, G. and van Heel, M. (1986), Optik 73, 146-156.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.quality import fsc
    >>> signal, *noise = np.random.default_rng(0).normal(size=(3, 32, 32, 32))
    >>> halves = [Volume(signal + part, voxel_size=2.0) for part in noise]
    >>> curve = fsc(*halves)  # half of the power is signal in every shell
    >>> bool(abs(curve.correlation[5:] - 0.5).max() < 0.1)
    True
    >>> curve.resolution()  # limited by the sampling
    4.0
    """
    shells, transforms, wedge = shells_and_spectra(first, second, mask, missing_wedge)
    sums = np.zeros((4, len(shells.frequencies)))
    for plane, a, b in zip(shells.planes(wedge), *transforms, strict=True):
        sums += plane.sums(a, b)
    return FourierCorrelation(shells.frequencies, correlations(sums), sums[3])


def shells_and_spectra(
    first: Volume, second: Volume, mask: ArrayLike | None, missing_wedge: ArrayLike | None
) -> tuple[Shells, list[NDArray[Any]], NDArray[np.bool_] | None]:
    """Return the shells and half-spectra of two masked volumes, and the checked missing wedge."""
    for volume, name in ((first, "first"), (second, "second")):
        require_finite(require_kind(volume, Volume, name).data, name)
    if difference := first.grid.describe_difference(second.grid):
        raise ValueError(
            f"second must be on the grid of first, but {difference}; use "
            "second.resample(first.grid), or correct its grid with evolve"
        )
    soft = None if mask is None else checked_mask(mask, first.shape)
    wedge = None if missing_wedge is None else _checked_wedge(missing_wedge, first.shape)
    shells = Shells(first.shape, first.voxel_size[::-1].tolist())
    transforms = [_masked_spectrum(volume.data, soft) for volume in (first, second)]
    return shells, transforms, wedge


def frc(first: TiltSeries, second: TiltSeries) -> FourierCorrelation:
    """Return the Fourier ring correlation of two tilt series, image by image.

    Parameters
    ----------
    first, second : TiltSeries
        Series of the same shape ``(n, h, w)``, pixel size and order of tilts; shifts are not
        compared.

    Returns
    -------
    FourierCorrelation
        One curve per image, ``correlation`` of shape (n, m), in rings like the shells of `fsc`.

    Raises
    ------
    TypeError, ValueError
        As `fsc`, and if rotations differ.

    Notes
    -----
    The formula is that of `fsc`, for the rings of one image [1]_.

    References
    ----------
    .. [1] Saxton, W. O. and Baumeister, W. (1982), J. Microsc. 127, 127-138.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.quality import frc
    >>> blobs = GaussianBlobs.random((16, 16, 16), n=5, seed=0)
    >>> tilts = blobs.tilt_series(TiltGeometry.from_tilt_angles([-60, 0, 60]), (16, 16))
    >>> frc(tilts, 2 * tilts).resolution().tolist()
    [2.0, 2.0, 2.0]
    """
    for series, name in ((first, "first"), (second, "second")):
        require_finite(require_kind(series, TiltSeries, name).images, name)
    if first.shape != second.shape:
        raise ValueError(
            f"second must have the shape of first: expected {first.shape}, got {second.shape}; "
            "crop or bin the larger one"
        )
    if not same_spacing(first.pixel_size, second.pixel_size):
        raise ValueError(
            f"second must have the pixel size of first: expected {first.pixel_size}, "
            f"got {second.pixel_size}; resample one, or correct it with evolve(pixel_size=...)"
        )
    matrices = (first.geometry.rotation_matrices, second.geometry.rotation_matrices)
    # Tolerates angles rounded in a text file.
    differing = np.abs(matrices[0] - matrices[1]).max(axis=(1, 2)) > 1e-3
    if differing.any():
        raise ValueError(
            f"second must have the tilts of first in the same order, but tilt {differing.argmax()} "
            "differs; sort both, or use second.evolve(geometry=first.geometry)"
        )
    return _frc(first, second)


def _frc(first: TiltSeries, second: TiltSeries) -> FourierCorrelation:
    rings = Shells(first.shape[1:], [first.pixel_size] * 2)
    (plane,) = rings.planes()
    sums = np.stack(
        [
            plane.sums(_masked_spectrum(a), _masked_spectrum(b))
            for a, b in zip(first.images, second.images, strict=True)
        ]
    )
    return FourierCorrelation(rings.frequencies, correlations(sums), sums[0, 3])


def _masked_spectrum(data: NDArray[Any], mask: NDArray[Any] | None = None) -> NDArray[Any]:
    values = data.astype(floating_dtype(data.dtype), copy=False)
    return spectrum(values if mask is None else values * mask.astype(values.dtype, copy=False))


def _checked_wedge(value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    wedge = np.asarray(value)
    if wedge.dtype != np.bool_:
        raise TypeError(
            f"missing_wedge must be boolean, True at frequencies to exclude, got dtype "
            f"{wedge.dtype}; make one with libtilt.quality.missing_wedge"
        )
    if wedge.shape != shape:
        raise ValueError(
            f"missing_wedge must have the shape of the volumes {shape}, got {wedge.shape}"
        )
    if wedge.all():
        raise ValueError("missing_wedge must not exclude all frequencies, got True everywhere")
    return wedge
