"""The missing wedge: frequencies that no tilt measures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from libtilt.errors.checks import Float64Array, finite_array, require_kind, shape_of, to_voxel_size
from libtilt.geometry import TiltGeometry


def missing_wedge(
    geometry: TiltGeometry,
    shape: tuple[int, ...],
    *,
    voxel_size: ArrayLike = 1.0,
    half_width: float | None = None,
) -> NDArray[np.bool_]:
    """Return the frequencies of a volume that no tilt measures.

    Parameters
    ----------
    geometry : TiltGeometry
        Geometry with any rotations; shifts are ignored.
    shape : tuple of int
        Shape ``(d, h, w)`` of the volume.
    voxel_size : float or (3,), optional
        Voxel size x, y, z in angstroms.
    half_width : float, optional
        Half the angular width of a measured slice in degrees, 0 to 90. By default half the median
        angle between each beam and its nearest neighbor, coinciding beams counted once; 0 if all
        coincide.

    Returns
    -------
    ndarray of bool, shape (d, h, w)
        True at missing frequencies, in the order of `numpy.fft.fftshift`: zero frequency at
        ``shape // 2``, and for even sizes the negative Nyquist frequency at 0. Opposite
        frequencies agree.

    Raises
    ------
    TypeError
        If `geometry` is not a `TiltGeometry`.
    ValueError
        If `shape`, `voxel_size` or `half_width` is invalid.

    Notes
    -----
    By the central-slice theorem [1]_ a tilt measures the plane through zero frequency that is
    perpendicular to its beam, the third column of its rotation matrix. A frequency is measured if
    it lies within `half_width` of such a slice, or if the slice intersects its Fourier voxel of
    size ``1 / (shape * voxel_size)``. A single-axis series from -60 to 60 degrees in steps of 3
    measures all directions up to 61.5 degrees.

    References
    ----------
    .. [1] De Rosier, D. J. and Klug, A. (1968), Nature 217, 130-134.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.quality import missing_wedge
    >>> wedge = missing_wedge(TiltGeometry.from_tilt_angles(range(-60, 61, 3)), (33, 33, 33))
    >>> bool(wedge[32, 16, 16]), bool(wedge[16, 16, 32])  # along the beam, and across
    (True, False)
    """
    require_kind(geometry, TiltGeometry, "geometry")
    sizes, spacing = shape_of(shape, 3, "shape"), to_voxel_size(voxel_size)
    beams = geometry.beam_directions
    if half_width is None:
        degrees = _half_width(beams)
    else:
        width = finite_array(half_width, "half_width")
        if width.shape != () or not 0 <= width <= 90:
            raise ValueError(
                f"half_width must be one angle from 0 to 90 degrees, got {half_width!r}; "
                "omit it to use half the tilt step"
            )
        degrees = float(width)
    return _missing_wedge(beams, sizes, spacing, np.sin(np.deg2rad(degrees)))


def _half_width(beams: Float64Array) -> float:
    """Return half the median angle in degrees from each beam to its nearest neighbor."""
    angles = np.rad2deg(np.arccos(np.minimum(np.abs(beams @ beams.T), 1.0)))
    # Ignores repeated tilts; the arc cosine is inexact near 1.
    angles[angles < 1e-3] = np.inf
    nearest = angles.min(axis=1)
    nearest = nearest[np.isfinite(nearest)]
    return float(np.median(nearest)) / 2 if nearest.size else 0.0


def _missing_wedge(
    beams: Float64Array, shape: tuple[int, ...], voxel_size: Float64Array, sine: float
) -> NDArray[np.bool_]:
    x, y, z = (
        fft.fftshift(fft.fftfreq(n, step)) for n, step in zip(shape[::-1], voxel_size, strict=True)
    )
    voxels = 1 / (np.array(shape[::-1]) * voxel_size)
    # Keeps rounding from deciding about frequencies on the border.
    tolerance = 1 + 1e-9
    half_voxels = 0.5 * tolerance * (np.abs(beams) @ voxels)
    in_plane = x**2 + y[:, np.newaxis] ** 2
    missing = np.ones(shape, dtype=np.bool_)
    # Plane by plane and in place, so that temporary arrays stay in the cache.
    distance, limit = np.empty_like(in_plane), np.empty_like(in_plane)
    for plane, frequency in zip(missing, z, strict=True):
        reach = sine * tolerance * np.sqrt(in_plane + frequency**2)
        for beam, half_voxel in zip(beams, half_voxels, strict=True):
            np.add(x * beam[0] + frequency * beam[2], (y * beam[1])[:, np.newaxis], out=distance)
            np.abs(distance, out=distance)
            plane &= distance > np.maximum(reach, half_voxel, out=limit)
    return missing
