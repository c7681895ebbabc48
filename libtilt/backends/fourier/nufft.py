"""Non-uniform fast Fourier transforms in two dimensions by finufft, exactly adjoint in pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import finufft
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.threads import run_all

_FLOAT32_EPS = 1e-6


def nufft_options(eps: float, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return the options of a finufft plan for points of some dtype.

    Each plan runs on the thread that calls it. A pool of its own would hang in a forked process,
    and would sum what several of its threads spread in whatever order they finish.
    """
    eps = eps if dtype == np.float64 else max(eps, _FLOAT32_EPS)
    # The finer the grid between, the less float32 rounds, but it has up to four times as many
    # points, and its transforms in three dimensions take six times as long.
    least = 1e-8 if dtype == np.float64 else 1e-5
    upsampling = 1.25 if eps >= least else 2.0
    complex_dtype = np.result_type(dtype, np.complex64).name
    return {
        "eps": eps,
        "dtype": complex_dtype,
        "nthreads": 1,
        "upsampfac": upsampling,
        "showwarn": 0,
    }


class PlaneNufft:
    """Non-uniform FFTs between the modes of many planes and the same points, there and back.

    Parameters
    ----------
    points : ndarray, shape (2, m)
        Angles per index along each axis of a plane, between -pi and pi.
    shape : tuple of int
        Of each plane, whose indices are counted from ``shape // 2``.
    eps : float
        Relative error to aim at.
    threads : int or None
        How many planes are transformed at once, None for all processors.
    """

    def __init__(
        self, points: NDArray[Any], shape: tuple[int, ...], eps: float, threads: int | None
    ) -> None:
        self._points = points
        self._shape = shape
        self._options = nufft_options(eps, points.dtype)
        self._threads = threads
        self._idle: dict[int, list[Any]] = {1: [], 2: []}

    def to_points(self, modes: NDArray[Any]) -> NDArray[Any]:
        """Transform ``(count, *shape)`` to ``(count, m)``."""
        return self._execute(2, modes, (self._points.shape[1],))

    def to_modes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Transform ``(count, m)`` to ``(count, *shape)`` by the adjoint of `to_points`."""
        return self._execute(1, values, self._shape)

    def _execute(self, kind: int, data: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        result = np.zeros((len(data), *shape), data.dtype)
        if self._points.shape[1]:
            run_all(self._transform(kind, data, result), range(len(data)), self._threads)
        return result

    def _transform(
        self, kind: int, data: NDArray[Any], result: NDArray[Any]
    ) -> Callable[[int], None]:
        idle = self._idle[kind]

        def transform(index: int) -> None:
            # A plan works in buffers of its own, so each is lent to one thread at a time.
            try:
                plan = idle.pop()
            except IndexError:
                plan = self._make(kind)
            plan.execute(data[index], out=result[index])
            idle.append(plan)

        return transform

    def _make(self, kind: int) -> Any:
        plan = finufft.Plan(kind, self._shape, isign=-1 if kind == 2 else 1, **self._options)
        plan.setpts(*self._points)
        return plan
