"""Make the pictures of the README and the home page: python docs/make_pictures.py [FOLDER]."""

import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.animations import spin_frames
from libtilt.gif import save_gif, to_grey

FRAMES = 48
GAP = 6


def panels(size: int) -> list[np.ndarray]:
    """Return the frames of the three panels, each (FRAMES, size, size) in 0..255."""
    volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=300.0 / size)
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    projector = Projector(geometry, volume_shape=volume.shape, driven="voxel")
    tilts = projector.evolve(driven="ray").forward(volume)
    tomogram = projector.adjoint(tilts)

    spin = spin_frames(volume, count=FRAMES)
    left = (spin.shape[2] - size) // 2
    there_and_back = np.abs(np.linspace(-1, 1, FRAMES, endpoint=False)) * 2 - 1
    tilt = np.rint((there_and_back + 1) / 2 * (len(tilts) - 1)).astype(int)
    depth = np.rint(size / 2 + there_and_back * size * 0.3).astype(int)
    stacks = (spin[:, :, left : left + size], tilts.images[tilt], tomogram.data[depth])
    return [to_grey(stack, percentiles=(0.5, 99.9)) for stack in stacks]


def make_pictures(folder: Path, size: int = 160) -> None:
    """Write story.gif and story.png into a folder."""
    gap = np.full((FRAMES, size, GAP), 255, np.uint8)
    spin, tilt, depth = panels(size)
    frames = np.concatenate([spin, gap, tilt, gap, depth], axis=2)
    folder.mkdir(parents=True, exist_ok=True)
    save_gif(
        folder / "story.gif",
        frames // 8 * 8,  # 32 levels are enough, and half the size
        fps=12.5,
        percentiles=(0, 100),
        max_bytes=900_000,
        overwrite=True,
    )
    iio.imwrite(folder / "story.png", frames[FRAMES // 3])


if __name__ == "__main__":
    make_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
