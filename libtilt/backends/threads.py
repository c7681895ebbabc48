"""Running independent pieces of work on a few threads, with the same bits for any number."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Lock, RLock
from typing import Any, Generic, TypeVar

from libtilt._checks import positive_integer

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def check_threads(_: Any, field: Any, value: int | None) -> None:
    """Refuse a number of threads that is neither None nor positive (an attrs validator)."""
    if value is not None:
        positive_integer(value, field.name)


def thread_count(threads: int | None) -> int:
    """Return `threads`, or the number of processors that this process may use."""
    if threads is not None:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class once(Generic[Result]):  # noqa: N801 - a decorator
    """A property that is computed when it is first asked for, once, whatever thread asks.

    `functools.cached_property` is not this: before Python 3.12 it has one lock for all instances of
    a class, on which two plans can wait for each other for ever.

    Parameters
    ----------
    compute : callable
        The method.

    Examples
    --------
    >>> from libtilt.backends.threads import once
    >>> class Greeter:
    ...     @once
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
        pending = [pool.submit(work, piece) for piece in islice(remaining, count)]
        try:
            while pending:
                yield pending.pop(0).result()
                pending += [pool.submit(work, piece) for piece in islice(remaining, 1)]
        finally:
            for future in pending:
                future.cancel()
