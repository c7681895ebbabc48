"""`StackGeometry`: geometry and pixel size of a stack, from an argument, a file or its header."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import attrs
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, NDArray

from libtilt.alignment import (
    Acquisition,
    Alignment,
    AlignmentFile,
    AnglesFile,
    GeometryFile,
    MdocFile,
    Sizes,
)
from libtilt.alignment.angles import axis_along_y_warning
from libtilt.alignment.beside_stack import (
    find_geometry_file,
    is_aligned,
    read_tilt_angles,
    unused_alignments,
)
from libtilt.alignment.matrices import with_tilt_axis
from libtilt.alignment.opening import find_alignment
from libtilt.alignment.plausible import equal_tilt_warnings, parse_tilt_angle, to_axis_angle
from libtilt.errors import (
    ArgumentError,
    LibtiltWarning,
    MissingArgumentError,
    MixedSeriesError,
    UnknownOptionError,
)
from libtilt.errors.checks import finite_array, to_pixel_size
from libtilt.errors.log import logger
from libtilt.geometry import TiltGeometry
from libtilt.geometry.json_file import (
    OPEN_WITH_ITS_CLASS,
    describe_unread,
    read_known,
    read_series_fields,
    read_series_id,
)
from libtilt.geometry.tilt_geometry import as_geometry_type
from libtilt.geometry.tolerances import same_spacing
from libtilt.io.image_content import ImageContent
from libtilt.io.inputs import read_input

TOMOGRAM_SIZES = ("volume_shape", "voxel_size", "thickness")
UNKNOWN_PIXEL_SIZE = "no pixel size in the header; assuming 1 Å. Pass pixel_size= to set it."


def pixel_size_from_header(path: str | Path, content: ImageContent) -> float | None:
    """Return the size of square pixels; None if unknown, or 1 Å, which many programs write."""
    x, y = (float(size) for size in content.voxel_size[:2])
    if x <= 0 or y <= 0 or content.has_placeholder_size:
        return None
    if abs(x - y) > 1e-3 * x:
        raise ValueError(
            f"{path} has pixels of {x:.4g} x {y:.4g} Å, but a tilt series needs square pixels: "
            "pass pixel_size=..."
        )
    return x


@attrs.frozen(eq=False)
class StackGeometry:
    """Geometry of the used images of a stack, and where it comes from (`source`, for messages).

    The pixel size is in angstroms, None if unknown; `views` are the used images, None for all;
    `warnings` are assumptions that the user should check, `notes` are conclusions to know of;
    `fields` are those of a subclass of `TiltSeries`, saved beside the stack, and `unread` are the
    names of those of a geometry that its class lacks.
    """

    geometry: TiltGeometry
    source: str
    pixel_size: float | None = None
    views: NDArray[np.int64] | None = None
    warnings: tuple[LibtiltWarning | str, ...] = ()
    fields: dict[str, Any] = attrs.field(factory=dict)
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    acquisition: Acquisition = attrs.field(factory=Acquisition)

    @classmethod
    def from_alignment(cls, alignment: Alignment, source: str, kind: type[TiltGeometry]) -> Self:
        """Create from the geometry and the used images of an alignment."""
        return cls(
            as_geometry_type(alignment.geometry, kind),
            source,
            alignment.pixel_size,
            alignment.views,
            alignment.warnings,
            notes=alignment.notes,
            acquisition=alignment.acquisition,
        )

    @classmethod
    def from_angles(
        cls,
        angles: ArrayLike,
        axis: float | None,
        source: str,
        kind: type[TiltGeometry],
    ) -> Self:
        """Create from tilt angles; without an axis, assume it along y and warn."""
        tilts = np.atleast_1d(finite_array(angles, "geometry"))
        for place, tilt in enumerate(tilts.ravel()):
            parse_tilt_angle(float(tilt), f"{source}, entry {place + 1}")
        made = TiltGeometry.from_tilt_angles(tilts, tilt_axis_angle=axis or 0.0)
        geometry = as_geometry_type(made, kind)
        doubts = [] if axis is not None else [axis_along_y_warning(source)]
        return cls(geometry, source, warnings=(*doubts, *equal_tilt_warnings(geometry, source)))

    def unread_warning(self, series: type, added: Iterable[str]) -> LibtiltWarning | None:
        """Return a warning about saved fields that neither the geometry nor the series takes.

        `added` are the names of the fields that the class `series` adds.
        """
        kinds = ((self.unread, type(self.geometry)), (set(self.fields) - set(added), series))
        parts = [describe_unread(names, kind) for names, kind in kinds if names]
        if not parts:
            return None
        return LibtiltWarning(f"{self.source} also has {', and '.join(parts)}{OPEN_WITH_ITS_CLASS}")


@attrs.frozen(eq=False)
class StackFile:
    """A stack that was read, with the arguments of its user that override files.

    `kind` is the class of the geometry; the pixel size is in angstroms, the axis angle in degrees.
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
        """Return the pixel size of the user or the header, else None."""
        return self.pixel_size or pixel_size_from_header(self.path, self.content)

    def geometry(self, source: Any, **options: Any) -> StackGeometry:
        """Return the geometry given as `source`, else the one beside the stack or in its header.

        `source` and `options` are those of `libtilt.TiltSeries.open`; options need a path. Raises a
        ValueError if there is no geometry, or a tilt axis angle is given with a complete one.
        """
        if isinstance(source, str | Path):
            return self._from_file(Path(source), options)
        if options:
            unknown = ", ".join(options)
            raise UnknownOptionError(
                f"TiltSeries.open has no option {unknown}; pass tilt angles, an alignment or a "
                "path as geometry=..., and reader options only with a path",
                arguments=("geometry",),
            )
        if self.tilt_axis_angle is not None and isinstance(source, TiltGeometry):
            raise ArgumentError(
                "pass either geometry or tilt_axis_angle: a TiltGeometry has its own tilt axes",
                arguments=("geometry", "tilt_axis_angle"),
            )
        if self.tilt_axis_angle is not None and isinstance(source, Alignment):
            raise ValueError(
                "tilt_axis_angle cannot be passed with an Alignment; pass it to open_alignment "
                "instead"
            )
        if isinstance(source, Alignment):
            return self._from_open_alignment(source)
        if isinstance(source, TiltGeometry):
            return StackGeometry(as_geometry_type(source, self.kind), "geometry")
        if source is not None:
            if isinstance(source, NDArrayOperatorsMixin) or np.ndim(source) != 1:
                raise ArgumentError(
                    "geometry must be a TiltGeometry, an Alignment, tilt angles of shape (n,) or a "
                    f"path, got {type(source).__name__}",
                    arguments=("geometry",),
                )
            axis = self.tilt_axis_angle
            if axis is None:
                axis = 0.0
                logger.info("tilt axis: along y, since tilt angles were given without one")
            return StackGeometry.from_angles(source, axis, "geometry", self.kind)
        return self._from_neighbors()

    def _from_file(self, path: Path, options: dict[str, Any]) -> StackGeometry:
        """Read a file of any format, or the one alignment of a folder."""
        kind, file = find_alignment(path, options.pop("format", None))
        sizes = {name: options.pop(name, None) for name in TOMOGRAM_SIZES}
        kind.require_options(options)
        if kind is GeometryFile:
            return self._from_json(file)
        if kind is AnglesFile:
            return self._from_angle_list(file)
        if kind is MdocFile:
            return self._from_mdoc(file)
        return self._from_alignment_file(kind, file, sizes, options)

    def _from_json(self, path: Path) -> StackGeometry:
        return self._from_geometry_json(path, path)

    def _from_geometry_json(self, content: str | Path, source: Path) -> StackGeometry:
        """Return the geometry in a JSON text or file, about the tilt axis of the user if given."""
        geometry, unread = read_known(self.kind, content)
        if self.tilt_axis_angle is not None:
            geometry = with_tilt_axis(geometry, self.tilt_axis_angle)
        return StackGeometry(geometry, str(source), unread=tuple(unread))

    def _from_angle_list(self, path: Path) -> StackGeometry:
        axis = self.tilt_axis_angle
        if axis is None and is_aligned(self.path):
            axis = 0.0  # By definition.
            logger.info("tilt axis: along y, since %s is an aligned stack by its name", self.path)
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
        """Return the geometry of a saved series; its mark must be that of the stack.

        The file is read only once, since a writer may replace it at any time.
        """
        text = read_input(file).decode("utf-8-sig", errors="replace")
        of_file, of_stack = read_series_id(text), self.content.series
        if of_file is not None and of_stack is not None and of_file != of_stack:
            raise MixedSeriesError(
                f"{file} was saved with another stack than {self.path}: save the series again, "
                f"or pass geometry={str(file)!r} if it is right nevertheless"
            )
        if not text.lstrip().startswith("{"):
            return self._from_json(file)
        try:
            found = self._from_geometry_json(text, file)
            return attrs.evolve(found, fields=read_series_fields(text))
        except ValueError as error:
            raise ValueError(str(error).replace("JSON text", str(file), 1)) from error

    def _from_header(self) -> StackGeometry:
        """Return the geometry in the header of the stack."""
        header = self.content.sections
        if (
            header.tilt_angles is None
            or np.ptp(header.tilt_angles) == 0 < len(header.tilt_angles) - 1
        ):
            why = f"; {header.note}" if header.note else ""
            raise MissingArgumentError(
                f"no tilt angles beside {self.path} (.json, .tlt, .rawtlt or .mdoc): pass tilt "
                f"angles or a file as geometry=...{why}",
                arguments=["geometry"],
            )
        source = f"the header of {self.path}"
        axis = header.tilt_axis_angle if self.tilt_axis_angle is None else self.tilt_axis_angle
        found = StackGeometry.from_angles(header.tilt_angles, axis, source, self.kind)
        if self.tilt_axis_angle is not None or header.tilt_axis_angle is None:
            return found
        check = (
            f"using the tilt axis angle of {header.tilt_axis_angle:g} degrees from {source}. "
            "Check it, or pass tilt_axis_angle=..."
        )
        return attrs.evolve(found, warnings=(check,))

    def _from_alignment_file(
        self,
        kind: type[AlignmentFile],
        file: Path,
        tomogram: dict[str, Any],
        options: dict[str, Any],
    ) -> StackGeometry:
        sizes = Sizes(
            stack_shape=self.content.data.shape,
            pixel_size=self.find_pixel_size(),
            tilt_axis_angle=self.tilt_axis_angle,
            **tomogram,
        )
        opened = kind.read(file, **options).alignment(sizes)
        return StackGeometry.from_alignment(opened, "alignment", self.kind)

    def _from_open_alignment(self, alignment: Alignment) -> StackGeometry:
        """Return the geometry of an alignment; raise unless it belongs to this stack."""
        shape = self.content.data.shape
        if alignment.stack_shape != shape:
            raise ValueError(
                f"alignment is for a stack of shape {alignment.stack_shape}, but {self.path} "
                f"has {shape}"
            )
        pixel_size = self.pixel_size
        if pixel_size is not None and not same_spacing(alignment.pixel_size, pixel_size):
            raise ValueError(
                f"alignment has a pixel size of {alignment.pixel_size:.6g} Å, but {self.path} "
                f"has {pixel_size:.6g} Å"
            )
        # `open_alignment` issued its warnings already.
        quiet = attrs.evolve(alignment, warnings=())
        return StackGeometry.from_alignment(quiet, "alignment", self.kind)
