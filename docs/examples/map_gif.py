"""A map as GIFs: its slices, and its surface turning in light.

python map_gif.py --map MAP.mrc
"""

import argparse
from pathlib import Path

from libtilt import GaussianBlobs, Volume
from libtilt.animations import Slices, Spin
from libtilt.drawing import Style

PICTURES = ("slices.gif", "surface.gif")


def main(folder: Path, size: int = 96, volume: Volume | None = None) -> None:
    """Write the two GIFs of a map, or of a phantom if none is given."""
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    file = {"width": 300, "fps": 10, "max_bytes": 950_000, "overwrite": True}
    # Black is the median: the weaker half of all voxels is not drawn.
    style = Style(cmap="magma", annotate=True, percentiles=(50, 99.9))
    ends = len(volume) * 3 // 16, len(volume) * 13 // 16
    slices = Slices(start=ends[0], stop=ends[1], step=3)
    volume.to_gif(folder / "slices.gif", look=slices, style=style, **file)
    style = Style(cmap="copper", annotate=True)
    surface = Spin(render="surface", count=24, dust=0.1)
    volume.to_gif(folder / "surface.gif", look=surface, style=style, **file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--map", help="volume to show in place of a phantom")
    parser.add_argument("--voxel-size", type=float, help="angstroms, in place of its header's")
    given = parser.parse_args()
    main(Path.cwd(), volume=given.map and Volume.open(given.map, voxel_size=given.voxel_size))
    print("wrote", ", ".join(PICTURES))
