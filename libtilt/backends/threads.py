"""Running independent pieces of work on a few threads, with the same bits for any number."""

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

_CFS = ("quota", "period")
Piece = TypeVar("Piece")
Result = TypeVar("Result")


def check_threads(_: Any, field: Any, value: int | None) -> None:
    """Refuse a number of threads that is neither None nor positive (an attrs validator)."""
    if value is not None:
        positive_integer(value, field.name)


def thread_count(threads: int | None) -> int:
    """Return `threads`, else ``LIBTILT_THREADS``, else the processors that this process may use."""
    if threads is not None:
        return threads
    told = os.environ.get("LIBTILT_THREADS", "").strip()
    if told:
        if not (told.isascii() and told.isdecimal() and 0 < int(told) < 10_000):
            raise ValueError(f"LIBTILT_THREADS must be a positive integer, got {told!r}")
        return int(told)
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    quota = processor_quota()
    return count if quota is None else max(1, min(count, math.ceil(quota)))


@lru_cache(maxsize=1)
def processor_quota() -> float | None:
    """Return the processors that the control group of a container grants, None for no limit."""
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
    """Return the folders of this process's control group and of those above it."""
    root = Path("/sys/fs/cgroup")
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((line[3:] for line in lines if line.startswith("0::")), "/")
    group = root / own.lstrip("/")
    return [group, *(above for above in group.parents if above.is_relative_to(root))]


class locked_cached_property(Generic[Result]):  # noqa: N801 - a decorator
    """A property that is computed when it is first asked for, once, whatever thread asks.

    `functools.cached_property` is not this: before Python 3.12 it has one lock for all instances of
    a class, on which two plans can wait for each other for ever.

    Parameters
    ----------
    compute : callable
        The method.

    Examples
    --------
    >>> from libtilt.backends.threads import locked_cached_property
    >>> class Greeter:
    ...     @locked_cached_property
    ...     def greeting(self):
    ...         return print("making it") or "hello"
    >>> greeter = Greeter()
    >>> greeter.greeting, greeter.greeting
    making it
    ('hello', 'hello')
    """

    def __init__(self, compute: Callable[[Any], Result]) -> None:
        self._compute = compute
        self._guard = Lock()
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Result:
        """Return the value, which from then on is an attribute of the instance."""
        attributes = vars(instance)
        with self._guard:
            lock = attributes.setdefault(f"_{self._name}_lock", RLock())
        with lock:
            if self._name not in attributes:
                attributes[self._name] = self._compute(instance)
        value: Result = attributes[self._name]
        return value


def run_all(work: Callable[[Piece], object], pieces: Iterable[Piece], threads: int | None) -> None:
    """Do ``work(piece)`` for every piece, where the results are of no interest."""
    for _ in run_each(work, pieces, threads):
        pass


def _quiet(work: Callable[[Piece], Result]) -> Callable[[Piece], Result]:
    """Return `work` without the warnings of overflow, which NumPy sets for each thread by itself.

    Results beyond the range of their type are refused as a whole, by who asked for them.
    """

    def quiet(piece: Piece) -> Result:
        with np.errstate(over="ignore", invalid="ignore"):
            return work(piece)

    return quiet


def run_each(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], threads: int | None
) -> Iterator[Result]:
    """Yield ``work(piece)`` in the order of `pieces`; at most ``threads`` of them wait at once.

    Pieces must write to places of their own: then the number of threads cannot change a bit.
    """
    count = thread_count(threads)
    if count == 1:
        yield from map(work, pieces)
        return
    remaining = iter(pieces)
    with ThreadPoolExecutor(count) as pool:
        work = _quiet(work)
        pending = [pool.submit(work, piece) for piece in islice(remaining, count)]
        try:
            while pending:
                yield pending.pop(0).result()
                pending += [pool.submit(work, piece) for piece in islice(remaining, 1)]
        finally:
            for future in pending:
                future.cancel()
