"""`StackGeometry`: the geometry and the pixel size of a stack, wherever they are said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.alignment import Alignment, MdocFile, Sizes, detect_format, read_alignment_file
from libtilt.alignment.angles import axis_along_y_warning
from libtilt.alignment.beside_stack import (
    find_geometry_file,
    is_aligned,
    read_tilt_angles,
    unused_alignments,
)
from libtilt.alignment.matrices import with_tilt_axis
from libtilt.alignment.plausible import equal_tilt_warnings, parse_tilt_angle, to_axis_angle
from libtilt.errors import LibtiltWarning, MissingArgumentError, MixedSeriesError
from libtilt.errors.checks import finite_array, to_pixel_size
from libtilt.geometry import TiltGeometry
from libtilt.geometry.agreement import same_spacing
from libtilt.geometry.json_file import series_from_json
from libtilt.io.image_content import ImageContent
from libtilt.io.inputs import read_input

UNKNOWN_PIXEL_SIZE = "it does not know the pixel size, 1 A is taken: pass pixel_size=..."


def pixel_size_from_header(path: str | Path, content: ImageContent) -> float | None:
    """Return the size of square pixels, None where the header does not know it.

    A size of exactly 1 A is what many programs write for want of a better one: it is not known.
    """
    x, y = (float(size) for size in content.voxel_size[:2])
    if x <= 0 or y <= 0 or content.has_placeholder_size:
        return None
    if abs(x - y) > 1e-3 * x:
        raise ValueError(
            f"{path} has pixels of {x:.4g} x {y:.4g} angstroms, a tilt series needs square ones: "
            "pass pixel_size=..."
        )
    return x


@attrs.frozen(eq=False)
class StackGeometry:
    """What is known of the images of a stack.

    Attributes
    ----------
    geometry : TiltGeometry
        One tilt for each image that is used.
    source : str
        Where it comes from, for messages.
    pixel_size : float or None
        Angstroms; None where nobody says it.
    views : ndarray of int, or None
        Which images are used, from 0; None for all of them.
    warnings : tuple of LibtiltWarning or str
        What was taken for granted.
    """

    geometry: TiltGeometry
    source: str
    pixel_size: float | None = None
    views: NDArray[np.int64] | None = None
    warnings: tuple[LibtiltWarning | str, ...] = ()

    @classmethod
    def from_alignment(cls, alignment: Alignment, source: str, kind: type[TiltGeometry]) -> Self:
        """Take the geometry and the used images of an alignment."""
        return cls(
            as_geometry_type(alignment.geometry, kind),
            source,
            alignment.pixel_size,
            alignment.views,
            alignment.warnings,
        )

    @classmethod
    def from_angles(
        cls,
        angles: ArrayLike,
        axis: float | None,
        source: str,
        kind: type[TiltGeometry],
    ) -> Self:
        """Turn tilt angles about an axis, which is taken along y, with a warning, without one."""
        tilts = np.atleast_1d(finite_array(angles, "tilt_angles"))
        for place, tilt in enumerate(tilts.ravel()):
            parse_tilt_angle(float(tilt), f"{source}, entry {place + 1}")
        geometry = kind.from_tilt_angles(tilts, tilt_axis_angle=axis or 0.0)
        doubts = [] if axis is not None else [axis_along_y_warning(source)]
        return cls(geometry, source, warnings=(*doubts, *equal_tilt_warnings(geometry, source)))


@attrs.frozen(eq=False)
class StackFile:
    """A stack that was read, and what its user says of it, to find its geometry.

    Parameters
    ----------
    path : path
        The stack.
    content : ImageContent
        What it holds.
    pixel_size, tilt_axis_angle : float, optional
        In place of what files say.
    kind : type, optional
        The class of the geometry.
    """

    path: str | Path
    content: ImageContent
    pixel_size: float | None = attrs.field(
        kw_only=True, default=None, converter=attrs.converters.optional(to_pixel_size)
    )
    tilt_axis_angle: float | None = attrs.field(
        kw_only=True, default=None, converter=attrs.converters.optional(to_axis_angle)
    )
    kind: type[TiltGeometry] = attrs.field(kw_only=True, default=TiltGeometry)

    def find_pixel_size(self) -> float | None:
        """Return the pixel size that the user or the header says, else None."""
        return self.pixel_size or pixel_size_from_header(self.path, self.content)

    def geometry(self, source: Any, **options: Any) -> StackGeometry:
        """Return the geometry that is given, lies beside the stack, or is in its header.

        Parameters
        ----------
        source : TiltGeometry, Alignment, array_like, path or None
            As `libtilt.TiltSeries.open` takes it.
        **options
            Of the reader of a path, and its format, volume shape and voxel size.

        Raises
        ------
        ValueError
            If there is none, or a tilt axis angle is given beside a whole geometry.
        """
        if isinstance(source, str | Path):
            return self._from_file(Path(source), options)
        if options:
            raise TypeError(f"{', '.join(options)}: neither fields, nor is a file given to read")
        if self.tilt_axis_angle is not None and isinstance(source, TiltGeometry):
            raise ValueError("give geometry or tilt_axis_angle, not both: a geometry has its axes")
        if self.tilt_axis_angle is not None and isinstance(source, Alignment):
            raise ValueError("pass tilt_axis_angle to open_alignment, in place of here")
        if isinstance(source, Alignment):
            return self._from_open_alignment(source)
        if isinstance(source, TiltGeometry):
            return StackGeometry(source, "geometry")
        if source is not None:
            axis = self.tilt_axis_angle or 0.0
            return StackGeometry.from_angles(source, axis, "tilt_angles", self.kind)
        return self._from_neighbors()

    def _from_file(self, path: Path, options: dict[str, Any]) -> StackGeometry:
        """Return what a file of any format says; only alignments have options."""
        name = options.get("format") or detect_format(path)
        plain = {
            "json": self._from_json,
            "angles": self._from_angle_list,
            "mdoc": self._from_mdoc,
        }.get(name)
        if plain is None:
            return self._aligned(path, options)
        if unknown := sorted(set(options) - {"format"}):
            raise TypeError(f"{name} files are not read with {', '.join(unknown)}")
        return plain(path)

    def _from_json(self, path: Path) -> StackGeometry:
        return self._turned(self.kind.from_json(path), path)

    def _turned(self, geometry: TiltGeometry, source: Path) -> StackGeometry:
        """Return a whole geometry, about the axis that the user gives."""
        if self.tilt_axis_angle is not None:
            geometry = with_tilt_axis(geometry, self.tilt_axis_angle)
        return StackGeometry(geometry, str(source))

    def _from_angle_list(self, path: Path) -> StackGeometry:
        axis = self.tilt_axis_angle
        if axis is None and is_aligned(self.path):
            axis = 0.0  # The axis of an aligned stack lies along y: that is what aligned means.
        return StackGeometry.from_angles(read_tilt_angles(path), axis, str(path), self.kind)

    def _from_mdoc(self, path: Path) -> StackGeometry:
        file = MdocFile.read(path)
        pixel_size = self.find_pixel_size() or file.pixel_size
        sizes = Sizes(
            stack_shape=self.content.data.shape,
            pixel_size=pixel_size or 1.0,
            tilt_axis_angle=self.tilt_axis_angle,
        )
        found = StackGeometry.from_alignment(file.alignment(sizes), str(path), self.kind)
        return attrs.evolve(found, pixel_size=pixel_size)

    def _from_neighbors(self) -> StackGeometry:
        file = find_geometry_file(self.path)
        if file is None:
            return self._from_header()
        if file.suffix.lower() == ".json":
            return self._from_saved_series(file)
        found = (self._from_mdoc if file.suffix.lower() == ".mdoc" else self._from_angle_list)(file)
        unused = unused_alignments(self.path, file)
        return attrs.evolve(found, warnings=(*found.warnings, *([unused] if unused else [])))

    def _from_saved_series(self, file: Path) -> StackGeometry:
        """Return the geometry of a saved series, which bears the mark of its stack.

        Mark and geometry are of one reading: a writer may replace the file between two.
        """
        text = read_input(file).decode("utf-8-sig", errors="replace")
        of_file, of_stack = series_from_json(text), self.content.series
        if of_file is not None and of_stack is not None and of_file != of_stack:
            raise MixedSeriesError(
                f"{file} was saved with another stack than {self.path}: save the series again, or "
                f"pass geometry={str(file)!r} if it is the right one"
            )
        if not text.lstrip().startswith("{"):
            return self._from_json(file)
        try:
            return self._turned(self.kind.from_json(text), file)
        except ValueError as error:
            raise ValueError(str(error).replace("JSON text", str(file), 1)) from error

    def _from_header(self) -> StackGeometry:
        """Return the geometry that the stack itself says."""
        said = self.content.sections
        if said.tilt_angles is None or np.ptp(said.tilt_angles) == 0 < len(said.tilt_angles) - 1:
            why = f"; {said.note}" if said.note else ""
            raise MissingArgumentError(
                f"no geometry beside {self.path} (.json, .tlt, .rawtlt or .mdoc): "
                f"give it (geometry=...){why}",
                arguments=["geometry"],
            )
        source = f"the header of {self.path}"
        axis = said.tilt_axis_angle if self.tilt_axis_angle is None else self.tilt_axis_angle
        found = StackGeometry.from_angles(said.tilt_angles, axis, source, self.kind)
        if self.tilt_axis_angle is not None or said.tilt_axis_angle is None:
            return found
        check = (
            f"the tilt axis of {said.tilt_axis_angle:g} degrees in {source} is taken: check it, or "
            "give tilt_axis_angle=..."
        )
        return attrs.evolve(found, warnings=(check,))

    def _aligned(self, path: Path, options: dict[str, Any]) -> StackGeometry:
        sizes = Sizes(
            stack_shape=self.content.data.shape,
            pixel_size=self.find_pixel_size(),
            tilt_axis_angle=self.tilt_axis_angle,
            volume_shape=options.pop("volume_shape", None),
            voxel_size=options.pop("voxel_size", None),
        )
        opened = read_alignment_file(path, **options).alignment(sizes)
        return StackGeometry.from_alignment(opened, "alignment", self.kind)

    def _from_open_alignment(self, alignment: Alignment) -> StackGeometry:
        """Return the geometry of an alignment; raise where it is not of this stack."""
        shape = self.content.data.shape
        if alignment.stack_shape != shape:
            raise ValueError(
                f"alignment is of a stack of {alignment.stack_shape}, {self.path} has {shape}"
            )
        pixel_size = self.pixel_size
        if pixel_size is not None and not same_spacing(alignment.pixel_size, pixel_size):
            raise ValueError(
                f"alignment has pixels of {alignment.pixel_size:.6g} A, {self.path} of "
                f"{pixel_size:.6g} A"
            )
        # Whoever opened it was warned.
        quiet = attrs.evolve(alignment, warnings=())
        return StackGeometry.from_alignment(quiet, "alignment", self.kind)


def as_geometry_type(geometry: TiltGeometry, kind: type[TiltGeometry]) -> TiltGeometry:
    """Return a geometry of the class that a series has; a subclass must need no more fields."""
    if isinstance(geometry, kind):
        return geometry
    return kind(
        geometry.rotation_matrices,
        shifts=geometry.shifts,
        magnifications=geometry.magnifications,
    )
