"""The plans of the process: what backends have prepared, kept within a number of bytes."""

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

LIMIT = "LIBTILT_PLAN_CACHE"
"""The environment variable that says how many megabytes of plans a process keeps."""

_SHARE = 4
_MOST = 256
"""Plans at once, whatever they say of their size."""


@attrs.define
class _Kept:
    """A plan, its backend, which must live as long where its identity is the key, and its size."""

    plan: Plan
    backend: Backend
    nbytes: int = 0


class PlanCache:
    """Plans by backend and spec, shared by all projectors and threads of a process.

    The plans that were used last are kept, as many as fit. One that is larger than all that may be
    kept stays until another one is used: who iterates with it does not prepare it anew.

    Parameters
    ----------
    limit : int, optional
        Bytes; by default those of the environment variable ``LIBTILT_PLAN_CACHE`` (in megabytes),
        else a quarter of the memory that the process may use.

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
        self._plans: OrderedDict[Any, _Kept] = OrderedDict()
        self._unlock()
        if hasattr(os, "register_at_fork"):
            # Another thread may hold the lock, or build, at the moment of a fork.
            cache = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _unlock(cache()))

    def _unlock(self) -> None:
        self._lock = threading.Lock()
        self._building: dict[Any, Future[Plan]] = {}

    @property
    def limit(self) -> int:
        """Bytes that are kept at most."""
        if self._limit is not None:
            return self._limit
        told = os.environ.get(LIMIT, "").strip()
        if not told:
            return memory_limit() // _SHARE
        if not (told.isascii() and told.isdecimal() and len(told) < 10):
            raise ValueError(f"{LIMIT} must be a number of megabytes, got {told!r}")
        return int(told) * 10**6

    @property
    def nbytes(self) -> int:
        """Bytes of the plans that are kept now."""
        with self._lock:
            return sum(kept.nbytes for kept in self._plans.values())

    def __len__(self) -> int:
        return len(self._plans)

    def clear(self) -> None:
        """Forget all plans; their memory is free when nothing uses them any more."""
        with self._lock:
            self._plans.clear()

    @contextmanager
    def plan(self, backend: Backend, spec: SamplingSpec) -> Iterator[Plan]:
        """Give the plan of a backend for a spec, made once whoever asks.

        Parameters
        ----------
        backend : Backend
            Two backends are the same if they are of one class and their pickles are equal.
        spec : SamplingSpec
            What to compute.

        Yields
        ------
        Plan
            On leaving, what has become too much is forgotten.
        """
        limit, key = self.limit, _key(backend, spec)
        plan = self._built(key, backend, spec)
        try:
            yield plan
        finally:
            # What a plan prepares when it is first used counts now.
            self._measure(key, plan, limit)

    def _built(self, key: Any, backend: Backend, spec: SamplingSpec) -> Plan:
        """Return the plan that is kept, build it, or wait for the thread that does."""
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
            self._plans[key] = _Kept(plan, backend)
            self._building.pop(key, None)
        future.set_result(plan)
        return plan

    def _measure(self, key: Any, plan: Plan, limit: int) -> None:
        """Note how large a plan has become, and forget those that it leaves no room for."""
        size = plan.nbytes
        with self._lock:
            if key in self._plans:
                self._plans[key].nbytes = size
            total = sum(kept.nbytes for kept in self._plans.values())
            for old in list(self._plans)[:-1]:
                if total <= limit and len(self._plans) <= _MOST:
                    break
                total -= self._plans.pop(old).nbytes


def _unlock(cache: PlanCache | None) -> None:
    if cache is not None:
        cache._unlock()


def _key(backend: Backend, spec: SamplingSpec) -> Any:
    try:
        return type(backend), pickle.dumps(backend), spec.key
    except Exception:  # Whatever a backend of another package holds that has no pickle.
        return id(backend), spec.key


plan_cache = PlanCache()
"""The plans of this process; ``plan_cache.clear()`` forgets them."""
