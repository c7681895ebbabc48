"""A sampling backend of one's own, held to the laws of all backends, and what it makes.

Nearest neighbours in place of linear interpolation: short, and visibly rougher.
"""

from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.animations import side_by_side
from libtilt.backends import Backend

PICTURES = ("backends.gif",)


class NearestBackend(Backend):
    """Every sample is that of the nearest voxel."""

    name = "nearest"

    def check(self, spec):
        """Refuse what it does not compute."""
        if spec.driven != "ray":
            raise ValueError('backend "nearest" is ray-driven only: use backend="scipy"')

    def forward(self, spec, volume):
        """Sum the nearest voxels along each ray."""
        images = np.zeros(spec.images_shape, spec.dtype)
        for image, (inside, voxels) in zip(images, self._samples(spec), strict=True):
            image += np.where(inside, volume.ravel()[voxels], 0).sum(axis=0)
        return images

    def adjoint(self, spec, images):
        """Add each pixel to the voxels that it was summed from."""
        volume = np.zeros(int(np.prod(spec.volume_shape)), spec.dtype)
        for image, (inside, voxels) in zip(images, self._samples(spec), strict=True):
            np.add.at(volume, voxels[inside], np.broadcast_to(image, voxels.shape)[inside])
        return volume.reshape(spec.volume_shape)

    def _samples(self, spec):
        depth = int(np.ceil(np.linalg.norm(spec.volume_shape)))
        v, u = np.indices(spec.image_shape)
        for grid in spec.grids:
            # The depth at which the middle of the image is nearest to the volume's centre.
            centre = np.array(spec.volume_shape[::-1]) // 2
            middle = np.array([spec.image_shape[1] // 2, spec.image_shape[0] // 2])
            gap = centre - grid[:, :2] @ middle - grid[:, 3]
            start = round(float(gap @ grid[:, 2] / (grid[:, 2] @ grid[:, 2])))
            k = start + np.arange(-depth, depth + 1)[:, None, None]
            points = [row[0] * u + row[1] * v + row[2] * k + row[3] for row in grid]
            x, y, z = (np.rint(point).astype(int) for point in points)
            d, h, w = spec.volume_shape
            inside = (x >= 0) & (x < w) & (y >= 0) & (y < h) & (z >= 0) & (z < d)
            yield inside, np.where(inside, (z * h + y) * w + x, 0)


def main(folder: Path, size: int = 48) -> None:
    """Check that the adjoint is exact, and compare with linear interpolation."""
    volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 6), tilt_axis_angle=10)
    nearest = Projector(geometry, volume_shape=volume.shape, backend=NearestBackend())
    tilts = nearest.forward(volume)

    back = nearest.adjoint(tilts)
    left, right = np.vdot(tilts.images, tilts.images), np.vdot(volume.data, back.data)
    assert abs(left - right) < 1e-10 * left

    smooth = nearest.evolve(backend="auto").forward(volume)
    objects = {"nearest": tilts, "linear": smooth}
    side_by_side(folder / "backends.gif", objects, width=480, overwrite=True)


if __name__ == "__main__":
    main(Path.cwd())
    print("wrote", ", ".join(PICTURES))
