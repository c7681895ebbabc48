"""The missing wedge: the frequencies that no tilt measured."""

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
    """Return the frequencies of a volume that no tilt measured.

    Parameters
    ----------
    geometry : TiltGeometry
        Any rotations; shifts do not matter.
    shape : tuple of int
        ``(d, h, w)`` of the volume.
    voxel_size : float or (3,), optional
        Angstroms, x, y, z.
    half_width : float, optional
        Degrees, from 0 to 90, on both sides of a slice that count as measured. By default half
        the median angle between each beam and its nearest neighbor, beams that coincide counted
        once; 0 where all of them do.

    Returns
    -------
    ndarray of bool, shape (d, h, w)
        True where nothing is measured, zero frequency at ``shape // 2`` as `numpy.fft.fftshift`
        puts it; at even sizes index 0 is the negative Nyquist frequency. Opposite frequencies
        agree wherever both are in the array.

    Raises
    ------
    TypeError
        If `geometry` is not a geometry.
    ValueError
        If `shape`, `voxel_size` or `half_width` does not fit.

    Notes
    -----
    By the central-slice theorem [1]_ a tilt measures the plane through zero frequency that is
    perpendicular to its beam, the third column of its rotation matrix. A frequency counts as
    measured if it is at most `half_width` from such a slice, or if the slice passes through its
    Fourier voxel, ``1 / (shape * voxel_size)`` large. A single-axis series from -60 to 60 degrees
    in steps of 3 measures all directions up to 61.5 degrees.

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
                "leave it out to take half the tilt step"
            )
        degrees = float(width)
    return _missing_wedge(beams, sizes, spacing, np.sin(np.deg2rad(degrees)))


def _half_width(beams: Float64Array) -> float:
    """Return half the median angle in degrees from each beam, as a line, to the nearest other."""
    angles = np.rad2deg(np.arccos(np.minimum(np.abs(beams @ beams.T), 1.0)))
    # Repeated tilts would be their own neighbors, and the arc cosine of 1 is not sharp.
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
    # A hair more, so that rounding does not decide about frequencies that lie on the border.
    hair = 1 + 1e-9
    half_voxels = 0.5 * hair * (np.abs(beams) @ voxels)
    in_plane = x**2 + y[:, np.newaxis] ** 2
    missing = np.ones(shape, dtype=np.bool_)
    # Plane by plane and in place: what is computed on the way is small and stays in the cache.
    distance, limit = np.empty_like(in_plane), np.empty_like(in_plane)
    for plane, frequency in zip(missing, z, strict=True):
        reach = sine * hair * np.sqrt(in_plane + frequency**2)
        for beam, half_voxel in zip(beams, half_voxels, strict=True):
            np.add(x * beam[0] + frequency * beam[2], (y * beam[1])[:, np.newaxis], out=distance)
            np.abs(distance, out=distance)
            plane &= distance > np.maximum(reach, half_voxel, out=limit)
    return missing
