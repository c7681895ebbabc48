"""A map as GIFs: its slices, and its surface turning in light.

python map_gif.py [MAP.mrc]
"""

import sys
from pathlib import Path

from libtilt import GaussianBlobs, Volume
from libtilt.animations import Spin
from libtilt.drawing import Style

PICTURES = ("slices.gif", "surface.gif")


def main(folder: Path, size: int = 96, path: str | None = None) -> None:
    """Write the two GIFs; without a map, of a phantom."""
    if path is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    else:
        volume = Volume.open(path)
    file = {"width": 240, "overwrite": True}
    volume.to_gif(folder / "slices.gif", style=Style(cmap="magma", annotate=True), **file)
    style = Style(cmap="copper", annotate=True)
    volume.to_gif(folder / "surface.gif", look=Spin(render="surface"), style=style, **file)


if __name__ == "__main__":
    main(Path.cwd(), path=sys.argv[1] if len(sys.argv) > 1 else None)
    print("wrote", ", ".join(PICTURES))
