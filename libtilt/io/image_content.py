"""`ImageContent`: what a file of images holds, whatever its format."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import Float64Array
from libtilt.io.mrc_sections import SectionData


@attrs.frozen(eq=False)
class ImageContent:
    """What a file of images holds, in the axis order of this package.

    Attributes
    ----------
    data : ndarray, shape (d, h, w)
        Indexed z, y, x whatever the order in the file.
    voxel_size : ndarray, shape (3,)
        x, y, z in angstroms; 0 where the header does not know it.
    origin : ndarray, shape (3,)
        x, y, z in angstroms: where voxel (0, 0, 0) lies.
    is_image_stack : bool
        Whether the header calls it a stack of images rather than a volume.
    notes : tuple of str
        What is odd about the header.
    sections : SectionData
        What the extended header says of each section.
    is_from_libtilt : bool
        Whether libtilt wrote the file.
    series : str or None
        The mark that it shares with the other files of a saved series.
    center : ndarray, shape (3,)
        Where the voxel ``shape // 2`` lies in the specimen, x, y, z in angstroms; 0 in files of
        other programs, which do not say it.
    made : str
        How libtilt made the data, empty where it does not say it.
    """

    data: NDArray[Any]
    voxel_size: Float64Array
    origin: Float64Array
    is_image_stack: bool
    notes: tuple[str, ...]
    sections: SectionData = attrs.field(factory=SectionData)
    is_from_libtilt: bool = False
    series: str | None = None
    center: Float64Array = attrs.field(factory=lambda: np.zeros(3))
    made: str = ""

    @property
    def has_placeholder_size(self) -> bool:
        """Whether the voxel size is 1 A along all axes, which hardly any measured one is."""
        return bool((self.voxel_size == 1.0).all())
