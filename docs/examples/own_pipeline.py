"""A pipeline with a subclass: a tilt series with a dose per image, weighted by it."""

import argparse
from pathlib import Path

import attrs
import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries, Volume, frozen
from libtilt.geometry.per_tilt import PER_TILT
from libtilt.plot import compare_slices
from libtilt.reconstruction import wbp

PICTURES = ("doses.png",)


@frozen
class DosedSeries(TiltSeries):
    """A tilt series with the electrons per square angstrom before each image."""

    doses: np.ndarray = attrs.field(kw_only=True, converter=np.asarray, metadata=PER_TILT)

    def dose_weighted(self, frequency: float = 0.05) -> "DosedSeries":
        """Weight frequencies by their decay with dose, after Grant and Grigorieff (2015)."""
        critical = 0.245 * frequency**-1.665 + 2.81
        weights = np.exp(-self.doses / (2 * critical))
        return self * (weights / weights.mean()).astype(self.dtype)[:, None, None]


def main(folder: Path, size: int = 96, volume: Volume | None = None) -> None:
    """Simulate a dose-symmetric series, weight it, and reconstruct both."""
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    angles = np.arange(-60, 61, 3)
    order = np.argsort(np.abs(angles), kind="stable")
    geometry = TiltGeometry.from_tilt_angles(angles[order])
    clean = Projector(geometry).forward(volume)
    doses = 3.0 * np.arange(len(angles))
    # Radiation damage: later images hold less signal.
    left = np.exp(-doses / 80)[:, None, None]
    noise = np.random.default_rng(0).normal(size=clean.shape) * clean.images.std() / 2
    series = DosedSeries(
        clean.images * left + noise, geometry, pixel_size=clean.pixel_size, doses=doses
    )

    weighted = series.sort().dose_weighted()  # a DosedSeries still: doses follow the tilts
    shape = volume.shape
    tomograms = {"as taken": wbp(series, volume_shape=shape)}
    tomograms["weighted by dose"] = wbp(weighted, volume_shape=shape)
    ax = compare_slices(tomograms)
    ax.figure.savefig(folder / "doses.png", dpi=130)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--map", help="volume to show in place of a phantom")
    parser.add_argument("--voxel-size", type=float, help="angstroms, in place of its header's")
    given = parser.parse_args()
    main(Path.cwd(), volume=given.map and Volume.open(given.map, voxel_size=given.voxel_size))
    print("wrote", ", ".join(PICTURES))
