"""How much memory there is, and how much of it a plan holds."""

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
    """Return the bytes that this process may use: of the machine, the container or its limits."""
    limits = [*_of_machine(), *_of_control_groups(), *_of_process()]
    return min(limits, default=_UNKNOWN)


def _of_machine() -> list[int]:
    try:
        return [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, OSError, ValueError):
        return []


def _of_control_groups() -> list[int]:
    paths = [folder / "memory.max" for folder in control_groups()]
    limits = []
    for path in (*paths, Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            limits.append(int(path.read_text()))
        except (OSError, ValueError):  # "max" is no limit.
            continue
    return [limit for limit in limits if limit > 0]


def _of_process() -> list[int]:
    try:
        import resource
    except ImportError:
        return []
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return [] if limit == resource.RLIM_INFINITY else [limit]


def bytes_held(value: Any) -> int:
    """Return the bytes of all arrays that an object holds, each once.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.backends.memory import bytes_held
    >>> array = np.zeros(4)
    >>> bytes_held([array, {"the same": array}])
    32
    """
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
