"""Every backend in a forked child, when the parent has used it before."""

from __future__ import annotations

import subprocess
import sys

from isolated import environment
from tally import Tally

SHOULD = "the child's result is that of its parent, within the time"
SECONDS = 60

CHILD = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from libtilt import GaussianBlobs, Projector, TiltGeometry
name, seconds = sys.argv[1], int(sys.argv[2])
volume = GaussianBlobs.random((32, 32, 32), n=5, seed=0).volume((32, 32, 32)).astype("float32")
geometry = TiltGeometry.from_tilt_angles(np.linspace(-60, 60, 12))
projector = Projector(geometry, volume_shape=volume.shape, backend=name)
def both():
    images = projector.forward(volume)
    return images.images.copy(), projector.adjoint(images).data.copy()
before = both()
child = os.fork()
if child == 0:
    signal.alarm(seconds)
    after = both()
    same = all(np.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in zip(before, after))
    os._exit(0 if same else 3)
_, status = os.waitpid(child, 0)
sys.exit({0: 0, 3: 3}.get(os.waitstatus_to_exitcode(status), 4))
"""
_ENDS = {3: "other values in the child", 4: "the child hangs or is killed"}


def run(names: tuple[str, ...], threads: tuple[int, ...] = (1, 2), seconds: int = SECONDS) -> Tally:
    """Use each backend in a process, then in a child of it."""
    tally = Tally("forks")
    for name in names:
        for count in threads:
            command = [sys.executable, "-c", CHILD, name, str(seconds)]
            ended = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=3 * seconds + 120,
                env=environment(count),
            )
            wrong = _ENDS.get(ended.returncode, f"code {ended.returncode}: {ended.stderr[-300:]}")
            found = [wrong] if ended.returncode else []
            tally.add(f"{name} with {count} threads", found, SHOULD)
    return tally
