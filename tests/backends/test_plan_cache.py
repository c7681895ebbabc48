"""The plan cache: plans are built once, shared, bounded and removed on request."""

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import attrs
import numpy as np
import pytest
from helpers import SINGLE_AXIS, ToyBackend

from libtilt import Projector
from libtilt.backends import Plan, PlanCache, SparseBackend, plan_cache
from libtilt.backends.cache import LIMIT_VARIABLE
from libtilt.backends.memory import bytes_held, memory_limit
from libtilt.testing import make_spec

IDENTITY = make_spec("identity")


class Heavy(Plan):
    """A plan of a given size, half of which is allocated on first use."""

    def __init__(self, nbytes):
        self.half = np.zeros(nbytes // 2, np.uint8)

    def forward(self, volume):
        self.other = self.half.copy()
        return volume.sum(axis=0, keepdims=True)

    def adjoint(self, images):
        return images


@attrs.frozen
class HeavyBackend(ToyBackend):
    """A backend that counts its plans, each of a given size."""

    nbytes: int = 1000
    number: int = 0
    built: ClassVar = []

    def plan(self, spec):
        HeavyBackend.built.append(self.number)
        return Heavy(self.nbytes)


@pytest.fixture(autouse=True)
def nothing_built():
    HeavyBackend.built.clear()


def use(cache, backend, spec=IDENTITY):
    with cache.plan(backend, spec) as plan:
        plan.forward(np.zeros(spec.volume_shape))
    return plan


def test_equal_backends_and_specs_share_a_plan():
    cache = PlanCache()
    first = use(cache, HeavyBackend())
    assert use(cache, HeavyBackend(), make_spec("identity")) is first
    assert use(cache, HeavyBackend(number=1)) is not first
    assert use(cache, HeavyBackend(), make_spec("identity", driven="voxel")) is not first
    assert use(cache, HeavyBackend(), make_spec("identity", dtype="float32")) is not first
    assert len(cache) == 4


def test_keys_differ_exactly_where_specs_differ():
    specs = [
        make_spec(case, dtype=dtype, driven=driven)
        for case in ("identity", "any rotation", "single axis, odd sizes")
        for dtype in ("float32", "float64")
        for driven in ("ray", "voxel")
    ]
    assert len({spec.key for spec in specs}) == len(specs)
    minus_zero = attrs.evolve(IDENTITY, grids=np.where(IDENTITY.grids == 0, -0.0, IDENTITY.grids))
    assert minus_zero == IDENTITY
    assert minus_zero.key == IDENTITY.key


def test_the_last_plans_are_kept_within_the_limit():
    cache = PlanCache(limit=3500)
    for number in (0, 1, 2, 0, 3, 0, 1):
        use(cache, HeavyBackend(number=number))
        assert cache.nbytes <= 3500
    # 1 was used least recently when 3 came.
    assert HeavyBackend.built == [0, 1, 2, 3, 1]
    assert (len(cache), cache.nbytes) == (3, 3000)


def test_a_plan_larger_than_the_limit_stays_until_another_one_is_used():
    cache = PlanCache(limit=1500)
    large = HeavyBackend(nbytes=4000)
    for _ in range(3):
        use(cache, large)
    assert HeavyBackend.built == [0]
    use(cache, HeavyBackend(number=1))
    assert (len(cache), cache.nbytes) == (1, 1000)


def test_arrays_that_a_plan_makes_on_use_count_as_its_bytes():
    cache = PlanCache()
    with cache.plan(HeavyBackend(), IDENTITY) as plan:
        assert plan.nbytes == 500
        plan.forward(np.zeros(IDENTITY.volume_shape))
    assert cache.nbytes == 1000


def test_clear_removes_all_plans():
    cache = PlanCache()
    use(cache, HeavyBackend())
    cache.clear()
    assert (len(cache), cache.nbytes) == (0, 0)
    use(cache, HeavyBackend())
    assert HeavyBackend.built == [0, 0]


@attrs.frozen
class SlowBackend(HeavyBackend):
    def plan(self, spec):
        time.sleep(0.05)
        return super().plan(spec)


def test_one_thread_builds_a_plan_and_the_others_wait():
    cache = PlanCache()
    with ThreadPoolExecutor(8) as pool:
        plans = list(pool.map(lambda _: use(cache, SlowBackend()), range(16)))
    assert HeavyBackend.built == [0]
    assert all(plan is plans[0] for plan in plans)


@attrs.frozen
class FailsOnce(HeavyBackend):
    def plan(self, spec):
        time.sleep(0.05)
        if not HeavyBackend.built:
            HeavyBackend.built.append("failed")
            raise RuntimeError("no plan today")
        return super().plan(spec)


def test_a_failed_build_reaches_all_waiting_threads_and_is_retried():
    cache = PlanCache()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(use, cache, FailsOnce()) for _ in range(4)]
    assert all("no plan today" in str(each.exception()) for each in waiting[:1])
    assert use(cache, FailsOnce()) is use(cache, FailsOnce())
    assert len(cache) == 1


def test_an_unpicklable_backend_is_identified_by_the_object():
    @attrs.frozen
    class Local(HeavyBackend):
        choose: object = lambda: 0

    cache, backend = PlanCache(), Local()
    assert use(cache, backend) is use(cache, backend)
    assert use(cache, Local()) is not use(cache, backend)


def test_two_projectors_in_turn_build_two_plans():
    plan_cache.clear()
    volume = np.ones((6, 7, 8))
    pair = [
        Projector(SINGLE_AXIS, voxel_size=size, backend=Counted(), driven=driven)
        for size, driven in ((1.0, "ray"), (2.0, "voxel"))
    ]
    Counted.planned = 0
    for _ in range(100):
        for projector in pair:
            projector.forward(volume)
    assert Counted.planned == 2
    equal = Projector(SINGLE_AXIS, voxel_size=1.0, backend=Counted())
    assert np.array_equal(equal.forward(volume), pair[0].forward(volume))
    assert Counted.planned == 2
    assert plan_cache.nbytes <= plan_cache.limit


@attrs.frozen
class Counted(ToyBackend):
    planned = 0

    def plan(self, spec):
        Counted.planned += 1
        return super().plan(spec)


def _project(queue):
    queue.put(Projector(SINGLE_AXIS, voxel_size=1.0, backend="sparse").forward(np.ones((4, 5, 6))))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_while_another_thread_holds_the_cache_does_not_hang():
    context = multiprocessing.get_context("fork")
    queue, release = context.Queue(), threading.Event()
    holder = threading.Thread(target=lambda: _hold(release), daemon=True)
    holder.start()
    while not plan_cache._lock.locked():
        time.sleep(0.001)
    child = context.Process(target=_project, args=(queue,))
    child.start()
    try:
        expected = SparseBackend()
        assert queue.get(timeout=60).shape == (5, 5, 6), expected
    finally:
        release.set()
        child.join(10)
        holder.join(10)
    assert child.exitcode == 0


def _hold(release):
    with plan_cache._lock:
        release.wait(60)


def test_the_limit_is_a_quarter_of_memory_or_the_environment_variable(monkeypatch):
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)
    assert PlanCache().limit == memory_limit() // 4
    monkeypatch.setenv(LIMIT_VARIABLE, "12")
    assert PlanCache().limit == 12_000_000
    assert PlanCache(limit=5).limit == 5
    monkeypatch.setenv(LIMIT_VARIABLE, "-1")
    with pytest.raises(ValueError, match=r"LIBTILT_PLAN_CACHE must be a number of megabytes"):
        PlanCache().limit  # noqa: B018


def test_arrays_are_counted_once_and_not_beyond_the_object():
    array = np.zeros(10)
    view = array[2:]
    assert bytes_held({"a": [array, view], "b": (array,)}) == 80
    assert bytes_held([np, test_clear_removes_all_plans, Heavy]) == 0
    plan = SparseBackend().plan(make_spec("single axis, odd sizes"))
    before = plan.nbytes
    plan.forward(np.zeros(plan.spec.volume_shape))
    assert plan.nbytes > before
    assert 2**20 < memory_limit() < 2**60
