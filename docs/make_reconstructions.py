"""Make the pictures of the page on reconstruction, and print its table.

python docs/make_reconstructions.py [--map FILE --voxel-size 5] [FOLDER]. Drawing needs matplotlib,
of the extra docs.
"""

import argparse
from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume
from libtilt.quality import (
    conical_fsc,
    fsc,
    mask_corrected_fsc,
    missing_wedge,
    split_even_odd,
)
from libtilt.reconstruction import (
    CGLS,
    SIRT,
    TV,
    WBP,
    RadialFilter,
    SIRTLikeFilter,
    reconstruct,
    wbp,
)

SIGNAL_TO_NOISE = 0.1
GEOMETRY = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))


def open_map(path, voxel_size=None):
    """Open a map, with a tenth of empty voxels around it, so that no tilt cuts its corners."""
    volume = Volume.open(path, voxel_size=voxel_size)
    return volume.pad(tuple(round(1.1 * size / 8) * 8 for size in volume.shape))


def options(description):
    """Return a parser of the options that all makers of pictures take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent / "images")
    parser.add_argument("--map", type=Path, help="volume to show in place of a phantom")
    parser.add_argument("--voxel-size", type=float, help="angstroms, in place of its header's")
    return parser


def methods(series, shape):
    """Return what each method makes of the same images, by name."""
    chosen = {
        "wbp, ramp": WBP(),
        "wbp, radial 0.1 0.05": WBP(filter=RadialFilter(0.1, 0.05)),
        "wbp, sirt-like 5": WBP(filter=SIRTLikeFilter(5, shape[0])),
        "sirt, 4 iterations": SIRT(iterations=4),
        "cgls, 2 iterations": CGLS(iterations=2),
        "tv, strength 0.1": TV(strength=0.1),
    }
    return {
        name: reconstruct(series, method, volume_shape=shape) for name, method in chosen.items()
    }


def noisy(series, signal_to_noise):
    """Return a series with white noise, by the variance of the signal in each image."""
    deviations = series.images.std(axis=(1, 2), keepdims=True) / np.sqrt(signal_to_noise)
    noise = np.random.default_rng(0).normal(size=series.shape) * deviations
    return series + noise.astype(series.dtype)


def errors(volumes, truth, wedge):
    """Return for each volume its error, and where its FSC with the truth falls below a half."""
    curves = {name: fsc(volume, truth, missing_wedge=wedge) for name, volume in volumes.items()}
    size = np.linalg.norm(truth)
    numbers = {
        name: (np.linalg.norm(volume.data - truth.data) / size, curves[name].resolution(0.5))
        for name, volume in volumes.items()
    }
    return numbers, curves


def draw_comparison(folder, truth, volumes, curves):
    """Write reconstructions.png and fsc.png into a folder."""
    from libtilt.plot import compare_slices, fourier_correlation

    ax = compare_slices({"map": truth, **volumes}, percentiles=(1, 99.8))
    ax.figure.savefig(folder / "reconstructions.png", dpi=100)

    ax = fourier_correlation(curves, thresholds=(0.5,))
    for line, style in zip(ax.lines[::2], ("-", "--", ":", "-", "--", "-"), strict=False):
        line.set_linestyle(style)
    ax.legend(fontsize=8)
    ax.set_ylabel("Fourier shell correlation\nwith the map")
    ax.figure.savefig(folder / "fsc.png", dpi=90)


def draw_quality(folder, series, shape, wedge):
    """Write the figures of two tomograms, each of every second tilt."""
    from matplotlib import pyplot

    from libtilt.plot import conical_correlation, directional_resolution, fourier_correlation

    halves = [wbp(half, volume_shape=shape) for half in split_even_odd(series)]
    z, y, x = np.indices(shape) - np.array(shape).reshape(3, 1, 1, 1) // 2
    radius = np.sqrt(z**2 + y**2 + x**2)
    edge = np.clip((0.45 * shape[0] - radius) / (0.1 * shape[0]), 0, 1)
    mask = 0.5 - 0.5 * np.cos(np.pi * edge)

    ax = fourier_correlation(mask_corrected_fsc(*halves, mask, missing_wedge=wedge))
    ax.figure.savefig(folder / "mask_corrected_fsc.png", dpi=90)

    cones = conical_fsc(*halves, mask=mask, missing_wedge=wedge, count=200)
    conical_correlation(cones).figure.savefig(folder / "conical_fsc.png", dpi=90)
    directional_resolution(cones).figure.savefig(folder / "directional_resolution.png", dpi=90)
    pyplot.close("all")


def make_reconstructions(folder, volume=None, size=96):
    """Write all pictures and print the table."""
    import matplotlib as mpl

    mpl.use("agg")
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    truth = volume.astype("float32")
    clean = Projector(GEOMETRY).forward(truth)
    series = noisy(clean, SIGNAL_TO_NOISE)
    volumes = methods(series, truth.shape)
    wedge = missing_wedge(GEOMETRY, truth.shape, voxel_size=truth.voxel_size)
    numbers, curves = errors(volumes, truth, wedge)
    print("| method | error | FSC below 0.5 at |\n| --- | ---: | ---: |")
    for name, (error, resolution) in numbers.items():
        print(f"| {name} | {error:.2f} | {resolution:.0f} Å |")
    folder.mkdir(parents=True, exist_ok=True)
    draw_comparison(folder, truth, volumes, curves)
    draw_quality(folder, noisy(clean, 1.0), truth.shape, wedge)
    return numbers


if __name__ == "__main__":
    given = options(__doc__).parse_args()
    make_reconstructions(given.folder, given.map and open_map(given.map, given.voxel_size))
