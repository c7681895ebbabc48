"""Make the pictures of the page on reconstruction: python docs/make_reconstructions.py [FOLDER].

It prints the table of errors that stands there. Drawing needs matplotlib, of the extra docs.
"""

import sys
from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, TiltGeometry
from libtilt.quality import fsc, missing_wedge
from libtilt.reconstruction import (
    CGLS,
    SIRT,
    TV,
    WBP,
    RadialFilter,
    SIRTLikeFilter,
    reconstruct,
)

SIGNAL_TO_NOISE = 0.1
VOXEL_SIZE = 10.0


def methods(series, shape):
    """Return what each method makes of the same images, by name."""
    chosen = {
        "wbp, ramp": WBP(),
        "wbp, radial 0.1 0.05": WBP(filter=RadialFilter(0.1, 0.05)),
        "wbp, sirt-like 5": WBP(filter=SIRTLikeFilter(5, shape[0])),
        "sirt, 4 iterations": SIRT(iterations=4, bounds=(0, None)),
        "cgls, 2 iterations": CGLS(iterations=2),
        "tv, strength 0.1": TV(strength=0.1),
    }
    return {
        name: reconstruct(series, method, volume_shape=shape) for name, method in chosen.items()
    }


def noisy_series(size):
    """Return a phantom of blobs, and its tilt series with noise."""
    blobs = GaussianBlobs.random(
        (size,) * 3, n=size // 3, seed=3, sigmas=(18.0, 45.0), voxel_size=VOXEL_SIZE
    )
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    clean = blobs.tilt_series(geometry, (size, size), pixel_size=VOXEL_SIZE).astype("float32")
    deviations = clean.images.std(axis=(1, 2), keepdims=True) / np.sqrt(SIGNAL_TO_NOISE)
    noise = np.random.default_rng(0).normal(size=clean.shape) * deviations
    return blobs.volume((size,) * 3, voxel_size=VOXEL_SIZE).astype("float32"), clean + noise


def errors(volumes, truth, geometry):
    """Return for each volume its error, and where its FSC with the truth falls below a half."""
    wedge = missing_wedge(geometry, truth.shape, voxel_size=VOXEL_SIZE)
    curves = {name: fsc(volume, truth, missing_wedge=wedge) for name, volume in volumes.items()}
    size = np.linalg.norm(truth)
    numbers = {
        name: (np.linalg.norm(volume.data - truth.data) / size, curves[name].resolution(0.5))
        for name, volume in volumes.items()
    }
    return numbers, curves


def draw(folder, truth, series, volumes, curves):
    """Write reconstructions.png and fsc.png into a folder."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    middle, low, high = truth.shape[0] // 2, 0.0, float(np.percentile(truth.data, 99.8))
    shown = {"phantom": truth, **volumes}
    figure, axes = pyplot.subplots(2, len(shown), figsize=(2.1 * len(shown), 4.7))
    for column, (name, volume) in zip(axes.T, shown.items(), strict=True):
        for cell, section in zip(
            column, (volume.data[middle], volume.data[:, middle]), strict=True
        ):
            cell.imshow(section, cmap="gray", vmin=low, vmax=high, origin="lower")
            cell.set_xticks([])
            cell.set_yticks([])
        column[0].set_title(name, fontsize=9)
    length = 200 / VOXEL_SIZE
    for cell, text in zip(axes[:, 0], ("x, y", "x, z"), strict=True):
        cell.set_ylabel(text)
        cell.plot([4, 4 + length], [5, 5], color="white", linewidth=3)
        cell.text(4 + length / 2, 7, "20 nm", color="white", ha="center", va="bottom", fontsize=8)
    figure.tight_layout()
    figure.savefig(folder / "reconstructions.png", dpi=75)

    figure, axis = pyplot.subplots(figsize=(6.4, 3.6))
    styles = ("-", "--", ":", "-", "--", "-")
    for (name, curve), style in zip(curves.items(), styles, strict=True):
        axis.plot(curve.frequencies, curve.correlation, style, label=name)
    for threshold in (0.5, 0.143):
        axis.axhline(threshold, color="gray", linewidth=0.8, linestyle=":")
    axis.set_xlim(0, 0.3 / VOXEL_SIZE)
    axis.set_ylim(-0.1, 1.02)
    axis.set_xlabel("spatial frequency (1/Å)")
    axis.set_ylabel("Fourier shell correlation\nwith the phantom")
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(folder / "fsc.png", dpi=90)
    pyplot.close("all")


def make_reconstructions(folder, size=96):
    """Write both pictures and print the table."""
    truth, series = noisy_series(size)
    volumes = methods(series, truth.shape)
    numbers, curves = errors(volumes, truth, series.geometry)
    print("| method | error | FSC below 0.5 at |\n| --- | ---: | ---: |")
    for name, (error, resolution) in numbers.items():
        print(f"| {name} | {error:.2f} | {resolution:.0f} Å |")
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder, truth, series, volumes, curves)
    return numbers


if __name__ == "__main__":
    make_reconstructions(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    )
