"""Compilation of all kernels together, on the first use on a machine or ahead of it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np

from libtilt.backends.base import SamplingSpec
from libtilt.backends.numba.exact import ExactPlan
from libtilt.backends.numba.kernels.compiled import kernels_digest
from libtilt.backends.numba.kernels.row_sums import sum_rows
from libtilt.backends.numba.row_sums import RowSumsPlan
from libtilt.backends.numba.spline_warps import sample_splines, spread_splines
from libtilt.backends.numba.vector_unit import is_enabled
from libtilt.backends.single_axis import SingleAxisLayout
from libtilt.backends.threads import thread_count


def compile_all() -> Path | None:
    """Compile all kernels that are not cached; return the cache folder, or None if there is none.

    A second process compiles half of them if there is a processor for it. An OSError is raised if
    the folder cannot be written to.
    """
    code = f"import sys; sys.path[:] = {sys.path!r}; import {__name__} as w; w.compile_half(1)"
    other, marker = None, _marker_path()
    if marker is None:
        return None
    marker.parent.mkdir(parents=True, exist_ok=True)
    if thread_count(None) > 1 and not getattr(sys, "frozen", False):
        quiet: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        # An embedded Python cannot be started as a process.
        with suppress(OSError):
            other = subprocess.Popen([sys.executable, "-c", code], **quiet)
    try:
        compile_half(0)
        if other is None or other.wait():
            compile_half(1)
    finally:
        if other is not None:
            other.kill()
            other.wait()
    marker.touch()
    return marker.parent


@cache
def compile_once() -> None:
    """Compile all kernels on their first use on this machine.

    An empty marker file in Numba's cache folder records that a process compiled them or is about
    to. Without a cache folder, each kernel is compiled when needed.
    """
    marker = _marker_path()
    if marker is None or is_compiled():
        return
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch(exist_ok=False)
    except OSError:
        return
    try:
        compile_all()
    except BaseException:
        marker.unlink(missing_ok=True)
        raise


def is_compiled() -> bool:
    """Return whether `compile_once` has nothing to do: kernels are saved, or cannot be."""
    marker = _marker_path()
    return marker is None or marker.exists()


def _marker_path() -> Path | None:
    """Return the marker file for this processor and all versions."""
    folder = getattr(getattr(sum_rows, "_cache", None), "cache_path", None)
    if folder is None:
        return None
    kernel: Any = sum_rows
    processor = kernel.targetctx.codegen().magic_tuple()
    identity = kernels_digest(), numba.__version__, sys.version, processor, is_enabled()
    digest = hashlib.sha256(repr(identity).encode()).hexdigest()[:16]
    return Path(folder) / f"libtilt-{digest}.compiled"


def compile_half(which: int) -> None:
    """Compile one half of the kernels by running small projections."""
    single, double = np.dtype("float32"), np.dtype("float64")
    halves = (
        ((_compile_rows, single), (_compile_splines, single), (_compile_rows, double)),
        ((_compile_rays, single), (_compile_rays, double), (_compile_splines, double)),
    )
    for compile_kernels, dtype in halves[which]:
        compile_kernels(dtype)


def _spec(dtype: np.dtype[Any], driven: str) -> SamplingSpec:
    grids = np.eye(3, 4)[np.newaxis]
    return SamplingSpec(
        grids=grids, volume_shape=(2, 3, 4), image_shape=(3, 4), dtype=dtype, driven=driven
    )


def _compile_rows(dtype: np.dtype[Any]) -> None:
    spec = _spec(dtype, "ray")
    layout = SingleAxisLayout.find(spec)
    if layout is not None:
        plan = RowSumsPlan(layout, threads=1)
        plan.adjoint(plan.forward(np.ones(spec.volume_shape, dtype)))


def _compile_rays(dtype: np.dtype[Any]) -> None:
    for driven in ("ray", "voxel"):
        spec = _spec(dtype, driven)
        plan = ExactPlan(spec, threads=1)
        plan.adjoint(plan.forward(np.ones(spec.volume_shape, dtype)))


def _compile_splines(dtype: np.dtype[Any]) -> None:
    source, target = np.ones((3, 4), dtype), np.empty((3, 4), dtype)
    sample_splines(np.eye(2, 3), source, target)
    spread_splines(np.eye(2, 3), source, target)
