"""A tilt series with its angles, a dial and a scale bar, as a GIF and as a contact sheet."""

from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, TiltGeometry
from libtilt.drawing import Style
from libtilt.plot import contact_sheet

PICTURES = ("angles.gif", "sheet.png")


def main(folder: Path, size: int = 96) -> None:
    """Take a noisy tilt series of a phantom, and show it."""
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3), tilt_axis_angle=85)
    blobs = GaussianBlobs.ribosome_like()
    clean = blobs.tilt_series(geometry, (size, size), pixel_size=320 / size)
    noise = np.random.default_rng(0).normal(size=clean.shape) * clean.images.std() / 2
    tilt_series = clean + noise  # or TiltSeries.open("tilts.st")

    file = {"width": 240, "max_bytes": 1_500_000, "overwrite": True}
    tilt_series.to_gif(folder / "angles.gif", style=Style(annotate=True), **file)
    ax = contact_sheet(tilt_series[::5])
    ax.figure.savefig(folder / "sheet.png", dpi=80)


if __name__ == "__main__":
    main(Path.cwd())
    print("wrote", ", ".join(PICTURES))
