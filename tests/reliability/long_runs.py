"""A thousand calls in one process: its memory, its open files and its threads do not grow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from isolated import environment
from tally import Tally

SHOULD = "as much memory (within 8 MB), as many open files and threads as after the first calls"
MEMORY = 8 * 2**20


def run(folder: Path, calls: int) -> Tally:
    """Call what a program of days calls, so many times."""
    tally = Tally("calls in one process")
    ended = subprocess.run(
        [sys.executable, __file__, str(folder), str(calls)],
        capture_output=True,
        text=True,
        timeout=900,
        env=environment(2),
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    for line in ended.stdout.splitlines():
        what, first, last = line.rsplit(maxsplit=2)
        grown = int(last) - int(first)
        found = [f"{grown} more {what}"] if grown > (MEMORY if what == "bytes" else 0) else []
        tally.add(what, found, SHOULD)
        tally.notes.append(f"{what}: {first}, then {last}")
    tally.tried = calls
    return tally


def _counts() -> dict[str, int]:
    process = Path("/proc/self")
    pages = int((process / "statm").read_text().split()[1])
    return {
        "bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        "open files": len(list((process / "fd").iterdir())),
        "threads": len(list((process / "task").iterdir())),
    }


def _work(folder: Path, calls: int) -> None:
    import contextlib
    import gc
    import warnings

    import numpy as np

    from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries, Volume
    from libtilt.alignment import open_alignment
    from libtilt.reconstruction import wbp

    warnings.simplefilter("ignore")
    volume = GaussianBlobs.random((24, 24, 24), n=5, seed=0).volume((24, 24, 24)).astype("float32")
    geometry = TiltGeometry.from_tilt_angles(np.linspace(-60, 60, 9))
    projector = Projector(geometry, volume_shape=volume.shape, backend="scipy")
    bad = folder / "bad.mrc"
    bad.write_bytes(b"no map" * 500)

    def one(number: int) -> None:
        tilts = projector.forward(volume)
        tilts.save(folder / "tilts.mrc", overwrite=True)
        opened = TiltSeries.open(folder / "tilts.mrc", memmap=bool(number % 2))
        wbp(opened, volume_shape=(8, 24, 24), backend="scipy").save(
            folder / f"a.mrc{('', '.gz', '.bz2')[number % 3]}", overwrite=True
        )
        Volume.open(folder / "a.mrc.gz" if number > 2 else folder / "tilts.mrc")
        for wrong in (bad, folder / "absent.mrc"):
            with contextlib.suppress(ValueError, OSError):
                Volume.open(wrong)
        with contextlib.suppress(ValueError, OSError):
            open_alignment(bad, format="aretomo")
        if number % 20 == 0:
            volume.to_gif(folder / "a.gif", overwrite=True)

    # Caches fill in the first calls, and the allocator finds its size.
    first: dict[str, int] = {}
    for number in range(calls):
        one(number)
        if number == calls // 4:
            gc.collect()
            first = _counts()
    gc.collect()
    last = _counts()
    for what, count in first.items():
        print(what, count, last[what])


if __name__ == "__main__":
    _work(Path(sys.argv[1]), int(sys.argv[2]))
