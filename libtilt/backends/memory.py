"""Memory available to the process, and memory held by a plan."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from libtilt.backends.threads import control_groups

_UNKNOWN = 4 * 2**30


@lru_cache(maxsize=1)
def memory_limit() -> int:
    """Return the bytes that the machine, the container and the process limits allow."""
    limits = [*_machine_limits(), *_control_group_limits(), *_process_limits()]
    return min(limits, default=_UNKNOWN)


def _machine_limits() -> list[int]:
    try:
        return [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, OSError, ValueError):
        return []


def _control_group_limits() -> list[int]:
    paths = [folder / "memory.max" for folder in control_groups()]
    limits = []
    for path in (*paths, Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            limits.append(int(path.read_text()))
        except (OSError, ValueError):  # "max" is no limit.
            continue
    return [limit for limit in limits if limit > 0]


def _process_limits() -> list[int]:
    try:
        import resource
    except ImportError:
        return []
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return [] if limit == resource.RLIM_INFINITY else [limit]


def bytes_held(value: Any) -> int:
    """Return the bytes of all arrays that an object holds, counting each array once."""
    seen: set[int] = set()
    waiting, total = [value], 0
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            if isinstance(item.base, np.ndarray):
                waiting.append(item.base)
            else:
                total += item.nbytes
        elif isinstance(item, list | tuple):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
        elif not isinstance(item, type | ModuleType | FunctionType | MethodType):
            waiting += _attributes(item)
    return total


def _attributes(item: Any) -> list[Any]:
    names = [name for kind in type(item).__mro__ for name in vars(kind).get("__slots__", ())]
    slots = [getattr(item, name, None) for name in names if not name.startswith("__")]
    return [*getattr(item, "__dict__", {}).values(), *slots]
