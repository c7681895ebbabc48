"""Make the animations of the README: python docs/make_pictures.py [FOLDER]."""

import sys
from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.animations import Slices, Spin, side_by_side
from libtilt.drawing import Animation, Style


def make_pictures(folder: Path, size: int = 128, width: int = 640) -> None:
    """Write story.gif and surface.gif into a folder, less than 2 MB in all."""
    volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=300.0 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    projector = Projector(geometry, volume_shape=volume.shape, driven="voxel")
    tilt_series = projector.evolve(driven="ray").forward(volume)
    tomogram = projector.adjoint(tilt_series).crop((size // 2, size, size))

    folder.mkdir(parents=True, exist_ok=True)
    # Every second slice: with fewer frames, the picture can be larger at the same file size.
    looks = {"map": "spin", "tomogram": Slices(step=2)}
    objects = {"map": volume, "tilt series": tilt_series, "tomogram": tomogram}
    story = Animation(side_by_side(objects, looks=looks), width=width, max_bytes=1_200_000)
    story.save(folder / "story.gif", overwrite=True)
    volume.to_gif(
        folder / "surface.gif",
        look=Spin(render="surface"),
        style=Style(cmap="copper", annotate=True),
        width=width // 2,
        max_bytes=400_000,
        overwrite=True,
    )


if __name__ == "__main__":
    make_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
