"""AreTomo: ``.aln``, one row per image that is not dark, and local shifts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.aretomo.lines import (
    COLUMNS,
    AlnParser,
    DarkFrame,
    infer_first_section,
    sections_skip_dark_frames,
)
from libtilt.alignment.base import MatrixFile
from libtilt.alignment.excluded import ExcludedTilts
from libtilt.alignment.plausible import parse_axis_angle
from libtilt.alignment.sizes import KnownSizes, Sizes, default_volume_shape
from libtilt.alignment.text import read_numbered_lines
from libtilt.errors.checks import Float64Array, locked
from libtilt.geometry.affine import affine_about
from libtilt.geometry.rotations import axis_rotations
from libtilt.geometry.sampling import center_xyz

ROT, TX, TY, TILT = (COLUMNS.index(name) for name in ("ROT", "TX", "TY", "TILT"))


def _rows_converter(value: ArrayLike) -> Float64Array:
    return locked(np.array(value, dtype=np.float64))


@attrs.frozen(eq=False)
class AreTomoAlignment(MatrixFile):
    """An ``.aln`` file: ``raw = Rz(ROT) Ry(TILT) q + (TX, TY)``.

    Lengths are pixels of the raw stack, from the image's center ``shape // 2``. TILT includes
    AlphaOffset and BetaOffset if AreTomo corrected them; they and the local shifts are kept, but do
    not affect the geometry. GMAG, always 1 in AreTomo's files, is not applied.

    `read` takes ``first_section=0`` or 1, the first value of SEC; by default RawSize and the dark
    frames determine it. Images without a row are excluded. A truncated table is an error.

    Parameters
    ----------
    rows : array_like, shape (n, 10)
        The columns SEC, ROT, GMAG, TX, TY, SMEAN, SFIT, SCALE, BASE, TILT.
    raw_size : tuple of int
        Width, height and number of images of the raw stack.
    dark_frames : tuple of DarkFrame, optional
        The images without a row.
    first_section : int, optional
        First value of SEC: 1 in current AreTomo, 0 in older versions.
    sections_skip_dark : bool, optional
        Whether SEC counts only the images that are not dark.
    header : tuple of str, optional
        Other header lines, verbatim (NumPatches, AlphaOffset, BetaOffset, Thickness).
    local : tuple of str, optional
        The rows of the local alignment, verbatim.
    name : str, optional
        Name of the file, for messages.
    lines : tuple of int, optional
        The line of each row, for messages.

    Examples
    --------
    >>> from libtilt.alignment import AreTomoAlignment, Sizes
    >>> file = AreTomoAlignment([[1, 85.0, 1, 4, -2, 1, 1, 1, 0, 30.0]], raw_size=(64, 60, 1))
    >>> geometry = file.alignment(Sizes(pixel_size=2.0)).geometry
    >>> geometry.tilt_axis_angles.round(6).tolist(), geometry.shifts.round(6).tolist()
    ([85.0], [[8.0, -4.0]])
    """

    format: ClassVar[str] = "aretomo"
    reader_options = ("first_section",)
    writes_excluded: ClassVar[bool] = True

    rows: Float64Array = attrs.field(converter=_rows_converter)
    raw_size: tuple[int, int, int] = attrs.field(kw_only=True)
    dark_frames: tuple[DarkFrame, ...] = attrs.field(kw_only=True, default=())
    first_section: int = attrs.field(kw_only=True, default=1)
    sections_skip_dark: bool = attrs.field(kw_only=True, default=False)
    header: tuple[str, ...] = attrs.field(kw_only=True, default=())
    local: tuple[str, ...] = attrs.field(kw_only=True, default=())
    name: str = attrs.field(kw_only=True, default="the AreTomo alignment")
    lines: tuple[int, ...] = attrs.field(kw_only=True, default=(), repr=False)

    @rows.validator
    def _check_rows(self, _: Any, rows: Float64Array) -> None:
        if rows.ndim != 2 or rows.shape[1] != len(COLUMNS):
            raise ValueError(f"rows must have {len(COLUMNS)} columns, got shape {rows.shape}")
        if not np.isfinite(rows[:, [0, ROT, TX, TY, TILT]]).all():
            raise ValueError("rows must have finite SEC, ROT, TX, TY and TILT")

    @property
    def views(self) -> NDArray[np.int64]:
        """Index of each row's image in the stack, from 0."""
        sections = self.rows[:, 0].astype(np.int64) - self.first_section
        if not self.sections_skip_dark:
            return sections
        dark = [frame.section - self.first_section for frame in self.dark_frames]
        return np.setdiff1d(np.arange(self.raw_size[2]), dark)[sections]

    @property
    def image_count(self) -> int:
        """Number of raw images, from RawSize."""
        return self.raw_size[2]

    @classmethod
    def _parse(cls, path: Path, *, first_section: int | None = None) -> Self:
        parsed = AlnParser(str(path))
        for line, text in read_numbered_lines(path):
            parsed.parse_line(line, text)
        raw_size = parsed.finish()
        sections = [int(row[0]) for row in parsed.rows]
        sections_skip_dark = sections_skip_dark_frames(sections, parsed.dark_frames, raw_size[2])
        first = min(sections) if sections_skip_dark else first_section
        if first is None:
            first = infer_first_section(sections, parsed.dark_frames, raw_size[2])
        if not sections_skip_dark:
            parsed.require_sections(first)
        return cls(
            parsed.rows,
            raw_size=raw_size,
            dark_frames=tuple(parsed.dark_frames),
            first_section=first,
            sections_skip_dark=sections_skip_dark,
            header=tuple(parsed.header),
            local=tuple(parsed.local),
            name=str(path),
            lines=tuple(parsed.row_lines),
        )

    def _texts(self, path: Path) -> dict[Path, str]:
        lines = [
            "# AreTomo Alignment / Priims bprmMn",
            "# RawSize = {} {} {}".format(*self.raw_size),
        ]
        header = self.header or ("# NumPatches = 0", "# AlphaOffset = 0.00", "# BetaOffset = 0.00")
        lines += [text for text in header if "NumPatches" in text]
        lines += [
            f"# DarkFrame = {dark.frame:5d} {dark.section:4d} {dark.tilt_angle:11.4f}"
            for dark in self.dark_frames
        ]
        lines += [text for text in header if "NumPatches" not in text]
        lines.append("# SEC ROT GMAG TX TY SMEAN SFIT SCALE BASE TILT")
        row = "{:5.0f} {:13.8f} {:9.5f} {:14.7f} {:14.7f} {:.2f} {:.2f} {:.2f} {:.2f} {:13.8f}"
        lines += [row.format(*values) for values in self.rows]
        if self.local:
            lines += ["# Local Alignment", *self.local]
        return {path: "\n".join(lines) + "\n"}

    def _complete_sizes(self, sizes: Sizes) -> KnownSizes:
        width, height, count = self.raw_size
        if sizes.image_shape not in (None, (height, width)):
            raise ValueError(
                f"{self.name} is for images of shape {(height, width)}, but the stack has "
                f"images of shape {sizes.image_shape}"
            )
        if sizes.tilt_axis_angle is None:
            for angle, line in zip(self.rows[:, ROT], self.lines, strict=False):
                parse_axis_angle(float(angle), f"{self.name}, line {line}, ROT")
        return super()._complete_sizes(attrs.evolve(sizes, stack_shape=(count, height, width)))

    def _file_sizes(self, sizes: KnownSizes) -> KnownSizes:
        volume_shape = default_volume_shape(sizes.image_shape)
        return attrs.evolve(sizes, volume_shape=volume_shape, voxel_size=sizes.pixel_size)

    def _matrices(self, sizes: KnownSizes) -> Float64Array:
        turned = axis_rotations("z", self.rows[:, ROT]) @ axis_rotations("y", self.rows[:, TILT])
        seen = self.rows[:, [TX, TY]] + center_xyz(sizes.image_shape)
        return affine_about(turned[:, :2], center_xyz(sizes.volume_shape), seen)

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        return {"unsupported": tuple(self._unsupported()), "warnings": tuple(self._warnings())}

    def _excluded_tilts(self, made: Alignment) -> ExcludedTilts:
        """Return the angles of dark frames; older files do not identify their images."""
        sections = [dark.section for dark in self.dark_frames]
        known = self.dark_frames if len(set(sections)) == len(sections) else ()
        angles = {dark.section - self.first_section: dark.tilt_angle for dark in known}
        return ExcludedTilts([angles.get(view, np.nan) for view in made.excluded.tolist()])

    def _warnings(self) -> Iterator[str]:
        if self.sections_skip_dark:
            yield (
                f"{self.name}: SEC repeats the numbers of dark sections; assuming that it "
                f"counts only the {len(self.rows)} images that are not dark. Check that image "
                f"{self.views[0]} (from 0) was taken at {self.rows[0, TILT]:g} degrees."
            )

    def _unsupported(self) -> Iterator[str]:
        if self.local:
            yield "local alignment"
        lost = self.raw_size[2] - len(self.rows) - len(self.dark_frames)
        if lost:
            yield f"{lost} images with neither a row nor a DarkFrame line"

    @classmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        count, height, width = alignment.stack_shape
        geometry = alignment.geometry
        if like is not None:
            alignment.require_same_views(like.views)
            rows, rest = np.array(like.rows), like
        else:
            rows = np.tile([1.0, 0, 1, 0, 0, 1, 1, 1, 0, 0], (len(geometry), 1))
            rows[:, 0] += alignment.views
            rest = cls(rows, raw_size=(width, height, count), dark_frames=_dark_frames(alignment))
        rows[:, ROT] = geometry.tilt_axis_angles
        rows[:, TILT] = geometry.tilt_angles
        rows[:, [TX, TY]] = geometry.shifts / alignment.pixel_size
        return attrs.evolve(rest, rows=rows)


def _dark_frames(alignment: Alignment) -> tuple[DarkFrame, ...]:
    """Return dark frames for the excluded images, with tilt angles interpolated if unknown."""
    angles = alignment.all_tilt_angles()
    places = np.argsort(np.argsort(angles, kind="stable"))
    return tuple(
        DarkFrame(int(places[view]), int(view) + 1, float(angles[view]))
        for view in alignment.excluded
    )
