"""The whole story: a map, its tilt series, a tomogram, and how two tomograms compare."""

from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.animations import Slices, Spin, before_after, side_by_side
from libtilt.drawing import Animation, Style
from libtilt.reconstruction import sirt, wbp

PICTURES = ("volume.gif", "tilt_series.gif", "tomogram.gif", "story.gif", "wipe.gif")


def main(folder: Path, size: int = 96) -> None:
    """Project a phantom, reconstruct it, and show all of it."""
    volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    tilt_series = Projector(geometry).forward(volume)
    noise = np.random.default_rng(0).normal(size=tilt_series.shape)
    noisy = tilt_series + noise * tilt_series.images.std() / 3

    print("reconstructing ...")
    tomogram = wbp(noisy, volume_shape=volume.shape)
    iterated = sirt(noisy, volume_shape=volume.shape, iterations=15)

    print("drawing ...")
    file = {"style": Style(annotate=True), "width": 240, "max_bytes": 1_500_000, "overwrite": True}
    volume.to_gif(folder / "volume.gif", look=Spin(render="surface"), **file)
    noisy.to_gif(folder / "tilt_series.gif", **file)
    tomogram.to_gif(folder / "tomogram.gif", look=Slices(step=3), **file)

    objects = {"map": volume, "tilt series": noisy, "tomogram": tomogram}
    panels = side_by_side(objects, looks={"map": "spin", "tomogram": Slices(step=3)})
    story = Animation(panels, width=640, max_bytes=3_000_000)
    story.save(folder / "story.gif", overwrite=True)
    names = ("weighted back-projection", "SIRT")
    wipe = Animation(before_after(tomogram, iterated, axis="y", labels=names), width=320)
    wipe.save(folder / "wipe.gif", overwrite=True)


if __name__ == "__main__":
    main(Path.cwd())
    print("wrote", ", ".join(PICTURES))
