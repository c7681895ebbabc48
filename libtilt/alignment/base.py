"""`AlignmentFile`: what the formats of alignments share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.plausible import MOST_IMAGES, implausible
from libtilt.alignment.sizes import Sizes
from libtilt.errors.checks import Float64Array, finite_array
from libtilt.geometry import TiltGeometry
from libtilt.geometry.rotations import specimen_to_detector


def to_numbers(value: Any) -> Float64Array:
    """Return the numbers of a file as a locked array."""
    return finite_array(value, "alignment")


class AlignmentFile(ABC):
    """What one program's files say, in that program's own terms.

    A format is a frozen attrs class with the numbers as they stand in the file. It reads and
    writes, gives an `Alignment`, and is made from one.
    """

    format: ClassVar[str]
    # Whether a file that is written holds a tilt angle for images that are left out.
    keeps_excluded: ClassVar[bool] = False
    name: str

    @classmethod
    @abstractmethod
    def read(cls, path: str | Path) -> Self:
        """Read the file.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If it is not sound; the message names the file and the line.
        """

    @abstractmethod
    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the file, all or nothing.

        Raises
        ------
        FileExistsError
            If it exists and `overwrite` is false.
        """

    def alignment(self, sizes: Sizes | None = None) -> Alignment:
        """Return the geometry of the raw stack.

        A stack that has just as many images as the file uses, and not as many as the file is of,
        is taken to hold those alone, in their order.

        Parameters
        ----------
        sizes : Sizes, optional
            What the file does not say. Where a file leaves the tomogram open, it is as wide and
            high as the images, and as deep as it is wide. A tilt axis angle replaces the file's;
            tilt angles, x-tilts and shifts on the image stay.

        Returns
        -------
        Alignment

        Raises
        ------
        ValueError
            If something is missing that the file does not say and `sizes` does not give, or the
            stack has another number of images.
        """
        sizes = sizes or Sizes()
        given = None if sizes.stack_shape is None else sizes.stack_shape[0]
        count = self._image_count(given)
        if max(count or 0, given or 0) > MOST_IMAGES:
            raise ValueError(
                f"{self.name} is of {max(count or 0, given or 0)} images, more than a tilt series "
                f"can have ({MOST_IMAGES})"
            )
        only_used = given is not None and count not in (None, given)
        if only_used:
            assert sizes.stack_shape is not None
            self._require_used(int(given or 0), int(count or 0))
            sizes = attrs.evolve(sizes, stack_shape=(count, *sizes.stack_shape[1:]))
        made = self._alignment(sizes)
        if only_used:
            made = _renumbered(made, self.name)
        if sizes.tilt_axis_angle is not None:
            made = _with_axis(made, sizes.tilt_axis_angle)
        return attrs.evolve(made, warnings=(*made.warnings, *implausible(made)))

    @abstractmethod
    def _alignment(self, sizes: Sizes) -> Alignment:
        """Return the geometry of the whole raw stack, where `sizes` has the right count."""

    @abstractmethod
    def _image_count(self, given: int | None) -> int | None:
        """Return how many images the raw stack has by the file, None where it does not say.

        A file that says no more than the least number returns what was `given` where that fits.
        """

    @abstractmethod
    def _used_count(self) -> int:
        """Return how many images the file uses."""

    def _require_used(self, given: int, count: int) -> None:
        used = self._used_count()
        if given != used:
            of_which = "" if used == count else f", of which it uses {used}"
            raise ValueError(
                f"{self.name} is of a stack with {count} images{of_which}, the stack has {given}: "
                "take the file of this stack, or the images that it is of"
            )

    @classmethod
    @abstractmethod
    def from_alignment(cls, alignment: Alignment, *, like: Self | None = None) -> Self:
        """Return the file that says the same, as near as the format can.

        Parameters
        ----------
        alignment : Alignment
            What to say.
        like : AlignmentFile, optional
            A file whose other contents are kept.
        """


def _renumbered(made: Alignment, name: str) -> Alignment:
    """Return the alignment of a stack that holds the used images alone."""
    used, count = len(made.views), made.stack_shape[0]
    return attrs.evolve(
        made,
        views=np.argsort(np.argsort(made.views)).tolist(),
        stack_shape=(used, *made.stack_shape[1:]),
        excluded_tilts=None,
        warnings=(
            *made.warnings,
            f"{name} uses {used} of {count} images and the stack has {used}: it is taken to hold "
            "these alone, in their order",
        ),
    )


def _with_axis(made: Alignment, tilt_axis_angle: float) -> Alignment:
    excluded = made.excluded_tilts
    if excluded is not None and excluded.geometry is not None:
        turned = with_tilt_axis(excluded.geometry, tilt_axis_angle)
        excluded = attrs.evolve(excluded, geometry=turned)
    geometry = with_tilt_axis(made.geometry, tilt_axis_angle)
    return attrs.evolve(made, geometry=geometry, excluded_tilts=excluded)


def with_tilt_axis(geometry: TiltGeometry, tilt_axis_angle: float) -> TiltGeometry:
    """Return the same tilts about another axis in the image."""
    axes = np.full(len(geometry), tilt_axis_angle)
    matrices = specimen_to_detector(axes, geometry.tilt_angles, geometry.x_tilts)
    return geometry.evolve(rotation_matrices=matrices.transpose(0, 2, 1))


def default_volume(sizes: Sizes, image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the tomogram's shape: as wide and high as the images where nobody says it."""
    height, width = image_shape
    return sizes.volume_shape or (width, height, width)
