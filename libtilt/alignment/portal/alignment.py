"""The CryoET Data Portal: ``alignment_metadata.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import MatrixFile
from libtilt.alignment.json_text import read_json
from libtilt.alignment.portal.rows import (
    AMBIGUOUS,
    Sections,
    ambiguous_fields,
    read_sections,
    require_rotations,
    source_program,
    volume_dimension,
)
from libtilt.alignment.sizes import KnownSizes, Sizes
from libtilt.errors.checks import Float64Array, one_of
from libtilt.geometry.affine import affine_about
from libtilt.geometry.rotations import axis_rotations
from libtilt.geometry.sampling import center_xyz

UNITS = ("pixel", "angstrom")


def _to_ignore(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(one_of(key, "ignore", AMBIGUOUS) for key in value)


@attrs.frozen(eq=False)
class PortalAlignment(MatrixFile):
    """An alignment of the CryoET Data Portal, in JSON.

    ``raw = in_plane_rotation [Ry(tilt_angle) Rx(volume_x_rotation) q]xy + (x_offset, y_offset)``
    from the specimen `q` to the raw image, both from their centers. This is the convention of the
    portal's importer (``ingestion_tools/scripts/common/alignment_converter.py`` of
    cryoet-data-portal-backend): AreTomo's ROT, TX, TY and TILT unchanged, and IMOD's ``.xf``,
    `A` and `d`, as the transpose of `A` and ``-A.T d``, both by the package cryoet-alignment
    (``from_aretomo3``, ``from_imod``; read at version 0.2.0).

    - Offsets are pixels of the raw stack in that code, but angstroms in the portal's schema;
      ``offset_unit="angstrom"`` selects the latter.
    - Centers are ``shape // 2`` as in AreTomo; for files converted from IMOD they are IMOD's, half
      a pixel off, and ``A`` may stretch.
    - ``tilt_offset`` and ``x_rotation_offset`` are AreTomo's AlphaOffset, already part of its tilt
      angles, and BetaOffset, which does not affect the images. Their sense for other programs, and
      that of ``volume_offset`` and ``affine_transformation_matrix``, is not documented: they are
      refused unless neutral or listed in `ignore`.
    - ``volume_dimension`` is in angstroms.

    `read` takes ``offset_unit`` and ``ignore`` as the class does.

    Parameters
    ----------
    content : dict
        The JSON object.
    offset_unit : {"pixel", "angstrom"}, optional
        Unit of ``x_offset`` and ``y_offset``.
    ignore : tuple of str, optional
        Fields to ignore, of ``tilt_offset``, ``x_rotation_offset``, ``volume_offset`` and
        ``affine_transformation_matrix``.
    name : str, optional
        Name of the file, for messages.

    Examples
    --------
    >>> from libtilt.alignment import PortalAlignment, Sizes
    >>> section = {"z_index": 0, "tilt_angle": 30.0, "volume_x_rotation": 0.0,
    ...            "in_plane_rotation": [[0, -1], [1, 0]], "x_offset": 4.0, "y_offset": -2.0}
    >>> content = {"format": "ARETOMO3", "per_section_alignment_parameters": [section]}
    >>> sizes = Sizes(stack_shape=(1, 64, 64), pixel_size=2.0)
    >>> geometry = PortalAlignment(content).alignment(sizes).geometry
    >>> geometry.tilt_axis_angles.round(6).tolist(), geometry.shifts.round(6).tolist()
    ([90.0], [[8.0, -4.0]])
    """

    format: ClassVar[str] = "portal"
    reader_options = ("ignore", "offset_unit")

    content: dict[str, Any]
    offset_unit: str = attrs.field(kw_only=True, default="pixel")
    ignore: tuple[str, ...] = attrs.field(kw_only=True, default=(), converter=_to_ignore)
    name: str = attrs.field(kw_only=True, default="the portal's alignment")
    _sections: Sections = attrs.field(init=False, repr=False)

    @offset_unit.validator
    def _check_unit(self, _: Any, unit: str) -> None:
        one_of(unit, "offset_unit", UNITS)

    @_sections.default
    def _default_sections(self) -> Sections:
        sections = read_sections(self.content, self.name)
        if self.source != "IMOD":
            require_rotations(sections, self.name)
        self._require_unambiguous()
        return sections

    @classmethod
    def _parse(
        cls, path: Path, *, offset_unit: str = "pixel", ignore: tuple[str, ...] = ()
    ) -> Self:
        return cls(read_json(path), offset_unit=offset_unit, ignore=ignore, name=str(path))

    def _texts(self, path: Path) -> dict[Path, str]:
        return {path: json.dumps(self.content, indent=2) + "\n"}

    @property
    def source(self) -> str | None:
        """The program whose files were converted, such as ``ARETOMO3``; None if unknown."""
        return source_program(self.content, self.name)

    @property
    def views(self) -> NDArray[np.int64]:
        """Index of each section's image in the stack, from 0."""
        return np.array(self._sections.views, dtype=np.int64)

    def _require_unambiguous(self) -> None:
        aretomo = (self.source or "").startswith("ARETOMO")
        for key, value in ambiguous_fields(self.content, self.name):
            if key not in self.ignore and not (aretomo and key in AMBIGUOUS[:2]):
                raise ValueError(
                    f"{self.name}: {key} is {value}, but its meaning is not documented for "
                    f"{self.source or 'an unnamed format'}: convert the original files "
                    f"instead, or ignore it (ignore=({key!r},))"
                )

    def _complete_sizes(self, sizes: Sizes) -> KnownSizes:
        if sizes.volume_shape is None and (voxel := sizes.voxel_size or sizes.pixel_size):
            sizes = attrs.evolve(sizes, volume_shape=self._volume_shape(voxel))
        return super()._complete_sizes(sizes)

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        local = str(self.content.get("alignment_type", "")).upper() == "LOCAL"
        return {
            "unsupported": ("local alignment",) if local else (),
            "notes": tuple(self._notes()),
            "warnings": () if self.source is not None else (self._unknown_source_warning(),),
        }

    def _volume_shape(self, voxel_size: float) -> tuple[int, ...] | None:
        lengths = volume_dimension(self.content, self.name)
        if lengths is None or self.source in ("RELION", "WARP"):
            # For these, cryoet-alignment writes pixels, but the portal angstroms.
            return None
        return tuple(max(1, round(length / voxel_size)) for length in lengths[::-1])

    def _matrices(self, sizes: KnownSizes) -> Float64Array:
        made = self._sections
        tilts = axis_rotations("y", made.tilt_angles) @ axis_rotations("x", made.x_tilts)
        in_plane, offsets = made.in_plane, made.offsets
        scale = 1.0 if self.offset_unit == "pixel" else sizes.pixel_size
        middle, center = center_xyz(sizes.image_shape), center_xyz(sizes.volume_shape)
        if self.source == "IMOD":
            # The file holds the transpose of A instead of its inverse; A may stretch.
            back = np.linalg.inv(in_plane.transpose(0, 2, 1))
            offsets = (back @ np.linalg.inv(in_plane) @ offsets[:, :, np.newaxis])[:, :, 0]
            in_plane = np.array(back, dtype=np.float64)
            middle = (np.array(sizes.image_shape[::-1]) - 1) / 2
            depth, height, width = sizes.volume_shape
            # As in ImodAlignment: half-voxel centers of tilt, after trimvol -rx.
            center = np.array([width // 2 - 0.5, (height - 1) / 2, depth - depth // 2 - 0.5])
        linear = in_plane @ tilts[:, :2] * (sizes.voxel_size / sizes.pixel_size)
        return affine_about(linear, center, offsets / scale + middle)

    def _unknown_source_warning(self) -> str:
        return (
            f"the key format of {self.name} names no source program; assuming centers at shape "
            "// 2, which is half a pixel off for IMOD"
        )

    def _notes(self) -> list[str]:
        unit = "pixels of the stack, as in the portal's importer"
        notes = [f"{self.name}: x_offset and y_offset are read as {unit}"]
        if self.offset_unit != "pixel":
            notes = []
        notes += [
            f"{self.name}: ignoring {key} = {value}"
            for key, value in ambiguous_fields(self.content, self.name)
        ]
        return notes

    @classmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        geometry = alignment.geometry
        turns = axis_rotations("z", geometry.tilt_axis_angles)[:, :2, :2]
        offsets = geometry.shifts / alignment.pixel_size
        rows = [
            {
                "z_index": int(view),
                "tilt_angle": float(tilt),
                "volume_x_rotation": float(x_tilt),
                "in_plane_rotation": turn.tolist(),
                "x_offset": float(x),
                "y_offset": float(y),
            }
            for view, tilt, x_tilt, turn, (x, y) in zip(
                alignment.views, geometry.tilt_angles, geometry.x_tilts, turns, offsets, strict=True
            )
        ]
        lengths = [size * alignment.voxel_size for size in alignment.volume_shape[::-1]]
        content: dict[str, Any] = {
            "affine_transformation_matrix": np.eye(4).tolist(),
            "alignment_type": "GLOBAL",
            "is_portal_standard": False,
            "tilt_offset": 0.0,
            "x_rotation_offset": 0.0,
            "volume_offset": {"x": 0.0, "y": 0.0, "z": 0.0},
        }
        content |= {} if like is None else like.content
        content |= {
            "format": "ARETOMO3",
            "volume_dimension": dict(zip("xyz", lengths, strict=True)),
            "per_section_alignment_parameters": rows,
        }
        return cls(content, ignore=() if like is None else like.ignore)
