"""Filters of weighted back-projection: factors at the frequencies of an image."""

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

_FINER = 16
"""Nodes between the frequencies of an image, where the ramp is interpolated between them."""

WINDOWS = ("ramp", "ram-lak", "shepp-logan", "cosine", "hamming", "hann")


class Filter(ABC):
    """What wbp multiplies the transform of each image by; a subclass may be one's own.

    A parameter that does not fit is a ValueError that names it; numbers must be positive.
    """

    @abstractmethod
    def response(
        self, geometry: TiltGeometry, tilt: int, u: Float64Array, v: Float64Array
    ) -> NDArray[Any]:
        """Return the factors for one image.

        Parameters
        ----------
        geometry : TiltGeometry
            Of the whole series.
        tilt : int
            Which image.
        u, v : ndarray, shape (k,) and (m,)
            Frequencies along detector x and y, in cycles per pixel.

        Returns
        -------
        ndarray, shape (m, k)
        """

    def only_along_x(self, geometry: TiltGeometry) -> bool:
        """Whether the factors of all images are the same at all v, which saves half the work."""
        return False

    def tilt_weights(self, geometry: TiltGeometry) -> Float64Array:
        """Return what each filtered image is multiplied by: 1, where `response` says all."""
        return np.ones(len(geometry))


class AxisFilter(Filter):
    """A filter across the tilt axis of each image, weighted by the angle that a tilt stands for.

    A subclass says what it does to a frequency; see `profile`.
    """

    @abstractmethod
    def profile(self, frequency: Float64Array, reach: int) -> Float64Array:
        """Return the factors at frequencies in cycles per pixel.

        What is `reach` pixels away, or more, shall give nothing to a pixel.
        """

    def response(
        self, geometry: TiltGeometry, tilt: int, u: Float64Array, v: Float64Array
    ) -> NDArray[Any]:
        """Return the profile along the direction perpendicular to the tilt axis."""
        x, y = _across(geometry)[tilt]
        across = np.add.outer(v * y, u * x)
        # Half a period further along this direction, the padded image repeats itself.
        steps = [abs(part) * (f[1] - f[0]) for part, f in ((x, u), (y, v)) if len(f) > 1]
        return self.profile(np.abs(across), int(0.5 / max(steps)))

    def only_along_x(self, geometry: TiltGeometry) -> bool:
        """Whether every tilt axis is along y."""
        return bool(np.abs(_across(geometry)[:, 1]).max() < 1e-9)

    def tilt_weights(self, geometry: TiltGeometry) -> Float64Array:
        """Return the angle that each tilt stands for, in radians."""
        return angular_weights(geometry)


@attrs.frozen
class RampFilter(AxisFilter):
    """The ramp that makes a backprojection a reconstruction, with a window against noise.

    Parameters
    ----------
    window : {"ramp", "ram-lak", "shepp-logan", "cosine", "hamming", "hann"}, optional
        "ramp" (the default): the transform of the band-limited ramp's values at whole pixels (Kak
        and Slaney 1988, "Principles of Computerized Tomographic Imaging", equation 61), whose zero
        bin is what a finite detector needs. "ram-lak": the frequency itself up to Nyquist, zero
        at zero. The others multiply "ramp" by a sinc, by a cosine, or by the windows of Hamming
        and Hann, all of which end at Nyquist.

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
        """Return ramp times window."""
        if self.window == "ram-lak":
            return np.where(frequency <= 0.5, frequency, 0.0)
        inside = np.minimum(frequency, 0.5)
        return finite_ramp(frequency, reach) * _window(self.window, inside)


@attrs.frozen
class RadialFilter(AxisFilter):
    """The ramp up to a cutoff, and a Gaussian roll-off from there: IMOD's RADIAL.

    Parameters
    ----------
    cutoff : float
        Cycles per pixel.
    falloff : float
        Standard deviation of the Gaussian, cycles per pixel; it multiplies the ramp's value at
        the cutoff.

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
        """Return the ramp, held at the cutoff's value and rolled off beyond."""
        beyond = np.maximum(frequency - self.cutoff, 0.0)
        ramp = finite_ramp(np.minimum(frequency, self.cutoff), reach)
        return ramp * np.exp(-0.5 * (beyond / self.falloff) ** 2)


@attrs.frozen
class SIRTLikeFilter(AxisFilter):
    """The ramp, held back at high frequencies as so many iterations of SIRT would leave it.

    Parameters
    ----------
    iterations : int
        How many.
    thickness : float
        Of the volume along the beam, in pixels: as SIRT's rows are normalized by it.

    Notes
    -----
    Where tilts cover all angles evenly, projecting and backprojecting with SIRT's normalization
    multiplies the frequency f by ``a = min(1, 1 / (pi * thickness * f))``; k iterations leave
    ``1 - (1 - a) ** k`` of it (after Zeng 2012, Medical Physics 39, 603-609).

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
        """Return the ramp times what the iterations leave."""
        pace = 1.0 / np.maximum(np.pi * self.thickness * frequency, 1.0)
        left: Float64Array = finite_ramp(frequency, reach) * (1.0 - (1.0 - pace) ** self.iterations)
        return left


@attrs.frozen
class ExactFilter(Filter):
    """Density compensation from the geometry: for uneven tilts and for any orientations.

    A frequency is divided by how many slices of the volume's transform meet there. A slice is as
    thick as the transform of an object of some diameter makes it.

    Parameters
    ----------
    diameter : float
        Of the object, in pixels: for a slab its thickness, for a particle its diameter. The
        smaller it is, the further slices share what they measured.

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
        """Return one over the density of slices, and over the diameter."""
        frame = geometry.rotation_matrices[tilt]
        density = np.zeros((len(v), len(u)))
        for beam in geometry.rotation_matrices[:, :, 2]:
            along = geometry.magnifications[tilt] @ (frame.T @ beam)[:2]
            distance = np.abs(np.add.outer(v * along[1], u * along[0])) * self.diameter
            density += np.maximum(0.0, 1.0 - distance)
        return 1.0 / (self.diameter * density)


def _across(geometry: TiltGeometry) -> Float64Array:
    """Return x, y on each image of one step across its tilt axis, magnified as the image is."""
    angles = np.radians(geometry.tilt_axis_angles)
    steps = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    across: Float64Array = (geometry.magnifications @ steps[:, :, np.newaxis])[:, :, 0]
    return across


def finite_ramp(frequency: Float64Array, reach: int) -> Float64Array:
    """Return the ramp that a detector of finite width needs.

    Parameters
    ----------
    frequency : ndarray
        Cycles per pixel, not negative; beyond Nyquist it is zero.
    reach : int
        Pixels up to which the kernel is taken: as many as the images are wide.

    Returns
    -------
    ndarray, shape of `frequency`

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.reconstruction.filters import finite_ramp
    >>> finite_ramp(np.array([0.0, 0.25, 0.5]), 32).round(4).tolist()
    [0.0032, 0.25, 0.4968]
    """
    size = 2 * _FINER * reach
    odd = np.arange(1, reach, 2)
    kernel = np.zeros(size)
    kernel[odd] = kernel[-odd] = -1.0 / (np.pi * odd) ** 2
    kernel[0] = 0.25
    nodes = np.fft.rfft(kernel).real
    return np.interp(frequency, np.fft.rfftfreq(size), nodes, right=0.0)


def _window(name: str, frequency: Float64Array) -> Float64Array:
    windows: dict[str, Callable[[Float64Array], Float64Array]] = {
        "ramp": np.ones_like,
        "shepp-logan": np.sinc,
        "cosine": lambda f: np.cos(np.pi * f),
        "hamming": lambda f: 0.54 + 0.46 * np.cos(2 * np.pi * f),
        "hann": lambda f: 0.5 + 0.5 * np.cos(2 * np.pi * f),
    }
    return windows[name](frequency)
