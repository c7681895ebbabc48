"""Your own sampling backend: nearest neighbors, tested by the laws of all backends."""

import argparse
from pathlib import Path
from typing import ClassVar

import numpy as np
from matplotlib import pyplot

from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume, frozen
from libtilt.backends import Backend, SciPyBackend
from libtilt.backends.rays import depth_range
from libtilt.plot import contact_sheet
from libtilt.testing import check_backend

PICTURES = ("backends.png",)


@frozen
class NearestBackend(Backend):
    """Sample the nearest voxel."""

    name: ClassVar[str] = "nearest"

    @property
    def trilinear(self):
        """Whether samples are interpolated trilinearly; nearest voxels are not."""
        return False

    def unsupported(self, spec):
        """Return why a spec is not supported, and which backend supports it."""
        return "it is ray-driven only: use backend='scipy'" if spec.driven == "voxel" else None

    def forward(self, spec, volume):
        """Sum the nearest voxels along each ray."""
        self.require_supported(spec)
        images = np.zeros(spec.images_shape, spec.dtype)
        for image, (inside, voxels) in zip(images, self._samples(spec), strict=True):
            image += np.where(inside, volume.ravel()[voxels], 0).sum(axis=0)
        return images

    def adjoint(self, spec, images):
        """Add each pixel to the voxels that it was summed from."""
        self.require_supported(spec)
        volume = np.zeros(int(np.prod(spec.volume_shape)), spec.dtype)
        for image, (inside, voxels) in zip(images, self._samples(spec), strict=True):
            np.add.at(volume, voxels[inside], np.broadcast_to(image, voxels.shape)[inside])
        return volume.reshape(spec.volume_shape)

    def _samples(self, spec):
        v, u = np.indices(spec.image_shape)
        d, h, w = spec.volume_shape
        for grid in spec.grids:
            k = np.array(depth_range(grid, spec.volume_shape, margin=0.5), dtype=int)[:, None, None]
            points = [row[0] * u + row[1] * v + row[2] * k + row[3] for row in grid]
            x, y, z = (np.rint(point).astype(int) for point in points)
            inside = (x >= 0) & (x < w) & (y >= 0) & (y < h) & (z >= 0) & (z < d)
            yield inside, np.where(inside, (z * h + y) * w + x, 0)


def main(folder: Path, size: int = 48, volume: Volume | None = None) -> None:
    """Run the laws over two cases, and compare with linear interpolation."""
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 10), tilt_axis_angle=10)
    check_backend(NearestBackend, cases=["single axis, odd sizes", "any rotation"])
    figure, axes = pyplot.subplots(1, 2, figsize=(6.4, 3.6), layout="constrained")
    for ax, backend in zip(axes, (NearestBackend(), SciPyBackend()), strict=True):
        tilts = Projector(geometry, backend=backend).forward(volume)
        contact_sheet(tilts[8], ax=ax).set_title(backend.name)
    figure.savefig(folder / "backends.png", dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--map", help="volume to show in place of a phantom")
    parser.add_argument("--voxel-size", type=float, help="in angstroms; replaces the header's")
    given = parser.parse_args()
    main(Path.cwd(), volume=given.map and Volume.open(given.map, voxel_size=given.voxel_size))
    print("wrote", ", ".join(PICTURES))
