"""The whole story: a map, its tilt series, a tomogram, and how two tomograms compare."""

from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.animations import before_after, panel_of, side_by_side
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
    look = {"annotate": True, "width": 240, "max_bytes": 1_500_000, "overwrite": True}
    volume.to_gif(folder / "volume.gif", kind="spin", render="surface", **look)
    noisy.to_gif(folder / "tilt_series.gif", **look)
    tomogram.to_gif(folder / "tomogram.gif", step=3, **look)
    slices = panel_of(tomogram, step=3, title="tomogram", annotate=True)
    objects = {"map": volume, "tilt series": noisy, "tomogram": slices}
    look = {"width": 640, "max_bytes": 3_000_000, "overwrite": True}
    side_by_side(folder / "story.gif", objects, kinds={"map": "spin"}, **look)
    names = ("weighted back-projection", "SIRT")
    before_after(
        folder / "wipe.gif", tomogram, iterated, axis="y", labels=names, width=320, overwrite=True
    )


if __name__ == "__main__":
    main(Path.cwd())
    print("wrote", ", ".join(PICTURES))
