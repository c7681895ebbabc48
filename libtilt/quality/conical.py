"""Conical Fourier shell correlation: the resolution along many directions."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from libtilt.errors.checks import Float64Array, finite_number, locked, positive_integer
from libtilt.quality.correlation_curves import FourierCorrelation
from libtilt.quality.fourier_correlation import shells_and_spectra
from libtilt.quality.shells import Shells, correlations
from libtilt.volume import Volume


@attrs.frozen(eq=False)
class ConicalCorrelation:
    """Fourier shell correlations in cones about many directions.

    Attributes
    ----------
    directions : ndarray, shape (n, 3)
        Unit vectors x, y, z along the axes of the cones; a cone includes its opposite.
    curves : tuple of FourierCorrelation
        One for each direction. A shell without components in a cone has the correlation 0.
    half_angle : float
        Degrees from the axis of a cone to its border.
    in_missing_wedge : ndarray of bool, shape (n,)
        Whether the axis of a cone lies in the missing wedge, so that its border alone is measured.
    """

    directions: Float64Array = attrs.field(converter=locked)
    curves: tuple[FourierCorrelation, ...]
    half_angle: float
    in_missing_wedge: NDArray[np.bool_] = attrs.field(converter=locked)

    @in_missing_wedge.default
    def _no_missing_wedge(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.directions), dtype=np.bool_)

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Whether a cone has Fourier components, and its axis lies outside the missing wedge."""
        return ~self.in_missing_wedge & [bool(curve.counts[1:].any()) for curve in self.curves]

    def resolution(self, threshold: float = 0.143) -> Float64Array:
        """Return the resolution along each direction.

        Parameters
        ----------
        threshold : float, optional
            As in `libtilt.quality.FourierCorrelation.resolution`.

        Returns
        -------
        ndarray, shape (n,)
            Angstroms; NaN for a cone that is not `measured`: the few components at the border of
            the missing wedge do not give a resolution along its axis.
        """
        return np.array(
            [
                curve.resolution(threshold) if measured else math.nan
                for curve, measured in zip(self.curves, self.measured, strict=True)
            ]
        )

    def __repr__(self) -> str:
        known = self.resolution()
        known = known[~np.isnan(known)]
        found = f"{known.min():.4g} to {known.max():.4g} angstroms" if known.size else "unknown"
        return (
            f"{type(self).__name__}({len(self.curves)} cones of {self.half_angle:g} degrees, "
            f"resolution {found})"
        )


def conical_fsc(
    first: Volume,
    second: Volume,
    *,
    mask: ArrayLike | None = None,
    missing_wedge: ArrayLike | None = None,
    count: int = 64,
    half_angle: float = 20.0,
) -> ConicalCorrelation:
    """Return the Fourier shell correlation along many directions, each within a cone.

    Parameters
    ----------
    first, second, mask, missing_wedge
        As in `libtilt.quality.fsc`.
    count : int, optional
        Number of directions, spread evenly over the half sphere of z at least 0.
    half_angle : float, optional
        Degrees from the axis of a cone to its border.

    Returns
    -------
    ConicalCorrelation

    Raises
    ------
    TypeError, ValueError
        As `libtilt.quality.fsc`, or if `count` or `half_angle` is invalid.

    Notes
    -----
    Each curve is that of `libtilt.quality.fsc` over the components within a cone [1]_. The
    directions are a Fibonacci lattice. The components of a cone are few at low frequencies, where
    its correlation is uncertain.

    References
    ----------
    .. [1] Tan, Y. Z. et al. (2017), Nat. Methods 14, 793-796.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.quality import conical_fsc
    >>> signal, *noise = np.random.default_rng(0).normal(size=(3, 32, 32, 32))
    >>> cones = conical_fsc(*(Volume(signal + part / 4) for part in noise), count=16)
    >>> cones.directions.shape, len(cones.curves)
    ((16, 3), 16)
    >>> means = [curve.correlation[8:].mean() for curve in cones.curves]
    >>> bool(min(means) > 0.9)  # the same along all directions: 16 / (16 + 1)
    True
    """
    positive_integer(count, "count")
    angle = finite_number(half_angle, "half_angle")
    if not 0 < angle <= 90:
        raise ValueError(f"half_angle must be more than 0 and at most 90 degrees, got {angle:g}")
    shells, transforms, wedge = shells_and_spectra(first, second, mask, missing_wedge)
    axes = half_sphere(count)
    sums = np.zeros((count, 4, len(shells.frequencies)))
    cones = _Cones(axes, math.cos(math.radians(angle)), shells)
    planes = zip(shells.planes(wedge), *transforms, strict=True)
    for index, (plane, a, b) in enumerate(planes):
        for direction, inside in enumerate(cones.inside(index)):
            sums[direction] += plane.within(inside).sums(a.ravel()[inside], b.ravel()[inside])
    curves = tuple(
        FourierCorrelation(shells.frequencies, correlations(part), part[3]) for part in sums
    )
    missing = _in_wedge(axes, shells, wedge)
    return ConicalCorrelation(axes, curves, angle, missing)


def _in_wedge(
    axes: Float64Array, shells: Shells, wedge: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Return which axes lie in a missing wedge: over most of the upper half of frequencies.

    Near zero frequency all directions are measured, within a Fourier voxel.
    """
    if wedge is None:
        return np.zeros(len(axes), dtype=np.bool_)
    sizes = np.array(shells.shape)
    lengths = np.linspace(0.5, 1, 33) * shells.frequencies[-1]
    points = axes[:, np.newaxis, ::-1] * lengths[:, np.newaxis]
    places = np.rint(points * sizes * np.array(shells.spacing)).astype(np.intp) + sizes // 2
    # The Nyquist frequency of an even size is at index 0.
    z, y, x = np.moveaxis(places % sizes, -1, 0)
    missing: NDArray[np.bool_] = wedge[z, y, x].mean(axis=1) > 0.5
    return missing


@attrs.frozen(eq=False)
class _Cones:
    """Which components of a plane of the half-spectrum lie in which cone."""

    axes: Float64Array
    cosine: float
    shells: Shells

    def inside(self, plane: int) -> list[NDArray[np.intp]]:
        """Return, for each cone, flat indices into a plane; zero frequency lies in all cones."""
        z, y, x = (
            fft.fftfreq(n, step)
            for n, step in zip(self.shells.shape, self.shells.spacing, strict=True)
        )
        x = x[: len(x) // 2 + 1]
        squares = z[plane] ** 2 + y[:, np.newaxis] ** 2 + x**2
        least = self.cosine * np.sqrt(squares) - 1e-12
        found = []
        for axis in self.axes:
            along: NDArray[Any] = axis[2] * z[plane] + axis[1] * y[:, np.newaxis] + axis[0] * x
            found.append(np.flatnonzero(np.abs(along) >= least))
        return found


def half_sphere(count: int) -> Float64Array:
    """Return unit vectors x, y, z spread evenly over the half sphere of z at least 0, `(n, 3)`."""
    place = np.arange(count) + 0.5
    z = 1 - place / count
    turn = math.pi * (1 + math.sqrt(5)) * place
    radius = np.sqrt(1 - z**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)
