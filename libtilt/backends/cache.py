"""Process-wide cache of plans, bounded in bytes."""

from __future__ import annotations

import os
import pickle
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import attrs

from libtilt.backends.base import Backend, Plan, SamplingSpec
from libtilt.backends.memory import memory_limit

LIMIT_VARIABLE = "LIBTILT_PLAN_CACHE"
"""Environment variable with the size limit of the cache in megabytes."""

_MEMORY_SHARE = 4
_MAX_PLANS = 256
"""Largest number of plans, whatever sizes they report."""


@attrs.define
class _CachedPlan:
    """A plan, its size, and its backend, kept alive because its identity may be the key."""

    plan: Plan
    backend: Backend
    nbytes: int = 0


class PlanCache:
    """Plans by backend and spec, shared by all projectors and threads of a process.

    The most recently used plans are kept, as many as fit. A plan larger than the limit stays until
    another one is used, so that iterations with it do not prepare it again.

    Parameters
    ----------
    limit : int, optional
        Bytes; by default the environment variable ``LIBTILT_PLAN_CACHE`` (in megabytes), else a
        quarter of the memory available to the process.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.backends import PlanCache, SamplingSpec, SparseBackend
    >>> cache = PlanCache()
    >>> grids = np.eye(3, 4)[None]
    >>> spec = SamplingSpec(grids=grids, volume_shape=(4, 4, 4), image_shape=(4, 4))
    >>> with cache.plan(SparseBackend(), spec) as plan:
    ...     images = plan.forward(np.ones((4, 4, 4), np.float32))
    >>> len(cache)
    1
    >>> cache.clear()
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._plans: OrderedDict[Any, _CachedPlan] = OrderedDict()
        self._unlock()
        if hasattr(os, "register_at_fork"):
            # At a fork, another thread may hold the lock or be building.
            cache = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _unlock(cache()))

    def _unlock(self) -> None:
        self._lock = threading.Lock()
        self._building: dict[Any, Future[Plan]] = {}

    @property
    def limit(self) -> int:
        """Largest number of bytes to keep."""
        if self._limit is not None:
            return self._limit
        setting = os.environ.get(LIMIT_VARIABLE, "").strip()
        if not setting:
            return memory_limit() // _MEMORY_SHARE
        if not (setting.isascii() and setting.isdecimal() and len(setting) < 10):
            raise ValueError(f"{LIMIT_VARIABLE} must be a number of megabytes, got {setting!r}")
        return int(setting) * 10**6

    @property
    def nbytes(self) -> int:
        """Bytes of the plans in the cache now."""
        with self._lock:
            return sum(kept.nbytes for kept in self._plans.values())

    def __len__(self) -> int:
        return len(self._plans)

    def clear(self) -> None:
        """Remove all plans; their memory is freed when nothing uses them."""
        with self._lock:
            self._plans.clear()

    @contextmanager
    def plan(self, backend: Backend, spec: SamplingSpec) -> Iterator[Plan]:
        """Yield the plan of a backend for a spec, built once for all threads.

        Parameters
        ----------
        backend : Backend
            Two backends share plans if their classes and pickles are equal.
        spec : SamplingSpec
            Spec to compute.

        Yields
        ------
        Plan
            On leaving the context, the oldest plans are removed until the rest fits.
        """
        limit, key = self.limit, _key(backend, spec)
        plan = self._get_or_build(key, backend, spec)
        try:
            yield plan
        finally:
            # Arrays that the plan prepared on first use now count.
            self._update_size(key, plan, limit)

    def _get_or_build(self, key: Any, backend: Backend, spec: SamplingSpec) -> Plan:
        """Return the cached plan, build it, or wait for the thread that builds it."""
        with self._lock:
            if key in self._plans:
                self._plans.move_to_end(key)
                return self._plans[key].plan
            mine = key not in self._building
            future = self._building.setdefault(key, Future())
        if not mine:
            return future.result()
        try:
            plan = backend.plan(spec)
        except BaseException as error:
            with self._lock:
                self._building.pop(key, None)
            future.set_exception(error)
            raise
        with self._lock:
            self._plans[key] = _CachedPlan(plan, backend)
            self._building.pop(key, None)
        future.set_result(plan)
        return plan

    def _update_size(self, key: Any, plan: Plan, limit: int) -> None:
        """Record the current size of a plan, and remove the oldest plans beyond the limit."""
        size = plan.nbytes
        with self._lock:
            if key in self._plans:
                self._plans[key].nbytes = size
            total = sum(kept.nbytes for kept in self._plans.values())
            for old in list(self._plans)[:-1]:
                if total <= limit and len(self._plans) <= _MAX_PLANS:
                    break
                total -= self._plans.pop(old).nbytes


def _unlock(cache: PlanCache | None) -> None:
    if cache is not None:
        cache._unlock()


def _key(backend: Backend, spec: SamplingSpec) -> Any:
    try:
        return type(backend), pickle.dumps(backend), spec.key
    except Exception:  # A third-party backend may not be picklable.
        return id(backend), spec.key


plan_cache = PlanCache()
"""The plans of this process; ``plan_cache.clear()`` removes them."""
