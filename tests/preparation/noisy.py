"""Tilt series for tests of preparation: structured noise, planes, damaged images."""

import attrs
import numpy as np
from scipy import ndimage

from libtilt import TiltGeometry, TiltSeries
from libtilt.geometry.per_tilt import PER_TILT

ANGLES = [-60.0, -30.0, 0.0, 30.0, 60.0]
GEOMETRY = TiltGeometry.from_tilt_angles(ANGLES, shifts=[[n, -n] for n in range(5)])


@attrs.frozen(slots=False, eq=False)
class Dosed(TiltSeries):
    doses: np.ndarray = attrs.field(converter=np.asarray, kw_only=True, metadata=PER_TILT)
    label: str = attrs.field(default="", kw_only=True)


def dosed(images):
    return Dosed(images, GEOMETRY, pixel_size=2.5, doses=np.arange(5.0), label="lamella")


def noise(*, shape=(40, 48), seed=0):
    """Smooth structure under noise, float64."""
    rng = np.random.default_rng(seed)
    structure = ndimage.gaussian_filter(rng.normal(size=(5, *shape)), (0, 6, 6))
    return 10 + 5 * structure + rng.normal(size=(5, *shape))


def one(image):
    return TiltSeries(image, TiltGeometry.from_tilt_angles([0]))


def planes(*, seed=1, shape=(40, 48)):
    a, b, c = np.random.default_rng(seed).uniform(-3, 3, size=(3, 5, 1, 1))
    v, u = np.indices(shape)
    return a + b * u + c * v


def holed():
    """Image 1 has a NaN, image 3 is flat, image 4 has nothing finite."""
    images = noise()
    images[1, 2, 3] = np.nan
    images[3] = 0.1
    images[4] = np.inf
    return dosed(images)
