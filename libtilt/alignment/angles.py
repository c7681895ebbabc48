"""Plain lists of tilt angles: ``.tlt`` and ``.rawtlt``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import attrs

from libtilt._checks import Float64Array, finite_array
from libtilt.alignment.base import Alignment, AlignmentFile
from libtilt.alignment.imod_tables import column_text, read_column
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.text import save_text
from libtilt.geometry import TiltGeometry


def _array(value: object) -> Float64Array:
    return finite_array(value, "tilt_angles")  # type: ignore[arg-type]


@attrs.frozen(eq=False)
class AnglesFile(AlignmentFile):
    """One tilt angle per image, with the tilt axis along y and no shifts.

    Parameters
    ----------
    tilt_angles : array_like, shape (n,)
        Degrees.
    name : str, optional
        For messages.

    Examples
    --------
    >>> from libtilt.alignment import AnglesFile, Sizes
    >>> sizes = Sizes(stack_shape=(3, 8, 8), pixel_size=2.0)
    >>> AnglesFile([-3, 0, 3]).alignment(sizes).geometry.tilt_angles.round(6).tolist()
    [-3.0, 0.0, 3.0]
    """

    format: ClassVar[str] = "angles"

    tilt_angles: Float64Array = attrs.field(converter=_array)
    name: str = attrs.field(kw_only=True, default="the list of angles")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read one angle per line; errors name the file and the line.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        AnglesFile
        """
        return cls(read_column(path), name=str(path))

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write one angle per line.

        Parameters
        ----------
        path : path
            The file.
        overwrite : bool, optional
            Whether an existing file may be replaced.

        Returns
        -------
        pathlib.Path
            The path.
        """
        return save_text(path, column_text(self.tilt_angles), overwrite=overwrite)

    def alignment(self, sizes: Sizes | None = None) -> Alignment:
        """Return the geometry; `sizes` must have the stack's shape and the pixel size.

        Parameters
        ----------
        sizes : Sizes, optional
            The tomogram is by default as wide and high as the images, as deep as it is wide.

        Returns
        -------
        Alignment
        """
        sizes = sizes or Sizes()
        count = sizes.count(len(self.tilt_angles), self.name)
        _, height, width = sizes.need("stack_shape", self.name)
        pixel_size = sizes.need("pixel_size", self.name)
        return Alignment(
            TiltGeometry.from_tilt_angles(self.tilt_angles),
            views=range(count),
            stack_shape=(count, height, width),
            pixel_size=pixel_size,
            volume_shape=sizes.volume_shape or (width, height, width),
            voxel_size=sizes.voxel_size or pixel_size,
        )

    @classmethod
    def from_alignment(cls, alignment: Alignment, *, like: Self | None = None) -> Self:
        """Return the tilt angles, all that such a file holds.

        Parameters
        ----------
        alignment : Alignment
            Of all images of its stack.
        like : AnglesFile, optional
            Not needed.

        Returns
        -------
        AnglesFile
        """
        order = alignment.every_view("a list of angles")
        return cls(alignment.geometry.tilt_angles[order])
