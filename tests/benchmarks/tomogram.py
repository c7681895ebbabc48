"""Time backprojection to a tomogram of working size: 41 images of 1024 x 1024, 300 voxels thick.

    python tests/benchmarks/tomogram.py

Voxel-driven, float32, two threads; weights are listed before. Memory is the peak over what the
process had before it prepared and made the images, as a multiple of input and output (Linux).
"""

import statistics
import time

import numpy as np
from compare import high_water, machine

from libtilt import Projector, TiltGeometry, TiltSeries
from libtilt.backends.numba import NumbaBackend

SHAPE = (300, 1024, 1024)
REPEATS = 7


def main():
    geometry = TiltGeometry.from_tilt_angles(np.linspace(-60, 60, 41))
    projector = Projector(
        geometry, volume_shape=SHAPE, driven="voxel", backend=NumbaBackend(threads=2)
    )
    before = high_water(reset=True)
    images = np.random.default_rng(0).random((41, *SHAPE[1:]), dtype=np.float32)
    series = TiltSeries(images, geometry)
    tomogram = projector.adjoint(series)
    peak = (high_water() - before) / (images.nbytes + tomogram.data.nbytes)
    del tomogram
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        projector.adjoint(series)
        times.append(time.perf_counter() - start)
    print(f"{machine()}: median {statistics.median(times):.2f} s, least {min(times):.2f} s,")
    print(f"most {max(times):.2f} s of {REPEATS}; peak memory {peak:.2f} x (input + output)")


if __name__ == "__main__":
    main()
