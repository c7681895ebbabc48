"""The law that what a process has used works in those that are forked from it, too."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Backend, SamplingSpec
from libtilt.testing.cases import random_arrays

SECONDS = 60.0
"""After which a child that has not ended counts as one that hangs."""

_SAME, _DIFFERENT, _RAISED = 0, 3, 4


def law_fork(backend: Backend, spec: SamplingSpec) -> None:
    """Check that a forked child computes the same bits as its parent did before, and ends.

    A backend that cannot raises an error there that says "spawn". Pools of native threads do not
    outlive a fork: whoever gives work to one of them in the child waits for ever. Nothing is
    checked where forking is not the custom: on Windows and macOS.
    """
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return
    volume, images = random_arrays(spec)
    plan = backend.plan(spec)
    expected = plan.forward(volume), plan.adjoint(images)

    def compute() -> bool:
        fresh = backend.forward(spec, volume), backend.adjoint(spec, images)
        return _same((plan.forward(volume), plan.adjoint(images)), expected) and _same(
            fresh, expected
        )

    ended = _in_a_child(compute)
    assert ended is not None, f"fork: a child had not ended after {SECONDS:g} s and was killed"
    assert ended != _DIFFERENT, "fork: a child computes other bits than its parent"
    assert ended == _SAME, f"fork: a child ended with status {ended}, and no error says 'spawn'"


def _same(got: tuple[NDArray[Any], ...], expected: tuple[NDArray[Any], ...]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(got, expected, strict=True))


def _in_a_child(compute: Callable[[], bool]) -> int | None:
    """Return the status with which a child ends, None if it had to be killed."""
    with warnings.catch_warnings():
        # Python warns of what this checks.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = _RAISED
        try:
            status = _SAME if compute() else _DIFFERENT
        except BaseException as error:
            status = _SAME if "spawn" in str(error) else _RAISED
        finally:
            os._exit(status)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
