"""Time the first use of the compiled kernels: ever, and again in a new process.

    python tests/benchmarks/first_use.py

Each time is that of one forward and one adjoint of a small series with its weights, from the import
of the package on, in a process of its own that keeps its kernels in a new folder.
"""

import os
import subprocess
import sys
import tempfile

CODE = """
import time
import numpy as np
start = time.perf_counter()
from libtilt import Projector, TiltGeometry, Volume
from libtilt.backends.numba import NumbaBackend
geometry = TiltGeometry.from_tilt_angles([-30, 0, 30], tilt_axis_angle={angle})
projector = Projector(geometry, volume_shape=(16, 16, 16), backend=NumbaBackend(mode={mode!r}))
projector.adjoint(projector.forward(Volume(np.ones((16, 16, 16), np.float32))))
print(time.perf_counter() - start)
"""


def main():
    print("| mode | first ever s | new process s |\n| --- | ---: | ---: |")
    for mode, angle in (("rows", 0), ("exact", 85), ("factorized", 85)):
        with tempfile.TemporaryDirectory() as folder:
            times = [seconds(CODE.format(mode=mode, angle=angle), folder) for _ in range(2)]
        print(f"| {mode} | {times[0]:.1f} | {times[1]:.1f} |", flush=True)


def seconds(code, folder):
    environment = os.environ | {"NUMBA_CACHE_DIR": folder}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return float(result.stdout)


if __name__ == "__main__":
    main()
