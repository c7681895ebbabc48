"""The geometry as drawings: how a specimen is turned, and what a tilt scheme leaves out."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from libtilt import GaussianBlobs, TiltGeometry
from libtilt.plot import orthoslices, power_spectrum, tilt_scheme, tilt_scheme_3d, tilted_specimen
from libtilt.reconstruction import wbp

PICTURES = ("turned.png", "scheme.png", "scheme_3d.png", "slices.png", "wedge.png")


def main(folder: Path, size: int = 96) -> None:
    """Draw a scheme of -60 to 60 degrees and what a tomogram of it looks like."""
    mpl.use("agg")
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    series = GaussianBlobs.ribosome_like().tilt_series(
        geometry, (size, size), pixel_size=320 / size
    )
    tomogram = wbp(series, volume_shape=(size,) * 3)
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
    main(Path.cwd())
    print("wrote", ", ".join(PICTURES))
