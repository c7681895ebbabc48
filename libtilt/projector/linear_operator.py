"""A projector on flat vectors, for the solvers of SciPy and PyLops, and its transpose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.sparse.linalg import LinearOperator

from libtilt.errors.checks import one_of, real_data

if TYPE_CHECKING:
    from libtilt.geometry import ImageGrid, VolumeGrid
    from libtilt.projector import Projector
    from libtilt.tilt_series import TiltSeries
    from libtilt.volume import Volume


class ProjectionOperator(LinearOperator):  # type: ignore[misc]
    """What `libtilt.Projector.linear_operator` returns.

    Parameters
    ----------
    projector : Projector
        With both grids known.
    dtype : dtype
        float32 or float64, in which everything is computed.

    Attributes
    ----------
    dims, dimsd : tuple of int
        Shapes ``(d, h, w)`` of the volume and ``(n, h, w)`` of the images, by the names of PyLops.

    Examples
    --------
    >>> from libtilt import Projector, TiltGeometry
    >>> projector = Projector(TiltGeometry.from_tilt_angles([0, 5]), volume_shape=(4, 5, 6))
    >>> operator = projector.linear_operator()
    >>> operator.shape, operator.dims, operator.dimsd
    ((60, 120), (4, 5, 6), (2, 5, 6))
    """

    def __init__(self, projector: Projector, dtype: DTypeLike) -> None:
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


@attrs.frozen(unsafe_hash=False)
class AdjointProjector:
    """The adjoint of a projector, as an object that can be called.

    Parameters
    ----------
    projector : Projector
        What it is the adjoint of.

    Examples
    --------
    >>> from libtilt import Projector, TiltGeometry
    >>> projector = Projector(TiltGeometry.from_tilt_angles([0]), volume_shape=(8, 8, 8))
    >>> projector.T.T is projector
    True
    """

    projector: Projector

    @property
    def T(self) -> Projector:  # noqa: N802
        """The projector."""
        return self.projector

    @property
    def domain(self) -> ImageGrid:
        """Shape and pixel size of the images that it takes."""
        return self.projector.range

    @property
    def range(self) -> VolumeGrid:
        """Where the voxels lie that it gives."""
        return self.projector.domain

    def __call__(self, tilt_series: TiltSeries | ArrayLike) -> Volume:
        """Backproject, as `Projector.adjoint` does."""
        return self.projector.adjoint(tilt_series)

    def linear_operator(self, dtype: DTypeLike = np.float32) -> LinearOperator:
        """Return the adjoint of `Projector.linear_operator`.

        Parameters
        ----------
        dtype : dtype, optional
            float32 (the default) or float64.

        Returns
        -------
        scipy.sparse.linalg.LinearOperator, shape (d * h * w, n * h * w)

        Examples
        --------
        >>> from libtilt import Projector, TiltGeometry
        >>> projector = Projector(TiltGeometry.from_tilt_angles([0, 5]), volume_shape=(4, 5, 6))
        >>> projector.T.linear_operator().shape
        (120, 60)
        """
        operator = self.projector.linear_operator(dtype)
        transposed = operator.H
        transposed.dims, transposed.dimsd = operator.dimsd, operator.dims
        return transposed
