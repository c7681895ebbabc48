"""What is timed: phantoms with projections in closed form, and the geometry they are seen in."""

from functools import cached_property

import attrs
import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry


def smooth(size):
    """Blobs of sigma 8 to 24 voxels in a volume of 336, and of as much of the side in others."""
    rng = np.random.default_rng(1)
    unit = size / 336
    return GaussianBlobs(
        rng.uniform(-0.2 * size, 0.2 * size, (20, 3)),
        sigmas=rng.uniform(8, 24, 20) * unit,
        amplitudes=rng.uniform(0.5, 2, 20),
    )


def fine(size):
    """60 blobs of sigma 1.5 to 3 voxels, in any volume."""
    rng = np.random.default_rng(2)
    return GaussianBlobs(
        rng.uniform(-0.3 * size, 0.3 * size, (60, 3)),
        sigmas=rng.uniform(1.5, 3, 60),
        amplitudes=rng.uniform(0.5, 2, 60),
    )


PHANTOMS = {"smooth": smooth, "fine": fine}


@attrs.define(slots=False)
class Job:
    """A volume of `size` cubed and `count` images of its width over +-60 degrees."""

    size: int = 336
    count: int = 41
    tilt_axis_angle: float = 0.0
    driven: str = "ray"
    threads: int = 2

    @cached_property
    def geometry(self):
        angles = np.linspace(-60, 60, self.count)
        return TiltGeometry.from_tilt_angles(angles, tilt_axis_angle=self.tilt_axis_angle)

    @property
    def shape(self):
        return (self.size,) * 3

    @cached_property
    def volume(self):
        return self.phantom_volume("fine")

    @cached_property
    def images(self):
        rng = np.random.default_rng(3)
        return rng.random((self.count, self.size, self.size), dtype=np.float32)

    def phantom_volume(self, name):
        return PHANTOMS[name](self.size).volume(self.shape).data.astype(np.float32)

    def truth(self, name):
        return PHANTOMS[name](self.size).tilt_series(self.geometry, self.shape[1:]).images

    def spec(self, tilts=slice(None)):
        return Projector(self.geometry[tilts], volume_shape=self.shape, driven=self.driven).spec()
