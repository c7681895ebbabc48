"""`ImageContent`: the content of an image file of any format."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import Float64Array
from libtilt.io.mrc_sections import SectionData


@attrs.frozen(eq=False)
class ImageContent:
    """Data and metadata of an image file, indexed z, y, x whatever the order in the file.

    Voxel size, origin (of voxel 0) and center (of voxel ``shape // 2``, from the rotation center)
    are x, y, z in angstroms, 0 if unknown. `notes` lists what is unusual
    or missing in the header, `series` is the identifier that the files of a saved series share,
    and `made` says how libtilt made the data.
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
        """Whether the voxel size is exactly 1 Å on all axes, a default of many programs."""
        return bool((self.voxel_size == 1.0).all())
