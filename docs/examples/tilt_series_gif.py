"""A tilt series with its angles, a dial and a scale bar, as a GIF and as a contact sheet."""

import argparse
from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume
from libtilt.drawing import Style
from libtilt.plot import contact_sheet

PICTURES = ("angles.gif", "sheet.png")


def main(folder: Path, size: int = 96, volume: Volume | None = None) -> None:
    """Simulate a tilt series, and draw it."""
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3), tilt_axis_angle=85)
    tilt_series = Projector(geometry).forward(volume)  # or TiltSeries.open("tilts.st")

    file = {"width": 300, "fps": 10, "max_bytes": 700_000, "overwrite": True}
    tilt_series[::5].to_gif(folder / "angles.gif", style=Style(annotate=True), **file)
    ax = contact_sheet(tilt_series[::5])
    ax.figure.savefig(folder / "sheet.png", dpi=80)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--map", help="volume to show in place of a phantom")
    parser.add_argument("--voxel-size", type=float, help="angstroms, in place of its header's")
    given = parser.parse_args()
    main(Path.cwd(), volume=given.map and Volume.open(given.map, voxel_size=given.voxel_size))
    print("wrote", ", ".join(PICTURES))
