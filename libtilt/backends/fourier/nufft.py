"""Non-uniform fast Fourier transforms by finufft, exactly adjoint in pairs."""

from __future__ import annotations

from threading import Lock
from typing import Any

import finufft
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.threads import once, thread_count

_FLOAT32_EPS = 1e-6


class Nufft:
    """Non-uniform FFTs between the modes of some arrays and points, there and exactly back.

    Parameters
    ----------
    points : ndarray, shape (dim, m)
        Angles per index along each axis of an array, between -pi and pi.
    shape : tuple of int
        Of each array, whose indices are counted from ``shape // 2``.
    count : int
        How many arrays are transformed at once.
    eps : float
        Relative error to aim at.
    threads : int or None
        How many threads, None for all processors.
    """

    def __init__(
        self,
        points: NDArray[Any],
        shape: tuple[int, ...],
        count: int,
        eps: float,
        threads: int | None,
    ) -> None:
        self._points = points
        self._shape = shape
        self._count = count
        self._eps = eps if points.dtype == np.float64 else max(eps, _FLOAT32_EPS)
        self._dtype = np.result_type(points.dtype, np.complex64)
        self._threads = thread_count(threads)
        self._lock = Lock()

    def to_points(self, modes: NDArray[Any]) -> NDArray[Any]:
        """Transform ``(count, *shape)`` to ``(count, m)``."""
        return self._execute(2, modes, (self._points.shape[1],))

    def to_modes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Transform ``(count, m)`` to ``(count, *shape)`` by the adjoint of `to_points`."""
        return self._execute(1, values, self._shape)

    def _execute(self, kind: int, data: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        if self._points.shape[1] == 0:
            return np.zeros((self._count, *shape), self._dtype)
        result = np.empty((self._count, *shape), self._dtype)
        plan = self._to_points_plan if kind == 2 else self._to_modes_plan
        with self._lock:  # A plan works in buffers of its own.
            if self._count == 1:
                plan.execute(data[0], out=result[0])
            else:
                plan.execute(data, out=result)
        return result

    @once
    def _to_points_plan(self) -> Any:
        return self._make(2)

    @once
    def _to_modes_plan(self) -> Any:
        return self._make(1)

    def _make(self, kind: int) -> Any:
        # The finer the grid between, the less float32 rounds, but it has up to four times as many
        # points, and its transforms in three dimensions take six times as long.
        least = 1e-8 if self._points.dtype == np.float64 else 1e-5
        plan = finufft.Plan(
            kind,
            self._shape,
            n_trans=self._count,
            eps=self._eps,
            isign=-1 if kind == 2 else 1,
            dtype=self._dtype.name,
            nthreads=self._threads,
            upsampfac=1.25 if self._eps >= least else 2.0,
            # Each array is spread by one thread, always in the same order.
            spread_thread=2 if self._count > 1 else 0,
            showwarn=0,
        )
        plan.setpts(*self._points)
        return plan
