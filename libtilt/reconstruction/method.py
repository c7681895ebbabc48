"""`Method`, the base class of reconstruction methods, and `Progress` of an iteration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import DRIVEN
from libtilt.errors import UnsupportedSpecError
from libtilt.errors.checks import require_result
from libtilt.progress import ProgressOption, counting_iterations, counting_pieces
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.result import Reconstruction
from libtilt.volume import Volume

Callback = Callable[[int, Volume, float], object]
"""Called after each iteration with its number from 1, the current volume and its residual."""


class Progress:
    """Record of one reconstruction: a method reports each iteration to it. Mutable.

    Attributes
    ----------
    residuals : list of float
        Relative residuals in order.
    iterations : int
        Number of completed iterations.
    stop_reason : str
        "iterations" until a method or the callback sets another one.
    """

    def __init__(
        self,
        problem: LeastSquares,
        callback: Callback | None = None,
        report: Callable[[int], object] | None = None,
    ) -> None:
        self._problem, self._callback, self._report = problem, callback, report
        self.residuals: list[float] = []
        self.iterations = 0
        self.stop_reason = "iterations"

    def record(self, residual: float) -> None:
        """Record a residual outside of an iteration, such as that of the start."""
        self.residuals.append(float(residual))

    def step(self, volume: NDArray[Any], residual: float) -> bool:
        """Report a completed iteration; return whether the callback requests a stop.

        Parameters
        ----------
        volume : ndarray, shape (d, h, w)
            Current volume.
        residual : float
            Its relative residual (`LeastSquares.misfit`).
        """
        self.record(residual)
        self.iterations += 1
        if self._report is not None:
            self._report(self.iterations)
        if self._callback is None:
            return False
        if not self._callback(self.iterations, self._problem.to_volume(volume), self.residuals[-1]):
            return False
        self.stop_reason = "callback"
        return True


@attrs.frozen(kw_only=True)
class Method(ABC):
    """Base class of reconstruction methods.

    A subclass is a frozen attrs class whose fields are the options, and implements `_solve`.
    Methods raise a ValueError that names an invalid option.

    Attributes
    ----------
    name : str
        Name in results and on the command line; by default the class name in lower case.
    supports : tuple of str
        Supported arguments among "start", "mask", "weights", "margin" and "callback"; others raise
        an error.
    driven : {"ray", "voxel"} or None
        Required pair of projections; None accepts the projector's own.
    margin : int or "auto"
        Default margin of `reconstruct`.

    Examples
    --------
    See the page "Methods" and `libtilt.errors.options.option`.
    """

    name: ClassVar[str] = ""
    supports: ClassVar[tuple[str, ...]] = ("start", "weights", "margin", "callback")
    driven: ClassVar[str | None] = None
    margin: ClassVar[int | str] = "auto"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__.lower()

    @abstractmethod
    def _solve(self, problem: LeastSquares, progress: Progress) -> NDArray[Any]:
        """Compute the volume, with the shape and dtype of ``problem.zeros()``.

        Report the residual of the start and each iteration to `progress`.
        """

    def require_supported(self, **given: Any) -> None:
        """Raise a ValueError for the first given argument that this method does not support."""
        for name, value in given.items():
            if value is not None and name not in self.supports:
                raise ValueError(
                    f"{name} is not supported by the method {self.name!r}; supported arguments: "
                    f"{', '.join(self.supports) or 'none'}"
                )

    def solve(
        self,
        problem: LeastSquares,
        *,
        callback: Callback | None = None,
        progress: ProgressOption = False,
    ) -> Reconstruction:
        """Solve a problem.

        Parameters
        ----------
        problem : LeastSquares
            Problem made by `LeastSquares.from_tilt_series`.
        callback, progress : optional
            As in `reconstruct`.

        Raises
        ------
        ValueError
            If the method does not support an argument of the problem, or values overflow.

        Examples
        --------
        >>> from libtilt import GaussianBlobs, TiltGeometry
        >>> from libtilt.reconstruction import CGLS, LeastSquares
        >>> blobs = GaussianBlobs([[2, -1, 1]], sigmas=1.5)
        >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-30, 0, 30]), (16, 16))
        >>> problem = LeastSquares.from_tilt_series(series, volume_shape=(8, 16, 16))
        >>> CGLS(iterations=3).solve(problem).iterations
        3
        """
        self.require_supported(
            start=problem.start, mask=problem.mask, weights=problem.weights, callback=callback
        )
        self._require_backend(problem)
        quiet = np.errstate(over="ignore", invalid="ignore")
        with self._reporting(progress) as report, quiet:
            record = Progress(problem, callback, report)
            data = self._solve(problem, record)
        self._require_like(data, problem.zeros())
        require_result(data, "the reconstruction")
        volume = problem.to_volume(data)
        if problem.grid.shape != data.shape:
            # A view would keep the margin in memory.
            volume = volume.evolve(data=volume.data.copy())
        return Reconstruction.from_volume(
            volume,
            residuals=record.residuals,
            iterations=record.iterations,
            method=self,
            stop_reason=record.stop_reason,
        )

    def _require_backend(self, problem: LeastSquares) -> None:
        """Raise an error that names the pair of projections if the backend lacks that alone."""
        if self.driven is None:
            return
        backend, spec = problem.projector.backend, problem.projector.spec(problem.dtype)
        others = (attrs.evolve(spec, driven=pair) for pair in DRIVEN if pair != self.driven)
        reason = backend.unsupported(spec)
        if reason and any(backend.unsupported(other) is None for other in others):
            raise UnsupportedSpecError(
                f"method {self.name!r} uses driven={self.driven!r}, which backend "
                f"{backend.name!r} does not support ({reason}): pass another backend=..., or a "
                "projector=... with another one"
            )

    @contextmanager
    def _reporting(self, progress: ProgressOption) -> Iterator[Callable[[int], object] | None]:
        """Report iterations where their number is a field, else the pieces of the work."""
        count = getattr(self, "iterations", None)
        if count is None:
            with counting_pieces(progress, self.name):
                yield None
            return
        with counting_iterations(progress, self.name, count) as report:
            yield report

    def _require_like(self, data: Any, wanted: NDArray[Any]) -> None:
        """Raise a ValueError unless `data` has the shape and dtype of the domain."""
        got = f"a {type(data).__name__}"
        if isinstance(data, np.ndarray):
            if (data.shape, data.dtype) == (wanted.shape, wanted.dtype):
                return
            got = f"{data.shape} {data.dtype}"
        raise ValueError(
            f"method {self.name!r} must return an array like problem.zeros(), of shape "
            f"{wanted.shape} (the grid with its margin) and {wanted.dtype}, got {got}"
        )
