"""Fourier filters for weighted back-projection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import Float64Array, one_of, positive_float, positive_integer
from libtilt.errors.options import checked
from libtilt.geometry import TiltGeometry
from libtilt.reconstruction.angular_weights import angular_weights

_OVERSAMPLING = 16
"""Samples of the ramp per frequency of an image, between which it is interpolated."""

_WINDOWS: dict[str, Callable[[Float64Array], Float64Array]] = {
    "ramp": np.ones_like,
    "shepp-logan": np.sinc,
    "cosine": lambda f: np.cos(np.pi * f),
    "hamming": lambda f: 0.54 + 0.46 * np.cos(2 * np.pi * f),
    "hann": lambda f: 0.5 + 0.5 * np.cos(2 * np.pi * f),
}

WINDOWS = ("ramp", "ram-lak", "shepp-logan", "cosine", "hamming", "hann")


class Filter(ABC):
    """Base class of filters: factors for the Fourier transform of each image.

    Filters raise a ValueError that names an invalid parameter; numbers must be positive.
    """

    @abstractmethod
    def response(
        self, geometry: TiltGeometry, tilt: int, u: Float64Array, v: Float64Array
    ) -> NDArray[Any]:
        """Return the Fourier factors for one image.

        Parameters
        ----------
        geometry : TiltGeometry
            Geometry of the whole series.
        tilt : int
            Index of the image.
        u, v : ndarray, shape (k,) and (m,)
            Frequencies along detector x and y, in cycles per pixel.

        Returns
        -------
        ndarray, shape (m, k)
        """

    def is_one_dimensional(self, geometry: TiltGeometry) -> bool:
        """Whether the factors depend on u alone, for all images: wbp then filters row by row."""
        return False

    def tilt_weights(self, geometry: TiltGeometry) -> Float64Array:
        """Return the weight of each filtered image, `(n,)`; 1 by default."""
        return np.ones(len(geometry))


class AxisFilter(Filter):
    """A one-dimensional filter perpendicular to each tilt axis, with angular weights.

    A subclass implements `profile`.
    """

    @abstractmethod
    def profile(self, frequency: Float64Array, reach: int) -> Float64Array:
        """Return the factors at frequencies in cycles per pixel.

        The kernel must vanish beyond `reach` pixels.
        """

    def response(
        self, geometry: TiltGeometry, tilt: int, u: Float64Array, v: Float64Array
    ) -> NDArray[Any]:
        """Return the profile, evaluated perpendicular to the tilt axis."""
        x, y = _perpendiculars(geometry)[tilt]
        across = np.add.outer(v * y, u * x)
        # Half a period of the padded image along this direction.
        steps = [abs(part) * (f[1] - f[0]) for part, f in ((x, u), (y, v)) if len(f) > 1]
        return self.profile(np.abs(across), int(0.5 / max(steps)))

    def is_one_dimensional(self, geometry: TiltGeometry) -> bool:
        """Whether every tilt axis is along y."""
        return bool(np.abs(_perpendiculars(geometry)[:, 1]).max() < 1e-9)

    def tilt_weights(self, geometry: TiltGeometry) -> Float64Array:
        """Return the angular weights, in radians."""
        return angular_weights(geometry)


@attrs.frozen
class RampFilter(AxisFilter):
    """The ramp filter, with an optional window that suppresses noise.

    Parameters
    ----------
    window : {"ramp", "ram-lak", "shepp-logan", "cosine", "hamming", "hann"}, optional
        "ramp" (the default): the transform of the band-limited ramp sampled at whole pixels (Kak
        and Slaney 1988, "Principles of Computerized Tomographic Imaging", equation 61), which is
        correct at zero frequency for a finite detector. "ram-lak": the absolute frequency up to
        Nyquist. The others multiply "ramp" by a sinc, a cosine, a Hamming or a Hann window.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.reconstruction import RampFilter
    >>> RampFilter("ram-lak").profile(np.array([0.0, 0.25, 0.5]), 64).tolist()
    [0.0, 0.25, 0.5]
    >>> RampFilter("hann").profile(np.array([0.0, 0.25, 0.5]), 64).round(3).tolist()
    [0.002, 0.125, 0.0]
    """

    window: str = attrs.field(
        default="ramp", validator=checked(lambda value, name: one_of(value, name, WINDOWS))
    )

    def profile(self, frequency: Float64Array, reach: int) -> Float64Array:
        """Return the ramp times the window."""
        if self.window == "ram-lak":
            return np.where(frequency <= 0.5, frequency, 0.0)
        inside = np.minimum(frequency, 0.5)
        return band_limited_ramp(frequency, reach) * _WINDOWS[self.window](inside)


@attrs.frozen
class RadialFilter(AxisFilter):
    """The ramp up to a cutoff with a Gaussian roll-off beyond it, as IMOD's RADIAL.

    Parameters
    ----------
    cutoff : float
        Cutoff in cycles per pixel.
    falloff : float
        Standard deviation of the Gaussian in cycles per pixel. The Gaussian multiplies the ramp's
        value at the cutoff.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.reconstruction import RadialFilter
    >>> RadialFilter(0.35, 0.035).profile(np.array([0.1, 0.35, 0.385]), 1024).round(3).tolist()
    [0.1, 0.35, 0.212]
    """

    cutoff: float = attrs.field(default=0.35, validator=checked(positive_float))
    falloff: float = attrs.field(default=0.035, validator=checked(positive_float))

    def profile(self, frequency: Float64Array, reach: int) -> Float64Array:
        """Return the ramp up to the cutoff, and its value there times the Gaussian beyond."""
        beyond = np.maximum(frequency - self.cutoff, 0.0)
        ramp = band_limited_ramp(np.minimum(frequency, self.cutoff), reach)
        return ramp * np.exp(-0.5 * (beyond / self.falloff) ** 2)


@attrs.frozen
class SIRTLikeFilter(AxisFilter):
    """The ramp, attenuated at high frequencies like the given number of SIRT iterations.

    Parameters
    ----------
    iterations : int
        Number of SIRT iterations.
    thickness : float
        Thickness of the volume along the beam in pixels, by which SIRT normalizes its rows.

    Notes
    -----
    For tilts that cover all angles evenly, projection and backprojection with SIRT's normalization
    multiply the frequency f by ``a = min(1, 1 / (pi * thickness * f))``, and k iterations recover
    the fraction ``1 - (1 - a) ** k`` (after Zeng 2012, Medical Physics 39, 603-609).

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.reconstruction import SIRTLikeFilter
    >>> SIRTLikeFilter(10, 64).profile(np.array([0.1, 0.4]), 1024).round(3).tolist()
    [0.04, 0.047]
    """

    iterations: int = attrs.field(validator=checked(positive_integer))
    thickness: float = attrs.field(validator=checked(positive_float))

    def profile(self, frequency: Float64Array, reach: int) -> Float64Array:
        """Return the ramp times the fraction that the iterations recover."""
        rate = 1.0 / np.maximum(np.pi * self.thickness * frequency, 1.0)
        recovered: Float64Array = 1.0 - (1.0 - rate) ** self.iterations
        return band_limited_ramp(frequency, reach) * recovered


@attrs.frozen
class ExactFilter(Filter):
    """Density compensation computed from the geometry, for uneven tilts and any orientations.

    Each frequency is divided by the number of central slices that overlap there. The thickness of
    a slice is that of the transform of an object of the given diameter.

    Parameters
    ----------
    diameter : float
        Diameter of a particle or thickness of a slab, in pixels. Smaller objects have thicker
        slices, which overlap further.

    Notes
    -----
    With b the beams of all tilts in the specimen's frame, image i is multiplied at its frequency f
    by ``1 / (diameter * sum_k max(0, 1 - |f . b_k| * diameter))`` (Harauz and van Heel 1986, "Exact
    filters for general geometry three dimensional reconstruction", Optik 73, 146-156). For evenly
    spaced tilts about one axis that is the ramp times the angle between them.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry
    >>> from libtilt.reconstruction import ExactFilter
    >>> geometry = TiltGeometry.from_tilt_angles(range(-90, 90))
    >>> u, v = np.array([0.0, 0.1, 0.3]), np.array([0.0])
    >>> (ExactFilter(100).response(geometry, 90, u, v) / np.radians(1)).round(3).tolist()
    [[0.003, 0.099, 0.293]]
    """

    diameter: float = attrs.field(validator=checked(positive_float))

    def response(
        self, geometry: TiltGeometry, tilt: int, u: Float64Array, v: Float64Array
    ) -> NDArray[Any]:
        """Return one over the number of overlapping slices and the diameter."""
        frame = geometry.rotation_matrices[tilt]
        density = np.zeros((len(v), len(u)))
        for beam in geometry.rotation_matrices[:, :, 2]:
            along = geometry.magnifications[tilt] @ (frame.T @ beam)[:2]
            distance = np.abs(np.add.outer(v * along[1], u * along[0])) * self.diameter
            density += np.maximum(0.0, 1.0 - distance)
        return 1.0 / (self.diameter * density)


def _perpendiculars(geometry: TiltGeometry) -> Float64Array:
    """Return the unit vector perpendicular to each tilt axis, x and y, magnified as the image."""
    angles = np.radians(geometry.tilt_axis_angles)
    steps = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    across: Float64Array = (geometry.magnifications @ steps[:, :, np.newaxis])[:, :, 0]
    return across


def band_limited_ramp(frequency: Float64Array, reach: int) -> Float64Array:
    """Return the transform of the ramp kernel truncated at `reach` pixels, the image width.

    Frequencies are in cycles per pixel, 0 or more; beyond Nyquist the ramp is zero.
    """
    size = 2 * _OVERSAMPLING * reach
    odd = np.arange(1, reach, 2)
    kernel = np.zeros(size)
    kernel[odd] = kernel[-odd] = -1.0 / (np.pi * odd) ** 2
    kernel[0] = 0.25
    nodes = np.fft.rfft(kernel).real
    return np.interp(frequency, np.fft.rfftfreq(size), nodes, right=0.0)
