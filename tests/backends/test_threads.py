"""Threads: identical results, no lost exceptions, no deadlocks."""

import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import numpy as np
import pytest
from helpers import EVERY_BACKEND, arrays, spec_of

from libtilt import TiltGeometry
from libtilt.backends import SciPyBackend, SparseBackend, threads
from libtilt.backends.base import DRIVEN
from libtilt.backends.fourier import FourierBackend
from libtilt.backends.numba.backend import MODES, NumbaBackend
from libtilt.backends.threads import locked_cached_property, processor_quota, run_each, thread_count
from libtilt.testing import make_spec
from libtilt.testing.forked import law_fork


@pytest.mark.parametrize(
    "backend",
    [
        SciPyBackend(order=0),
        SciPyBackend(),
        SciPyBackend(order=3),
        SparseBackend(),
        FourierBackend(),
        *(NumbaBackend(mode=mode) for mode in MODES),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("case", ["single axis, odd sizes", "any rotation, spacings differ"])
def test_the_number_of_threads_does_not_change_a_bit(backend, case, dtype, driven):
    spec = make_spec(case, dtype=dtype, driven=driven)
    if backend.unsupported(spec):
        case = "tilt axis along x"
        spec = make_spec(case, dtype=dtype, driven=driven)
    volume, images = arrays(spec)
    results = [
        (threaded.forward(spec, volume).tobytes(), threaded.adjoint(spec, images).tobytes())
        for threaded in (attrs.evolve(backend, threads=n) for n in (1, 2, 3))
    ]
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_every_repeat_gives_the_same_bits(backend, threads):
    """50 repeats, since races may not show in each, of data large enough to be cut into pieces."""
    if backend.name == "scipy":  # Slow, and cut into pieces at any size.
        spec = make_spec("single axis, odd sizes")
    else:
        angle = 0 if backend.name in ("sparse", "auto") else 85
        geometry = TiltGeometry.from_tilt_angles([-60, -25, 0, 35, 60], tilt_axis_angle=angle)
        if backend == NumbaBackend(mode="rows"):
            geometry = TiltGeometry.from_tilt_angles([-60, -25, 0, 35, 60])
        spec = spec_of(geometry, (58, 30, 32) if backend.name == "fourier" else (20, 30, 32))
    volume, images = arrays(spec)
    if backend.name != "auto":
        backend = attrs.evolve(backend, threads=threads)
    plan = backend.plan(spec)
    results = {(plan.forward(volume).tobytes(), plan.adjoint(images).tobytes()) for _ in range(50)}
    assert len(results) == 1
    if threads != 1 and backend.name != "auto":
        alone = attrs.evolve(backend, threads=1)
        expected = alone.forward(spec, volume), alone.adjoint(spec, images)
        assert results == {(expected[0].tobytes(), expected[1].tobytes())}


@pytest.mark.parametrize("case", ["single axis, odd sizes", "any rotation"])
@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_every_backend_works_in_a_forked_child(backend, case):
    spec = make_spec(case)
    if backend.unsupported(spec):
        return
    if hasattr(backend, "threads"):
        backend = attrs.evolve(backend, threads=2)
    law_fork(backend, spec)


COUNT_THREADS = """
import pathlib, sys, time
sys.path.insert(0, "tests")
def count():
    return len(list(pathlib.Path("/proc/self/task").iterdir()))
from helpers import BACKENDS, arrays, spec_of, geometry_for
import numpy, scipy.linalg
before = count()
for name, backend in BACKENDS.items():
    spec = spec_of(geometry_for(backend), (12, 30, 32))
    if not backend.unsupported(spec):
        plan = backend.plan(spec)
        volume, images = arrays(spec)
        plan.forward(volume), plan.adjoint(images)
    for _ in range(500):  # The system may list a thread for a moment after its end.
        if count() > before:
            time.sleep(0.01)
    assert count() == before, f"{name} leaves {count() - before} threads"
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted on Linux")
@pytest.mark.parametrize("threads", ["1", "3"])
def test_no_backend_keeps_a_pool_of_threads(threads):
    """A library's own pool would ignore the number of threads, and hang after a fork."""
    environment = {**os.environ, "LIBTILT_THREADS": threads}
    run = subprocess.run(
        [sys.executable, "-c", COUNT_THREADS], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("threads", [1, 2, 5, None])
def test_results_come_in_the_order_of_the_pieces(threads):
    def work(piece):
        time.sleep(0.002 * (piece % 3))
        return piece * 2

    assert list(run_each(work, range(11), threads)) == list(range(0, 22, 2))
    assert list(run_each(work, [], threads)) == []


def test_run_each_takes_no_more_pieces_than_threads():
    taken = []

    def pieces():
        for piece in itertools.count():
            taken.append(piece)
            yield piece

    results = run_each(lambda piece: piece, pieces(), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(taken) <= 5
    results.close()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_exception_in_a_thread_is_raised_to_the_caller(threads, error):
    def work(piece):
        if piece == 4:
            raise error
        return piece

    seen = []
    with pytest.raises(error):
        seen.extend(run_each(work, itertools.count(), threads))
    assert seen == [0, 1, 2, 3]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals are sent as on POSIX")
def test_ctrl_c_ends_the_work_and_its_threads(ctrl_c_is_heard):
    before = threading.active_count()

    def work(piece):
        if piece == 3:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.005)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(run_each(work, range(10_000), 2))
    assert time.monotonic() - start < 5
    assert threading.active_count() == before


@attrs.frozen
class FailsAtOneTilt(SciPyBackend):
    def _ray_image(self, spec, tilt, source):
        if tilt == 2:
            raise RuntimeError("out of luck")
        return super()._ray_image(spec, tilt, source)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_thread_of_a_backend_reaches_the_caller(threads):
    spec = make_spec("any rotation")
    with pytest.raises(RuntimeError, match="out of luck"):
        FailsAtOneTilt(threads=threads).forward(spec, np.zeros(spec.volume_shape))


def test_by_default_there_are_as_many_threads_as_processors(monkeypatch):
    assert thread_count(7) == 7
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    assert thread_count(None) == 3


@pytest.mark.parametrize(("processors", "expected"), [(6, 6), (None, 1)])
def test_without_affinity_all_processors_count(monkeypatch, processors, expected):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert thread_count(None) == expected


def test_a_locked_cached_property_is_computed_by_one_thread():
    made = []

    class Maker:
        @locked_cached_property
        def value(self):
            time.sleep(0.01)
            made.append(threading.get_ident())
            return object()

    maker = Maker()
    results = list(run_each(lambda _: maker.value, range(8), 4))
    assert len(made) == 1
    assert len({id(result) for result in results}) == 1


def test_plans_are_prepared_independently_of_each_other():
    """A ray adjoint prepares by tilt, then by row; a voxel forward in reverse order."""
    at_work = threading.Barrier(2)

    class Maker:
        @locked_cached_property
        def value(self):
            return at_work.wait(timeout=10)

    assert sorted(run_each(lambda maker: maker.value, [Maker(), Maker()], 2)) == [0, 1]


@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_a_plan_is_freed_with_its_last_reference(backend):
    """A plan may be as large as a volume, and must not wait for cyclic garbage collection."""
    spec = make_spec("single axis, odd sizes")
    plan = backend.plan(spec)
    volume, images = arrays(spec)
    plan.forward(volume)
    plan.adjoint(images)
    gone = weakref.ref(plan)
    gc.disable()
    try:
        del plan
        assert gone() is None
    finally:
        gc.enable()


def test_plans_of_both_pairs_prepare_at_once():
    def both():
        ray, voxel = (
            SparseBackend(threads=1).plan(make_spec("single axis, odd sizes", driven=driven))
            for driven in DRIVEN
        )
        volume, images = arrays(ray.spec)
        with ThreadPoolExecutor(2) as pool:
            calls = pool.submit(ray.adjoint, images), pool.submit(voxel.forward, volume)
            return [call.result(timeout=60).shape for call in calls]

    for _ in range(20):
        assert both() == [(7, 9, 11), (5, 9, 11)]


@pytest.fixture
def control_group(tmp_path, monkeypatch):
    monkeypatch.delenv("LIBTILT_THREADS", raising=False)
    monkeypatch.setattr(threads, "control_groups", lambda: [tmp_path / "own", tmp_path])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "own").mkdir()
    processor_quota.cache_clear()
    yield tmp_path
    processor_quota.cache_clear()


@pytest.mark.parametrize(
    ("own", "above", "count"),
    [
        ("150000 100000", "max 100000", 2),
        ("max 100000", "400000 100000", 4),
        ("50000 100000", "", 1),
        ("99900000 100000", "", 8),
        ("garbage", "300000 100000", 3),
    ],
)
def test_the_quota_of_a_container_bounds_the_threads(control_group, own, above, count):
    (control_group / "own" / "cpu.max").write_text(own + "\n")
    (control_group / "cpu.max").write_text(above + "\n")
    assert thread_count(None) == count
    assert thread_count(5) == 5


def test_the_environment_variable_sets_the_number_of_threads(control_group, monkeypatch):
    monkeypatch.setenv("LIBTILT_THREADS", "3")
    assert thread_count(None) == 3
    monkeypatch.setenv("LIBTILT_THREADS", "many")
    with pytest.raises(ValueError, match="LIBTILT_THREADS must be a positive integer, got 'many'"):
        thread_count(None)
