"""A map, its tilt series, a tomogram, and a comparison of two tomograms."""

import argparse
from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume
from libtilt.animations import Slices, Spin, before_after, side_by_side
from libtilt.drawing import Animation
from libtilt.reconstruction import sirt, wbp

PICTURES = ("story.gif", "wipe.gif")


def main(folder: Path, size: int = 96, volume: Volume | None = None) -> None:
    """Project a map, reconstruct it, and animate all steps."""
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    tilt_series = Projector(geometry).forward(volume)

    print("reconstructing ...")
    tomogram = wbp(tilt_series, volume_shape=volume.shape)
    iterated = sirt(tilt_series, volume_shape=volume.shape, iterations=15)

    print("drawing ...")
    # Fewer frames leave more pixels to each of them at the same file size; sequences of one length,
    # here 24 frames of each object, move evenly side by side.
    inner = Slices(start=len(volume) // 4, stop=len(volume) * 3 // 4 + 1, step=len(volume) // 24)
    objects = {"map": volume, "tilt series": tilt_series[2::3], "tomogram": tomogram.volume}
    looks = {"map": Spin(render="surface", count=24, dust=0.1), "tomogram": inner}
    story = Animation(side_by_side(objects, looks=looks), fps=8, width=580)
    story.save(folder / "story.gif", overwrite=True)
    labels = ("weighted back-projection", "SIRT")
    panel = before_after(tomogram, iterated, axis="y", labels=labels, count=15)
    wipe = Animation(panel, width=320, max_bytes=700_000)
    wipe.save(folder / "wipe.gif", overwrite=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--map", help="volume to show in place of a phantom")
    parser.add_argument("--voxel-size", type=float, help="angstroms, in place of its header's")
    given = parser.parse_args()
    main(Path.cwd(), volume=given.map and Volume.open(given.map, voxel_size=given.voxel_size))
    print("wrote", ", ".join(PICTURES))
