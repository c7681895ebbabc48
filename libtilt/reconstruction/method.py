"""`Method`: a way to reconstruct, its options as fields; and how far it has come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import require_result
from libtilt.reconstruction.least_squares import LeastSquares
from libtilt.reconstruction.result import Reconstruction
from libtilt.volume import Volume

Callback = Callable[[int, Volume, float], object]
"""Called after each iteration with its number, from 1, the volume so far and its residual."""


class Progress:
    """What a method tells of each iteration, and hears whether to go on.

    Unlike other objects it changes: it collects. One is of one reconstruction.

    Attributes
    ----------
    residuals : list of float
        What was told, in order.
    iterations : int
        How many were done.
    stop_reason : str
        "iterations" until another one is known.
    """

    def __init__(self, problem: LeastSquares, callback: Callback | None = None) -> None:
        self._problem, self._callback = problem, callback
        self.residuals: list[float] = []
        self.iterations = 0
        self.stop_reason = "iterations"

    def record(self, residual: float) -> None:
        """Keep the residual of a volume that is not the end of an iteration: of the start."""
        self.residuals.append(float(residual))

    def step(self, volume: NDArray[Any], residual: float) -> bool:
        """Tell that an iteration is done; return whether the callback wants no more.

        Parameters
        ----------
        volume : ndarray, shape (d, h, w)
            What was found so far.
        residual : float
            Of it, relative: see `LeastSquares.misfit`.
        """
        self.record(residual)
        self.iterations += 1
        if self._callback is None:
            return False
        if not self._callback(self.iterations, self._problem.volume(volume), self.residuals[-1]):
            return False
        self.stop_reason = "callback"
        return True


@attrs.frozen(kw_only=True)
class Method(ABC):
    """A way to reconstruct a volume from images: the choice and its options.

    A subclass is a frozen attrs class whose fields are its options, and writes `_solve`. An option
    that does not fit is a ValueError that names it.

    Attributes
    ----------
    name : str
        By which the results and the command line call it; by default that of the class.
    takes : tuple of str
        Which of "start", "mask", "weights", "margin" and "callback" it heeds. The others are
        refused.
    driven : {"ray", "voxel"} or None
        What the projector must be; None where it may be either, "ray" unless one is given.
    margin : int or "auto"
        What `reconstruct` takes where nobody says another.

    Examples
    --------
    See the page "Methods" and `libtilt.errors.options.option`.
    """

    name: ClassVar[str] = ""
    takes: ClassVar[tuple[str, ...]] = ("start", "weights", "margin", "callback")
    driven: ClassVar[str | None] = None
    margin: ClassVar[int | str] = "auto"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__.lower()

    @abstractmethod
    def _solve(self, problem: LeastSquares, progress: Progress) -> NDArray[Any]:
        """Compute the volume; what a method of one's own writes.

        Parameters
        ----------
        problem : LeastSquares
            Checked images and the operator.
        progress : Progress
            To be told the residual of the start, and each iteration.

        Returns
        -------
        ndarray, of the shape and dtype of ``problem.zeros()``
        """

    def require_taken(self, **given: Any) -> None:
        """Raise a ValueError where something is given that this method does not heed."""
        for name, value in given.items():
            if value is not None and name not in self.takes:
                raise ValueError(
                    f"{name} does not go with the method {self.name!r}, which takes "
                    f"{', '.join(self.takes) or 'nothing of the kind'}"
                )

    def solve(self, problem: LeastSquares, *, callback: Callback | None = None) -> Reconstruction:
        """Solve a problem.

        Parameters
        ----------
        problem : LeastSquares
            Made by `LeastSquares.of`.
        callback : callable, optional
            As in `reconstruct`.

        Raises
        ------
        ValueError
            If the problem has what the method does not heed, or values leave the range of floats.

        Examples
        --------
        >>> from libtilt import GaussianBlobs, TiltGeometry
        >>> from libtilt.reconstruction import CGLS, LeastSquares
        >>> blobs = GaussianBlobs([[2, -1, 1]], sigmas=1.5)
        >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-30, 0, 30]), (16, 16))
        >>> problem = LeastSquares.of(series, volume_shape=(8, 16, 16))
        >>> CGLS(iterations=3).solve(problem).iterations
        3
        """
        self.require_taken(
            start=problem.start, mask=problem.mask, weights=problem.weights, callback=callback
        )
        progress = Progress(problem, callback)
        with np.errstate(over="ignore", invalid="ignore"):
            data = self._solve(problem, progress)
        self._require_like(data, problem.zeros())
        require_result(data, "the reconstruction")
        volume = problem.volume(data)
        if problem.grid.shape != data.shape:
            # A view would keep the margin in memory.
            volume = volume.evolve(data=volume.data.copy())
        return Reconstruction.of(
            volume,
            residuals=progress.residuals,
            iterations=progress.iterations,
            method=self,
            stop_reason=progress.stop_reason,
        )

    def _require_like(self, data: Any, wanted: NDArray[Any]) -> None:
        """Raise where a method returned another kind of array than it iterates on."""
        if not isinstance(data, np.ndarray):
            got = f"a {type(data).__name__}"
        elif data.shape != wanted.shape or data.dtype != wanted.dtype:
            got = f"{data.shape} {data.dtype}"
        else:
            return
        raise ValueError(
            f"method {self.name!r} must return an array like problem.zeros(), of shape "
            f"{wanted.shape} (the grid with its margin) and {wanted.dtype}, got {got}"
        )
