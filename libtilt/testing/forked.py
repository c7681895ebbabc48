"""The law that a backend works in processes forked after its use."""

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

TIMEOUT = 60.0
"""Seconds after which a child counts as hanging."""

_SAME, _DIFFERENT, _RAISED = 0, 3, 4


def law_fork(backend: Backend, spec: SamplingSpec) -> None:
    """Check that a forked child computes the same bits as its parent, and ends.

    A backend that does not support this raises an error that says "spawn": pools of native threads
    do not survive a fork, and a child that submits work to one hangs. Windows and macOS, where
    forking is not the default, are skipped.
    """
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return
    volume, images = random_arrays(spec)
    plan = backend.plan(spec)
    expected = plan.forward(volume), plan.adjoint(images)

    def compute() -> bool:
        fresh = backend.forward(spec, volume), backend.adjoint(spec, images)
        return _identical((plan.forward(volume), plan.adjoint(images)), expected) and _identical(
            fresh, expected
        )

    ended = _run_in_child(compute)
    assert ended is not None, f"fork: a child did not end within {TIMEOUT:g} s and was killed"
    assert ended != _DIFFERENT, "fork: a child computes different bits from its parent"
    assert ended == _SAME, (
        f"fork: a child exited with status {ended}; a backend that does not work after a fork "
        "must raise an error that names 'spawn'"
    )


def _identical(got: tuple[NDArray[Any], ...], expected: tuple[NDArray[Any], ...]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(got, expected, strict=True))


def _run_in_child(compute: Callable[[], bool]) -> int | None:
    """Return the exit status of a child that runs `compute`, or None if it was killed."""
    with warnings.catch_warnings():
        # Python warns about forking with threads, which is what this checks.
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
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
