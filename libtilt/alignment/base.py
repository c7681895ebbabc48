"""Base classes of the alignment formats."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
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
from libtilt.errors import UnknownOptionError
from libtilt.errors.checks import Float64Array
from libtilt.geometry import TiltGeometry


class AlignmentFile(ABC):
    """Alignment files of one program, in that program's own conventions.

    A format is a frozen attrs class that holds the numbers of the file. It implements ``_parse``
    and ``_texts`` to read and write; ``_geometry``, or ``_matrices`` in a `MatrixFile`; and
    ``_from_alignment``. This base class checks, completes sizes that the file does not hold,
    handles excluded images, and writes atomically.
    """

    format: ClassVar[str]
    # Whether written files hold a tilt angle for excluded images.
    writes_excluded: ClassVar[bool] = False
    # Keyword arguments of `_parse`, which `read` takes as options.
    reader_options: ClassVar[tuple[str, ...]] = ()
    name: str

    @classmethod
    def read(cls, path: str | Path, **options: Any) -> Self:
        """Read the file.

        Parameters
        ----------
        path : path
            The file; for IMOD one of its files, or their folder.
        **options
            Options of the format, listed by its class.

        Returns
        -------
        AlignmentFile

        Raises
        ------
        FileNotFoundError
            If the file, or one that it names, does not exist.
        UnknownOptionError
            If the format does not have an option.
        ValueError
            If the file is not valid; the message names the file and the line.
        """
        cls.require_options(options)
        return cls._parse(Path(path), **options)

    @classmethod
    def require_options(cls, options: Iterable[str]) -> None:
        """Raise an `UnknownOptionError` unless the format has all these reader options."""
        if unknown := sorted(set(options) - set(cls.reader_options)):
            known = f"only {', '.join(cls.reader_options)}" if cls.reader_options else "no options"
            raise UnknownOptionError(
                f"unknown option {', '.join(unknown)}: {cls.format} files have {known}",
                arguments=unknown,
            )

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the file and its companions, all or none.

        Parameters
        ----------
        path : path
            The file; IMOD's others are written beside its ``.xf``.
        overwrite : bool, optional
            Whether existing files may be replaced.

        Returns
        -------
        pathlib.Path
            The path given.

        Raises
        ------
        FileExistsError
            If a file exists and `overwrite` is false.
        """
        write_texts(self._texts(Path(path)), overwrite=overwrite)
        return Path(path)

    def alignment(self, sizes: Sizes | None = None) -> Alignment:
        """Return the alignment of the raw stack.

        A stack with as many images as the file uses, but fewer than the file lists, is assumed to
        hold only the used images, in order.

        Parameters
        ----------
        sizes : Sizes, optional
            Sizes that the file does not hold. By default, the tomogram is as high and wide as the
            images, and as deep as wide. A tilt axis angle overrides the file's; tilt angles,
            x-tilts and shifts are kept.

        Returns
        -------
        Alignment

        Raises
        ------
        ValueError
            If neither the file nor `sizes` holds a required size, or the number of images differs.
        """
        sizes = sizes or Sizes()
        whole = self._full_stack_sizes(sizes)
        made = self._build(self._complete_sizes(whole), whole)
        if whole.stack_shape != sizes.stack_shape:
            made = _renumber_views(made, self.name)
        if sizes.thickness is not None:
            made = attrs.evolve(made, volume_shape=(sizes.thickness, *made.volume_shape[1:]))
        if sizes.tilt_axis_angle is not None:
            made = _replace_axis(made, sizes.tilt_axis_angle)
        diagonal = math.hypot(*made.stack_shape[1:]) * made.pixel_size
        doubts = implausibility_warnings(made.geometry, made.views, diagonal)
        return attrs.evolve(made, warnings=(*made.warnings, *doubts))

    @classmethod
    def from_alignment(cls, alignment: Alignment, *, like: Self | None = None) -> Self:
        """Return the closest representation of an alignment in this format.

        Parameters
        ----------
        alignment : Alignment
            The alignment to represent.
        like : AlignmentFile, optional
            A file of the same format whose other content is kept.

        Returns
        -------
        AlignmentFile

        Raises
        ------
        ValueError
            If the format cannot hold it, or `like` belongs to another stack or tomogram.
        """
        return cls._from_alignment(alignment, like)

    @classmethod
    @abstractmethod
    def _parse(cls, path: Path) -> Self:
        """Parse a file; the options of a format are keyword-only parameters."""

    @abstractmethod
    def _texts(self, path: Path) -> Mapping[Path, str]:
        """Return the files to write for a path, in order."""

    @abstractmethod
    def _geometry(self, sizes: KnownSizes) -> TiltGeometry:
        """Return one tilt per view."""

    @classmethod
    @abstractmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        """Return the file of an alignment."""

    # An attrs field in some formats, a property in others.
    @property
    @abstractmethod
    def views(self) -> Sequence[int] | NDArray[np.int64]:
        """Index of each tilt's image in the stack, from 0."""

    @property
    def image_count(self) -> int | None:
        """Number of raw images; None if the file lists only used images."""
        return None

    def _complete_sizes(self, sizes: Sizes) -> KnownSizes:
        """Return all sizes of the raw stack and its tomogram."""
        stack_shape = sizes.require("stack_shape", self.name)
        pixel_size = sizes.require("pixel_size", self.name)
        return KnownSizes(
            stack_shape=stack_shape,
            pixel_size=pixel_size,
            volume_shape=sizes.volume_shape
            or default_volume_shape(stack_shape[1:], thickness=sizes.thickness),
            voxel_size=sizes.voxel_size or pixel_size,
            tilt_axis_angle=sizes.tilt_axis_angle,
        )

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        """Return other fields of the `Alignment`; `given` are the sizes of the user."""
        return {}

    def _excluded_tilts(self, made: Alignment) -> ExcludedTilts | None:
        """Return the known tilts of the excluded images; called only if there are any."""
        return None

    def _count(self, given: int | None) -> int:
        """Return the number of raw images; `given` is the user's, which may differ."""
        return self.image_count or max(int(max(self.views)) + 1, given or 0)

    def _full_stack_sizes(self, sizes: Sizes) -> Sizes:
        """Return sizes of the full stack if the given stack holds only used images."""
        given = None if sizes.stack_shape is None else sizes.stack_shape[0]
        count = self._count(given)
        if max(count, given or 0) > MAX_IMAGES:
            raise ValueError(
                f"{self.name} is for {max(count, given or 0)} images, but a tilt series has at "
                f"most {MAX_IMAGES}"
            )
        if sizes.stack_shape is None or given == count:
            return sizes
        used = len(self.views)
        if given != used:
            uses = "" if used == count else f" and uses {used}"
            raise ValueError(
                f"{self.name} is for a stack of {count} images{uses}, but the stack has "
                f"{given}: open the alignment that was made for this stack"
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
    """A format that maps the tomogram to the images by matrices.

    Subclasses implement ``_matrices``, from which the geometry is derived.
    """

    def matrices(self, sizes: Sizes | None = None) -> Float64Array:
        """Return the matrices from a tomogram to the raw images, by the format's own formula.

        Parameters
        ----------
        sizes : Sizes, optional
            Sizes that the file does not hold.

        Returns
        -------
        ndarray, shape (n, 2, 4)
            Voxel index ``(x, y, z, 1)`` of the file's own tomogram to pixel index ``(u, v)``, one
            matrix per view.
        """
        whole = self._full_stack_sizes(sizes or Sizes())
        return self._matrices(self._file_sizes(self._complete_sizes(whole)))

    @abstractmethod
    def _matrices(self, sizes: KnownSizes) -> Float64Array:
        """Return `(n, 2, 4)` matrices from voxel index to pixel index, one per view."""

    def _file_sizes(self, sizes: KnownSizes) -> KnownSizes:
        """Return sizes with the file's own tomogram; any other shares its center."""
        return sizes

    def _geometry(self, sizes: KnownSizes) -> TiltGeometry:
        own = self._file_sizes(sizes)
        return geometry_from_matrices(self._matrices(own), own, source=self.name)


def _renumber_views(made: Alignment, name: str) -> Alignment:
    """Return the alignment of a stack that holds only the used images."""
    used, count = len(made.views), made.stack_shape[0]
    return attrs.evolve(
        made,
        views=np.argsort(np.argsort(made.views)).tolist(),
        stack_shape=(used, *made.stack_shape[1:]),
        excluded_tilts=None,
        warnings=(
            *made.warnings,
            f"{name} uses {used} of {count} images, and the stack has {used}; assuming that the "
            "stack holds only these, in order",
        ),
    )


def _replace_axis(made: Alignment, tilt_axis_angle: float) -> Alignment:
    excluded = made.excluded_tilts
    if excluded is not None and excluded.geometry is not None:
        turned = with_tilt_axis(excluded.geometry, tilt_axis_angle)
        excluded = attrs.evolve(excluded, geometry=turned)
    geometry = with_tilt_axis(made.geometry, tilt_axis_angle)
    return attrs.evolve(made, geometry=geometry, excluded_tilts=excluded)
