"""`ExcludedTilts`: what is known of images that an alignment leaves out."""

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
    """The tilts of images that are left out, as far as a file says them.

    They place nothing in a tomogram; formats that keep a row for every image write them again.

    Parameters
    ----------
    tilt_angles : array_like, shape (n,)
        One for each image that is left out, in their order in the stack, in degrees; NaN where
        it is not known.
    geometry : TiltGeometry, optional
        One whole tilt for each, where a file holds them.

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
            raise ValueError(f"tilt_angles must be one row, got shape {self.tilt_angles.shape}")
        if value is not None and len(value) != len(self.tilt_angles):
            raise ValueError(
                f"geometry must have one tilt per angle: expected {len(self.tilt_angles)}, "
                f"got {len(value)}"
            )

    @classmethod
    def from_geometry(cls, geometry: TiltGeometry) -> Self:
        """Return tilts that are known as a whole.

        Parameters
        ----------
        geometry : TiltGeometry
            One tilt for each image that is left out.

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
