"""SIRT as it converges, seen along the tilt axis, where the missing wedge fills in slowly."""

from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.animations import IterationSlices
from libtilt.drawing import Animation
from libtilt.reconstruction import sirt

PICTURES = ("sirt.gif",)


def main(folder: Path, size: int = 96, iterations: int = 30) -> None:
    """Reconstruct a phantom, with the slices as callback."""
    volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    tilt_series = Projector(geometry).forward(volume)
    slices = IterationSlices(axis="y")
    sirt(tilt_series, volume_shape=volume.shape, iterations=iterations, callback=slices)
    Animation(slices.panel(), fps=6, width=320).save(folder / "sirt.gif", overwrite=True)


if __name__ == "__main__":
    main(Path.cwd())
    print("wrote", ", ".join(PICTURES))
