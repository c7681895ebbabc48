"""A pipeline that subclasses the library: images that know their dose, and are weighted by it."""

from pathlib import Path

import attrs
import numpy as np

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, frozen
from libtilt.animations import Slices, side_by_side
from libtilt.drawing import Animation
from libtilt.geometry.per_tilt import PER_TILT
from libtilt.reconstruction import wbp

PICTURES = ("doses.gif",)


@frozen
class DosedSeries(TiltSeries):
    """A tilt series with the electrons per square angstrom before each image."""

    doses: np.ndarray = attrs.field(kw_only=True, converter=np.asarray, metadata=PER_TILT)

    def dose_weighted(self, frequency: float = 0.05) -> "DosedSeries":
        """Weight images by what is left of a frequency, after Grant and Grigorieff (2015)."""
        critical = 0.245 * frequency**-1.665 + 2.81
        weights = np.exp(-self.doses / (2 * critical))
        return self * (weights / weights.mean()).astype(self.dtype)[:, None, None]


def main(folder: Path, size: int = 96) -> None:
    """Take a series in a dose-symmetric order, weight it, and reconstruct both."""
    angles = np.arange(-60, 61, 3)
    order = np.argsort(np.abs(angles), kind="stable")
    geometry = TiltGeometry.from_tilt_angles(angles[order])
    blobs = GaussianBlobs.ribosome_like()
    clean = blobs.tilt_series(geometry, (size, size), pixel_size=320 / size)
    doses = 3.0 * np.arange(len(angles))
    # Damage: the later an image, the less of the specimen is in it.
    left = np.exp(-doses / 80)[:, None, None]
    noise = np.random.default_rng(0).normal(size=clean.shape) * clean.images.std() / 2
    series = DosedSeries(
        clean.images * left + noise, geometry, pixel_size=clean.pixel_size, doses=doses
    )

    weighted = series.sort().dose_weighted()  # a DosedSeries still: doses follow the tilts
    shape = (size,) * 3
    tomograms = {"as taken": wbp(series, volume_shape=shape)}
    tomograms["weighted by dose"] = wbp(weighted, volume_shape=shape)
    slabs = {name: volume.crop((size // 2, size, size)) for name, volume in tomograms.items()}
    panels = side_by_side(slabs, looks=dict.fromkeys(slabs, Slices(step=2)))
    animation = Animation(panels, width=480, max_bytes=2_000_000)
    animation.save(folder / "doses.gif", overwrite=True)


if __name__ == "__main__":
    main(Path.cwd())
    print("wrote", ", ".join(PICTURES))
