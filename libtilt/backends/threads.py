"""Thread pools for independent pieces of work, whose results do not depend on the thread count."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import Lock, RLock
from typing import Any, Generic, TypeVar

import numpy as np

from libtilt.errors.checks import positive_integer
from libtilt.progress import piece_counter

_CFS = ("quota", "period")
Piece = TypeVar("Piece")
Result = TypeVar("Result")


def check_threads(_: Any, field: Any, value: int | None) -> None:
    """Raise unless a number of threads is None or positive (an attrs validator)."""
    if value is not None:
        positive_integer(value, field.name)


def thread_count(threads: int | None) -> int:
    """Return `threads`, else ``LIBTILT_THREADS``, else the processors available to this process."""
    if threads is not None:
        return threads
    setting = os.environ.get("LIBTILT_THREADS", "").strip()
    if setting:
        if not (setting.isascii() and setting.isdecimal() and 0 < int(setting) < 10_000):
            raise ValueError(f"LIBTILT_THREADS must be a positive integer, got {setting!r}")
        return int(setting)
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    quota = processor_quota()
    return count if quota is None else max(1, min(count, math.ceil(quota)))


@lru_cache(maxsize=1)
def processor_quota() -> float | None:
    """Return the number of processors granted by a container's control group, or None."""
    for folder in control_groups():
        try:
            limit, period = (folder / "cpu.max").read_text().split()[:2]
            if limit != "max":
                return float(limit) / float(period)
        except (OSError, ValueError):
            continue
    try:
        limit, period = (Path(f"/sys/fs/cgroup/cpu/cpu.cfs_{name}_us").read_text() for name in _CFS)
    except OSError:
        return None
    return float(limit) / float(period) if float(limit) > 0 < float(period) else None


def control_groups() -> list[Path]:
    """Return the folders of this process's control group and its parents."""
    root = Path("/sys/fs/cgroup")
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((line[3:] for line in lines if line.startswith("0::")), "/")
    group = root / own.lstrip("/")
    return [group, *(above for above in group.parents if above.is_relative_to(root))]


class locked_cached_property(Generic[Result]):  # noqa: N801 - a decorator
    """A property computed once, on first access, even if several threads access it at once.

    `functools.cached_property` has one lock per class before Python 3.12, on which two plans can
    deadlock; here each instance has its own.
    """

    def __init__(self, compute: Callable[[Any], Result]) -> None:
        self._compute = compute
        self._guard = Lock()
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Result:
        """Return the value, stored as an attribute of the instance."""
        attributes = vars(instance)
        with self._guard:
            lock = attributes.setdefault(f"_{self._name}_lock", RLock())
        with lock:
            if self._name not in attributes:
                attributes[self._name] = self._compute(instance)
        value: Result = attributes[self._name]
        return value


def run_all(work: Callable[[Piece], object], pieces: Iterable[Piece], threads: int | None) -> None:
    """Call ``work(piece)`` for every piece, and discard the results."""
    for _ in run_each(work, pieces, threads):
        pass


def _ignore_overflow(work: Callable[[Piece], Result]) -> Callable[[Piece], Result]:
    """Return `work` without NumPy's overflow warnings, whose state is per thread.

    Callers check results for overflow as a whole.
    """

    def quiet_work(piece: Piece) -> Result:
        with np.errstate(over="ignore", invalid="ignore"):
            return work(piece)

    return quiet_work


def run_each(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], threads: int | None
) -> Iterator[Result]:
    """Yield ``work(piece)`` in the order of `pieces`, with at most `threads` pieces in flight.

    Pieces must write to separate memory: then results do not depend on the number of threads.
    Each one counts for the argument ``progress=`` of the call that it is a part of.
    """
    counter = piece_counter()
    if counter is None:
        yield from _run_each(work, pieces, threads)
        return
    listed = list(pieces)
    yield from counter.count(_run_each(work, listed, threads), len(listed))


def _run_each(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], threads: int | None
) -> Iterator[Result]:
    count = thread_count(threads)
    if count == 1:
        yield from map(work, pieces)
        return
    remaining = iter(pieces)
    with ThreadPoolExecutor(count) as pool:
        work = _ignore_overflow(work)
        pending = [pool.submit(work, piece) for piece in islice(remaining, count)]
        try:
            while pending:
                yield pending.pop(0).result()
                pending += [pool.submit(work, piece) for piece in islice(remaining, 1)]
        finally:
            for future in pending:
                future.cancel()
