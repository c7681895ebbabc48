"""Plain lists of tilt angles: ``.tlt``, ``.rawtlt`` and AreTomo's ``_TLT.txt``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import attrs

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.angle_lists import angles_text, read_angle_list
from libtilt.alignment.base import AlignmentFile, default_volume
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.text import save_text
from libtilt.errors.checks import Float64Array, finite_array
from libtilt.geometry import TiltGeometry


def _array(value: object) -> Float64Array:
    return finite_array(value, "tilt_angles")  # type: ignore[arg-type]


@attrs.frozen(eq=False)
class AnglesFile(AlignmentFile):
    """One tilt angle per image, and no shifts.

    Such a file does not say the tilt axis: where nobody gives it, it is taken along y, as in an
    aligned stack, with a warning.

    Parameters
    ----------
    tilt_angles : array_like, shape (n,)
        Degrees.
    acquisition : Acquisition, optional
        Order and exposures, where the file has columns for them.
    name : str, optional
        For messages.

    Examples
    --------
    >>> from libtilt.alignment import AnglesFile, Sizes
    >>> sizes = Sizes(stack_shape=(3, 8, 8), pixel_size=2.0, tilt_axis_angle=85)
    >>> AnglesFile([-3, 0, 3]).alignment(sizes).geometry.tilt_angles.round(6).tolist()
    [-3.0, 0.0, 3.0]
    """

    format: ClassVar[str] = "angles"

    tilt_angles: Float64Array = attrs.field(converter=_array)
    acquisition: Acquisition = attrs.field(kw_only=True, factory=Acquisition)
    name: str = attrs.field(kw_only=True, default="the list of angles")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read one angle per line, perhaps with its order and exposure beside it.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        AnglesFile

        Raises
        ------
        ValueError
            If a line is not sound; the message names the file and the line.
        """
        columns = read_angle_list(path)
        taken = Acquisition(times=columns.order, exposures=columns.exposures)
        return cls(columns.angles, acquisition=taken.accumulated(), name=str(path))

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
        return save_text(path, angles_text(self.tilt_angles), overwrite=overwrite)

    def _image_count(self, given: int | None) -> int:
        return len(self.tilt_angles)

    def _used_count(self) -> int:
        return len(self.tilt_angles)

    def _alignment(self, sizes: Sizes) -> Alignment:
        count, *image_shape = sizes.need("stack_shape", self.name)
        pixel_size = sizes.need("pixel_size", self.name)
        axis = sizes.tilt_axis_angle
        return Alignment(
            TiltGeometry.from_tilt_angles(self.tilt_angles, tilt_axis_angle=axis or 0.0),
            views=range(count),
            stack_shape=(count, *image_shape),
            pixel_size=pixel_size,
            volume_shape=default_volume(sizes, image_shape),
            voxel_size=sizes.voxel_size or pixel_size,
            acquisition=self.acquisition,
            warnings=() if axis is not None else (along_y(self.name),),
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


def along_y(name: str) -> str:
    """Return the warning that a file with angles alone gives no tilt axis."""
    return (
        f"{name} holds tilt angles alone: the tilt axis is taken along y (0 degrees); give "
        "tilt_axis_angle=... (--tilt-axis-angle) if the images are not aligned"
    )
