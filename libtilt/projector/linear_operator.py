"""A projector as a linear operator of SciPy and PyLops."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse.linalg import LinearOperator

from libtilt.errors.checks import one_of, real_data
from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid


class _Operator(Protocol):
    """A forward operator between two grids, and its adjoint."""

    @property
    def domain(self) -> VolumeGrid: ...
    @property
    def range(self) -> ImageGrid: ...
    @property
    def geometry(self) -> TiltGeometry: ...
    def _forward(self, volume: NDArray[Any], /) -> NDArray[Any]: ...
    def _adjoint(self, images: NDArray[Any], /) -> NDArray[Any]: ...


class ProjectionOperator(LinearOperator):  # type: ignore[misc]
    """A projector as a SciPy linear operator on flat vectors.

    `libtilt.Projector.linear_operator` makes it.

    Parameters
    ----------
    projector : Projector
        Projector with both grids known.
    dtype : dtype
        float32 or float64, the dtype of all computations.

    Attributes
    ----------
    dims, dimsd : tuple of int
        Shapes ``(d, h, w)`` of the volume and ``(n, h, w)`` of the images, as in PyLops.

    Examples
    --------
    >>> from libtilt import Projector, TiltGeometry
    >>> projector = Projector(TiltGeometry.from_tilt_angles([0, 5]), volume_shape=(4, 5, 6))
    >>> operator = projector.linear_operator()
    >>> operator.shape, operator.dims, operator.dimsd
    ((60, 120), (4, 5, 6), (2, 5, 6))
    """

    def __init__(self, projector: _Operator, dtype: DTypeLike) -> None:
        kind: np.dtype[Any] = np.dtype(dtype)
        one_of(kind.name, "dtype", ("float32", "float64"))
        self.projector = projector
        self.dims: tuple[int, ...] = projector.domain.shape
        self.dimsd: tuple[int, ...] = (len(projector.geometry), *projector.range.shape)
        super().__init__(kind, (math.prod(self.dimsd), math.prod(self.dims)))

    def _matvec(self, x: NDArray[Any]) -> NDArray[Any]:
        volume = real_data(x.reshape(self.dims), "x", 3).astype(self.dtype, copy=False)
        return self.projector._forward(volume).ravel()

    def _rmatvec(self, x: NDArray[Any]) -> NDArray[Any]:
        images = real_data(x.reshape(self.dimsd), "y", 3).astype(self.dtype, copy=False)
        return self.projector._adjoint(images).ravel()
