"""Base classes of the formats of alignments."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.excluded import ExcludedTilts
from libtilt.alignment.matrices import geometry_from_matrices, with_tilt_axis
from libtilt.alignment.plausible import MAX_IMAGES, implausibility_warnings
from libtilt.alignment.sizes import KnownSizes, Sizes, default_volume_shape
from libtilt.alignment.text import write_texts
from libtilt.errors.checks import Float64Array
from libtilt.geometry import TiltGeometry


class AlignmentFile(ABC):
    """What one program's files say, in that program's own terms.

    A format is a frozen attrs class with the numbers as they stand in the file. It implements
    ``_parse`` and ``_texts``, the files that it is read from and written as; ``_geometry``, or
    ``_matrices`` where it is a `MatrixFile`; and ``_from_alignment``. Checks, sizes that the file
    does not say, images that it does not use, and writing all or nothing stand here.
    """

    format: ClassVar[str]
    # Whether a file that is written holds a tilt angle for images that are left out.
    writes_excluded: ClassVar[bool] = False
    name: str

    @classmethod
    def read(cls, path: str | Path, **options: Any) -> Self:
        """Read the file.

        Parameters
        ----------
        path : path
            The file; for IMOD one of its files, or their folder.
        **options
            Of the format, as its class lists them.

        Returns
        -------
        AlignmentFile
            Of this class.

        Raises
        ------
        FileNotFoundError
            If there is none, or one that it names is missing.
        TypeError
            If the format does not have an option.
        ValueError
            If it is not sound; the message names the file and the line.
        """
        try:
            return cls._parse(Path(path), **options)
        except TypeError as error:
            if not options or "unexpected keyword" not in str(error):
                raise
            unknown = ", ".join(options)
            raise TypeError(f"{cls.format} files are not read with {unknown}") from error

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the file, and those that belong to it, all or none.

        Parameters
        ----------
        path : path
            The file; IMOD's others are written beside its ``.xf``.
        overwrite : bool, optional
            Whether existing files may be replaced.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        FileExistsError
            If a file exists and `overwrite` is false.
        """
        write_texts(self._texts(Path(path)), overwrite=overwrite)
        return Path(path)

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
        whole = self._full_stack_sizes(sizes)
        made = self._build(self._complete_sizes(whole), whole)
        if whole.stack_shape != sizes.stack_shape:
            made = _renumber_views(made, self.name)
        if sizes.tilt_axis_angle is not None:
            made = _replace_axis(made, sizes.tilt_axis_angle)
        diagonal = math.hypot(*made.stack_shape[1:]) * made.pixel_size
        doubts = implausibility_warnings(made.geometry, made.views, diagonal)
        return attrs.evolve(made, warnings=(*made.warnings, *doubts))

    @classmethod
    def from_alignment(cls, alignment: Alignment, *, like: Self | None = None) -> Self:
        """Return the file that says the same, as near as the format can.

        Parameters
        ----------
        alignment : Alignment
            What to say.
        like : AlignmentFile, optional
            A file of the format whose other contents are kept.

        Returns
        -------
        AlignmentFile
            Of this class.

        Raises
        ------
        ValueError
            If the format has no place for it at all, or `like` is of another stack or tomogram.
        """
        return cls._from_alignment(alignment, like)

    @classmethod
    @abstractmethod
    def _parse(cls, path: Path) -> Self:
        """Return what a file says; the options of a format are keyword-only parameters."""

    @abstractmethod
    def _texts(self, path: Path) -> Mapping[Path, str]:
        """Return the files to be written for a path, in their order."""

    @abstractmethod
    def _geometry(self, sizes: KnownSizes) -> TiltGeometry:
        """Return one tilt for each of `views`."""

    @classmethod
    @abstractmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        """Return the file that says what an alignment does."""

    # attrs fields of some formats, and properties of others.
    @property
    @abstractmethod
    def views(self) -> Sequence[int] | NDArray[np.int64]:
        """Which image of the stack each tilt is, from 0."""

    @property
    def image_count(self) -> int | None:
        """Images of the raw stack; None where the file names only those that it uses."""
        return None

    def _complete_sizes(self, sizes: Sizes) -> KnownSizes:
        """Return all sizes of the raw stack and its tomogram."""
        stack_shape = sizes.require("stack_shape", self.name)
        pixel_size = sizes.require("pixel_size", self.name)
        return KnownSizes(
            stack_shape=stack_shape,
            pixel_size=pixel_size,
            volume_shape=sizes.volume_shape or default_volume_shape(stack_shape[1:]),
            voxel_size=sizes.voxel_size or pixel_size,
            tilt_axis_angle=sizes.tilt_axis_angle,
        )

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        """Return other fields of the `Alignment`; some say which sizes nobody has given."""
        return {}

    def _excluded_tilts(self, made: Alignment) -> ExcludedTilts | None:
        """Return what is known of the images that an alignment leaves out, of which there are."""
        return None

    def _count(self, given: int | None) -> int:
        """Return how many images the raw stack has, of which `given` may be another one."""
        return self.image_count or max(int(max(self.views)) + 1, given or 0)

    def _full_stack_sizes(self, sizes: Sizes) -> Sizes:
        """Return the sizes for the stack that the file is of, where the given one is a part."""
        given = None if sizes.stack_shape is None else sizes.stack_shape[0]
        count = self._count(given)
        if max(count, given or 0) > MAX_IMAGES:
            raise ValueError(
                f"{self.name} is of {max(count, given or 0)} images, more than a tilt series "
                f"can have ({MAX_IMAGES})"
            )
        if sizes.stack_shape is None or given == count:
            return sizes
        used = len(self.views)
        if given != used:
            of_which = "" if used == count else f", of which it uses {used}"
            raise ValueError(
                f"{self.name} is of a stack with {count} images{of_which}, the stack has {given}: "
                "take the file of this stack, or the images that it is of"
            )
        return attrs.evolve(sizes, stack_shape=(count, *sizes.stack_shape[1:]))

    def _build(self, sizes: KnownSizes, given: Sizes) -> Alignment:
        """Return the alignment of the whole raw stack."""
        made = Alignment(
            self._geometry(sizes),
            views=self.views,
            stack_shape=sizes.stack_shape,
            pixel_size=sizes.pixel_size,
            volume_shape=sizes.volume_shape,
            voxel_size=sizes.voxel_size,
            **self._extra_fields(sizes, given),
        )
        tilts = self._excluded_tilts(made) if made.excluded.size else None
        return attrs.evolve(made, excluded_tilts=tilts)


class MatrixFile(AlignmentFile):
    """A format whose formula takes the tomogram to the images.

    It implements ``_matrices``, and the geometry follows.
    """

    def matrices(self, sizes: Sizes | None = None) -> Float64Array:
        """Return the matrices from a tomogram to the raw images, by the format's own formula.

        Parameters
        ----------
        sizes : Sizes, optional
            What the file does not say.

        Returns
        -------
        ndarray, shape (n, 2, 4)
            Voxel index ``(x, y, z, 1)``, in the tomogram that the file is of, to pixel index
            ``(u, v)``, for each of `views`.
        """
        whole = self._full_stack_sizes(sizes or Sizes())
        return self._matrices(self._file_sizes(self._complete_sizes(whole)))

    @abstractmethod
    def _matrices(self, sizes: KnownSizes) -> Float64Array:
        """Return `(n, 2, 4)`: voxel index to pixel index, for each of `views`."""

    def _file_sizes(self, sizes: KnownSizes) -> KnownSizes:
        """Return sizes with the tomogram that the file is of; another has the same center."""
        return sizes

    def _geometry(self, sizes: KnownSizes) -> TiltGeometry:
        own = self._file_sizes(sizes)
        return geometry_from_matrices(self._matrices(own), own, source=self.name)


def _renumber_views(made: Alignment, name: str) -> Alignment:
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


def _replace_axis(made: Alignment, tilt_axis_angle: float) -> Alignment:
    excluded = made.excluded_tilts
    if excluded is not None and excluded.geometry is not None:
        turned = with_tilt_axis(excluded.geometry, tilt_axis_angle)
        excluded = attrs.evolve(excluded, geometry=turned)
    geometry = with_tilt_axis(made.geometry, tilt_axis_angle)
    return attrs.evolve(made, geometry=geometry, excluded_tilts=excluded)
