"""`ExcludedTilts`: known tilts of images that an alignment excludes."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from libtilt.errors.checks import Float64Array, locked
from libtilt.geometry import TiltGeometry


def _angles_converter(value: ArrayLike) -> Float64Array:
    return locked(np.array(value, dtype=np.float64))


@attrs.frozen(eq=False)
class ExcludedTilts:
    """Tilts of excluded images, as far as a file holds them.

    They do not affect a tomogram; formats with a row for every image write them back.

    Parameters
    ----------
    tilt_angles : array_like, shape (n,)
        Tilt angles of the excluded images in stack order, in degrees; NaN where unknown.
    geometry : TiltGeometry, optional
        Complete tilts of the same images, if a file holds them.

    Raises
    ------
    ValueError
        If the counts differ.

    Examples
    --------
    >>> from libtilt.alignment import ExcludedTilts
    >>> ExcludedTilts([-30, float("nan")]).tilt_angles.tolist()
    [-30.0, nan]
    """

    tilt_angles: Float64Array = attrs.field(converter=_angles_converter)
    geometry: TiltGeometry | None = attrs.field(default=None)

    @geometry.validator
    def _check_geometry(self, _: Any, value: TiltGeometry | None) -> None:
        if self.tilt_angles.ndim != 1:
            raise ValueError(
                f"tilt_angles must be one-dimensional, got shape {self.tilt_angles.shape}"
            )
        if value is not None and len(value) != len(self.tilt_angles):
            raise ValueError(
                f"geometry must have one tilt per angle: expected {len(self.tilt_angles)}, "
                f"got {len(value)}"
            )

    @classmethod
    def from_geometry(cls, geometry: TiltGeometry) -> Self:
        """Create excluded tilts from the geometry of the excluded images.

        Parameters
        ----------
        geometry : TiltGeometry
            One tilt per excluded image.

        Returns
        -------
        ExcludedTilts

        Examples
        --------
        >>> from libtilt import TiltGeometry
        >>> from libtilt.alignment import ExcludedTilts
        >>> tilts = ExcludedTilts.from_geometry(TiltGeometry.from_tilt_angles([30]))
        >>> tilts.tilt_angles.round(6).tolist()
        [30.0]
        """
        return cls(geometry.tilt_angles, geometry)

    def __len__(self) -> int:
        return len(self.tilt_angles)
