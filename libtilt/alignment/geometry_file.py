"""libtilt's own ``.json``: an exact geometry, without sizes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import attrs
import numpy as np

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import AlignmentFile
from libtilt.alignment.json_text import read_json
from libtilt.alignment.sizes import KnownSizes
from libtilt.geometry import TiltGeometry


@attrs.frozen(eq=False)
class GeometryFile(AlignmentFile):
    """A `TiltGeometry` in JSON, one tilt per image of the stack.

    Parameters
    ----------
    geometry : TiltGeometry
        Geometry between the centers of tomogram and images.
    name : str, optional
        Name of the file, for messages.

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

    @property
    def views(self) -> range:
        """Index of each image in the stack, from 0: all images."""
        return range(len(self.geometry))

    @property
    def image_count(self) -> int:
        """Number of images, one per tilt."""
        return len(self.geometry)

    @classmethod
    def _parse(cls, path: Path) -> Self:
        read_json(path)
        # Numbers whose squares overflow are rejected later, as invalid rotations.
        with np.errstate(over="ignore", invalid="ignore"):
            return cls(TiltGeometry.from_json(path), name=str(path))

    def _texts(self, path: Path) -> dict[Path, str]:
        return {path: self.geometry.to_json()}

    def _geometry(self, sizes: KnownSizes) -> TiltGeometry:
        return self.geometry

    @classmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        return cls(alignment.geometry[alignment.full_stack_order("a libtilt .json")])
