"""Convergence of SIRT, viewed along the tilt axis, where the missing wedge fills in slowly."""

import argparse
from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume
from libtilt.animations import IterationSlices
from libtilt.drawing import Animation
from libtilt.reconstruction import sirt

PICTURES = ("sirt.gif",)


def main(folder: Path, size: int = 96, volume: Volume | None = None) -> None:
    """Reconstruct a map with `IterationSlices` as callback."""
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    tilt_series = Projector(geometry).forward(volume)
    slices = IterationSlices(axis="y")
    sirt(tilt_series, volume_shape=volume.shape, iterations=15, callback=slices)
    Animation(slices.panel(), fps=6, width=300, max_bytes=700_000).save(
        folder / "sirt.gif", overwrite=True
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--map", help="volume to show in place of a phantom")
    parser.add_argument("--voxel-size", type=float, help="angstroms, in place of its header's")
    given = parser.parse_args()
    main(Path.cwd(), volume=given.map and Volume.open(given.map, voxel_size=given.voxel_size))
    print("wrote", ", ".join(PICTURES))
