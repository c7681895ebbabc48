"""libtilt's own ``.json``: a geometry to the last bit, without sizes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import attrs
import numpy as np

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import AlignmentFile, default_volume
from libtilt.alignment.json_text import read_json
from libtilt.alignment.sizes import Sizes
from libtilt.geometry import TiltGeometry


@attrs.frozen(eq=False)
class GeometryFile(AlignmentFile):
    """A `TiltGeometry` in JSON, one tilt for each image of the stack.

    Parameters
    ----------
    geometry : TiltGeometry
        From the tomogram's centre to the images'.
    name : str, optional
        For messages.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.alignment import GeometryFile, Sizes
    >>> sizes = Sizes(stack_shape=(2, 8, 8), pixel_size=2.0)
    >>> file = GeometryFile(TiltGeometry.from_tilt_angles([-3, 3]))
    >>> file.alignment(sizes).views.tolist()
    [0, 1]
    """

    format: ClassVar[str] = "json"

    geometry: TiltGeometry
    name: str = attrs.field(kw_only=True, default="the geometry")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read the JSON of a geometry.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        GeometryFile
        """
        read_json(path)
        # Numbers whose squares overflow are refused as no rotations.
        with np.errstate(over="ignore", invalid="ignore"):
            return cls(TiltGeometry.from_json(Path(path)), name=str(path))

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the JSON of the geometry.

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
        self.geometry.to_json(path, overwrite=overwrite)
        return Path(path)

    def _image_count(self, given: int | None) -> int:
        return len(self.geometry)

    def _used_count(self) -> int:
        return len(self.geometry)

    def _alignment(self, sizes: Sizes) -> Alignment:
        """Return the geometry with the sizes, of which the stack's shape is needed."""
        count, *image_shape = sizes.need("stack_shape", self.name)
        pixel_size = sizes.need("pixel_size", self.name)
        return Alignment(
            self.geometry,
            views=range(count),
            stack_shape=(count, *image_shape),
            pixel_size=pixel_size,
            volume_shape=default_volume(sizes, image_shape),
            voxel_size=sizes.voxel_size or pixel_size,
        )

    @classmethod
    def from_alignment(cls, alignment: Alignment, *, like: Self | None = None) -> Self:
        """Return the geometry of all images.

        Parameters
        ----------
        alignment : Alignment
            In which no image is left out.
        like : GeometryFile, optional
            Not needed.

        Returns
        -------
        GeometryFile
        """
        return cls(alignment.geometry[alignment.every_view("a libtilt .json")])
