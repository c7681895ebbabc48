"""Drawings of a geometry: how the specimen is tilted, and which directions are missing."""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume
from libtilt.plot import orthoslices, power_spectrum, tilt_scheme, tilt_scheme_3d, tilted_specimen
from libtilt.reconstruction import wbp

PICTURES = ("turned.png", "scheme.png", "scheme_3d.png", "slices.png", "wedge.png")


def main(folder: Path, size: int = 96, volume: Volume | None = None) -> None:
    """Draw a tilt scheme of -60 to 60 degrees, and a tomogram from it."""
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    mpl.use("agg")
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    tomogram = wbp(Projector(geometry).forward(volume), volume_shape=volume.shape)
    drawings = {
        "turned": tilted_specimen(geometry, tilt=31),
        "scheme": tilt_scheme(geometry),
        "scheme_3d": tilt_scheme_3d(geometry),
        "slices": orthoslices(tomogram),
        "wedge": power_spectrum(tomogram),
    }
    for name, ax in drawings.items():
        ax.figure.savefig(folder / f"{name}.png", dpi=90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--map", help="volume to show in place of a phantom")
    parser.add_argument("--voxel-size", type=float, help="angstroms, in place of its header's")
    given = parser.parse_args()
    main(Path.cwd(), volume=given.map and Volume.open(given.map, voxel_size=given.voxel_size))
    print("wrote", ", ".join(PICTURES))
