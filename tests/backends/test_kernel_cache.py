"""Numba's disk cache: projections work with a damaged, full or missing one."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and rights as on Linux")

PROJECT = """
import sys
limit = int(sys.argv[1])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
import numpy as np
from libtilt import Projector, TiltGeometry
from libtilt.backends.numba import NumbaBackend
geometry = TiltGeometry.from_tilt_angles([0, 30], tilt_axis_angle=85)
backend = NumbaBackend(mode="exact", threads=1)
projector = Projector(geometry, volume_shape=(3, 4, 5), backend=backend)
print(float(projector.forward(np.ones((3, 4, 5), np.float32)).images.sum()))
"""


def start(folder, limit=0):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROJECT, str(limit)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def total(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return float(out)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A cache folder filled by eight concurrent processes, and the results of each."""
    folder = tmp_path_factory.mktemp("kernels")
    totals = [total(process) for process in [start(folder) for _ in range(8)]]
    return folder, totals


def test_many_processes_compile_at_once(kept):
    folder, totals = kept
    assert len(set(totals)) == 1
    assert totals[0] > 0
    assert list(folder.rglob("*.nbc"))
    assert not list(folder.rglob("*.tmp.*"))


def test_a_full_disk_does_not_stop_a_projection(kept, tmp_path):
    assert total(start(tmp_path, limit=100)) == kept[1][0]
    assert not list(tmp_path.rglob("*.nbc"))


@pytest.mark.parametrize("damage", ["cut short", "changed", "no index", "another index"])
def test_damaged_files_are_compiled_anew(kept, damage):
    folder, totals = kept
    suffix = "*.nbi" if "index" in damage else "*.nbc"
    for path in folder.rglob(suffix):
        data = bytearray(path.read_bytes())
        if damage == "changed":
            data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
        path.write_bytes({"no index": b"", "another index": b"else"}.get(damage, data))
        if damage == "cut short":
            os.truncate(path, len(data) // 2)
    damaged = {path: path.read_bytes() for path in folder.rglob(suffix)}
    assert total(start(folder)) == totals[0]
    assert any(path.read_bytes() != data for path, data in damaged.items())


def test_a_folder_that_cannot_be_made_does_not_stop_a_projection(kept, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert total(start(tmp_path / "file" / "kernels")) == kept[1][0]
