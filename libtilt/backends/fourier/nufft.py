"""Non-uniform fast Fourier transforms in two dimensions by finufft, as exact adjoint pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import finufft
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.threads import run_all

_FLOAT32_EPS = 1e-6


def nufft_options(eps: float, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return the options of a finufft plan for points of a dtype.

    Each plan runs on the calling thread. A thread pool in finufft would hang in a forked process,
    and would sum contributions in varying order.
    """
    eps = eps if dtype == np.float64 else max(eps, _FLOAT32_EPS)
    # A finer grid reduces float32 rounding, but has up to four times as many points, and transforms
    # in three dimensions take six times as long.
    least = 1e-8 if dtype == np.float64 else 1e-5
    upsampling = 1.25 if eps >= least else 2.0
    kind = np.result_type(dtype, np.complex64).name
    return {"eps": eps, "dtype": kind, "nthreads": 1, "upsampfac": upsampling, "showwarn": 0}


class PlaneNufft:
    """Non-uniform FFTs between the modes of planes of `shape` and shared points, with adjoints.

    `points` `(2, m)` are angles per index between -pi and pi, with indices counted from
    ``shape // 2``; `eps` is the target relative error. Planes are transformed in parallel.
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
            # A plan has its own buffers, so one thread at a time uses it.
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
