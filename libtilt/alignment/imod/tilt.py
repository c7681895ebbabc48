"""IMOD's ``tilt``: sizes and centers of ``tilt.com``, and the geometry they imply."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np

from libtilt.alignment.imod.commands import CommandFile
from libtilt.alignment.imod.newstack import reduced_size
from libtilt.alignment.imod.options import TILT
from libtilt.errors import ArgumentError
from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import affine_about
from libtilt.geometry.rotations import axis_rotations


@attrs.frozen
class TiltSetup:
    """Settings of ``tilt.com`` that affect the geometry, named by keyword; lengths are unbinned.

    `offset` is OFFSET: degrees added to the tilt angles, and the axis' x offset from the center.
    `shift` is x, z of the tomogram. `excluded` (EXCLUDELIST2) and `included` (INCLUDE) count from
    1, `slices` (SLICE: first, last) from 0. `unsupported` describes local alignments and z factors,
    `others` are the remaining lines, verbatim.
    """

    binning: int = 1
    thickness: int | None = None
    width: int | None = None
    full_image: tuple[int, ...] | None = None
    subset_start: tuple[int, ...] = (0, 0)
    offset: tuple[float, ...] = (0.0, 0.0)
    shift: tuple[float, ...] = (0.0, 0.0)
    x_axis_tilt: float = 0.0
    excluded: frozenset[int] = frozenset()
    included: frozenset[int] = frozenset()
    slices: tuple[int, ...] | None = None
    unsupported: tuple[str, ...] = ()
    others: tuple[str, ...] = ("RADIAL 0.35 0.035", "MODE 2", "PERPENDICULAR", "AdjustOrigin")

    @classmethod
    def from_command(cls, command: CommandFile) -> Self:
        """Create from a command file that runs ``tilt``."""
        binning, thickness, width = (
            command.positive_integers(keyword, 1)
            for keyword in ("IMAGEBINNED", "THICKNESS", "WIDTH")
        )
        beside = {"LOCALFILE": "local alignments", "ZFACTORFILE": "z factors"}
        return cls(
            binning=binning[0] if binning else 1,
            thickness=thickness[0] if thickness else None,
            width=width[0] if width else None,
            full_image=command.positive_integers("FULLIMAGE", 2),
            subset_start=_subset_start(command),
            offset=tuple(command.numbers("OFFSET", 2)),
            shift=tuple(command.numbers("SHIFT", 2)),
            x_axis_tilt=command.numbers("XAXISTILT", 1)[0],
            excluded=_excluded(command),
            included=command.view_list("INCLUDE"),
            slices=_slices(command),
            unsupported=tuple(
                f"{what} ({command.text(keyword)})"
                for keyword, what in beside.items()
                if command.text(keyword)
            ),
            others=command.others(TILT),
        )

    def text(self, root: str) -> str:
        """Return a command file that runs ``tilt`` on the aligned stack ``root.ali``."""
        lines = [
            "# Back-projection of the aligned stack, written by libtilt",
            "$tilt -StandardInput",
            f"InputProjections {root}.ali",
            f"OutputFile {root}_full.rec",
            f"IMAGEBINNED {self.binning}",
            f"TILTFILE {root}.tlt",
            f"XTILTFILE {root}.xtilt",
            "SUBSETSTART {} {}".format(*self.subset_start),
            "OFFSET {:.8g} {:.10g}".format(*self.offset),
            "SHIFT {:.10g} {:.10g}".format(*self.shift),
            f"XAXISTILT {self.x_axis_tilt:.8g}",
            *self.others,
        ]
        for keyword, size in (("THICKNESS", self.thickness), ("WIDTH", self.width)):
            if size is not None:
                lines.append(f"{keyword} {size}")
        if self.full_image is not None:
            lines.append("FULLIMAGE {} {}".format(*self.full_image))
        for keyword, views in (("EXCLUDELIST", self.excluded), ("INCLUDE", self.included)):
            if views:
                lines.append(f"{keyword} {','.join(map(str, sorted(views)))}")
        if self.slices is not None:
            lines.append("SLICE {} {}".format(*self.slices))
        return "\n".join(lines) + "\n"

    def views(self, count: int) -> list[int]:
        """Return the used views, from 0."""
        kept = self.included or range(1, count + 1)
        return [view - 1 for view in sorted(set(kept) - self.excluded) if view <= count]

    def aligned_size(self, image_shape: tuple[int, ...], name: str) -> tuple[int, ...]:
        """Return x, y of the aligned stack if there is no ``newst.com``.

        It is FULLIMAGE, else the size of the raw images, reduced by SUBSETSTART and binned as by
        ``newstack``. Raises a ValueError with `name` if SUBSETSTART leaves no pixels.
        """
        full = self.full_image or image_shape[::-1]
        # Etomo starts the subset at half of the difference in size.
        unbinned = [n - 2 * first for n, first in zip(full, self.subset_start, strict=True)]
        if min(unbinned) < 1:
            raise ValueError(
                f"{name} has SUBSETSTART {self.subset_start}, which leaves no pixels of images "
                f"of size (x, y) = {full}"
            )
        return tuple(reduced_size(side, self.binning, antialias=False)[0] for side in unbinned)

    def require_volume(
        self, layout: TiltLayout, volume_shape: tuple[int, ...] | None, name: str
    ) -> None:
        """Raise a ValueError unless ``tilt`` makes a tomogram of `volume_shape`, if given."""
        shape = layout.volume_shape
        if volume_shape not in (None, shape):
            raise ArgumentError(
                f"{name} makes a tomogram of shape (z, y, x) = {shape}, but volume_shape is "
                f"{volume_shape}",
                arguments=("volume_shape",),
            )
        if min(shape) < 1:
            raise ValueError(
                f"{name} makes an empty tomogram, (z, y, x) = {shape}: check THICKNESS, WIDTH "
                f"and SLICE, which IMAGEBINNED {self.binning} divides"
            )
        if self.slices is not None and self.binning == 1 and self.slices[1] >= layout.rows:
            raise ValueError(
                f"{name} has SLICE {self.slices[0]} {self.slices[1]}, but the aligned images "
                f"have {layout.rows} rows, counted from 0"
            )

    def layout(self, aligned_shape: tuple[int, ...]) -> TiltLayout:
        """Return sizes and centers in pixels of the aligned stack, as ``tilt`` computes them.

        Thickness, width and SUBSETSTART are divided by the binning as integers, toward zero; the
        full size is rounded up; OFFSET and SHIFT are divided as floats.
        """
        b = self.binning
        rows, columns = aligned_shape
        full = [-(-size // b) for size in self.full_image] if self.full_image else [columns, rows]
        start = [int(first / b) for first in self.subset_start]
        middle = [(size - 1) / 2 - first for size, first in zip(full, start, strict=True)]
        width = columns if self.width is None else self.width // b
        thickness = 0 if self.thickness is None else self.thickness // b
        first, last = 0, rows - 1
        if self.slices is not None:
            first, last = self.slices
            if b > 1:
                first, last = (min(max(-(-(s + 1) // b), 1), rows) - 1 for s in self.slices)
        axis, (shift_x, shift_z) = self.offset[1] / b, self.shift
        depth = thickness // 2 - 0.5 + shift_z / b
        return TiltLayout(
            volume_shape=(thickness, last - first + 1, width),
            image_center=np.array([middle[0] + axis, middle[1]]),
            volume_center=np.array(
                [
                    width // 2 - 0.5 + axis + shift_x / b,
                    middle[1] - first,
                    thickness - 1 - depth,
                ]
            ),
            rows=rows,
        )


@attrs.frozen(eq=False)
class TiltLayout:
    """Position of the tilt axis in binned pixels, from 0.

    `volume_shape` `(d, h, w)` and `volume_center` (x, y, z) belong to the tomogram after
    ``trimvol -rx``, `image_center` (x, y) and `rows` to the aligned images.
    """

    volume_shape: tuple[int, ...]
    image_center: Float64Array
    volume_center: Float64Array
    rows: int

    def matrices(self, tilt_angles: Float64Array, x_tilts: Float64Array) -> Float64Array:
        """Return `(n, 2, 4)` matrices from voxel (after ``trimvol -rx``) to aligned pixel index."""
        turned = (axis_rotations("y", tilt_angles) @ axis_rotations("x", x_tilts))[:, :2]
        return affine_about(turned, self.volume_center, self.image_center)


def _subset_start(command: CommandFile) -> tuple[int, ...]:
    start = tuple(first or 0 for first in command.integers("SUBSETSTART", 2) or (0, 0))
    entry = command.find("SUBSETSTART")
    if entry is not None and any(start) and command.find("FULLIMAGE") is None:
        raise ValueError(
            f"{command.where(entry)}: requires FULLIMAGE, the size of the full images, which is "
            "missing"
        )
    return start


def _excluded(command: CommandFile) -> frozenset[int]:
    included, excluded = command.find("INCLUDE"), command.find("EXCLUDELIST2")
    if included is not None and excluded is not None:
        raise ValueError(
            f"{command.where(excluded)}: tilt accepts either EXCLUDELIST or INCLUDE (line "
            f"{included.line}), got both; remove one of them"
        )
    return command.view_list("EXCLUDELIST2")


def _slices(command: CommandFile) -> tuple[int, ...] | None:
    """Return the first and last slice; the step must be 1."""
    entry = command.find("SLICE")
    if entry is None:
        return None
    where, values = command.where(entry), command.all_numbers(entry)
    if len(values) not in (2, 3) or any(value != int(value) for value in values):
        raise ValueError(f"{where}: expected first and last slice, got {entry.value!r}")
    if values[0] < 0 or (len(values) == 3 and values[2] != 1):
        raise ValueError(
            f"{where}: expected a first and a last slice, counted from 0, without a step, got "
            f"{entry.value!r}"
        )
    return int(values[0]), int(values[1])


def whole_binning(ratio: float) -> int:
    """Return voxel size over pixel size, which IMOD requires to be an integer."""
    binning = max(1, round(ratio))
    require_binning(ratio, binning, "IMOD")
    return binning


def require_binning(ratio: float, binning: int, name: str) -> None:
    """Raise a ValueError unless voxel size over pixel size equals `binning`."""
    if abs(ratio / binning - 1) > 1e-3:
        raise ValueError(
            f"voxel_size must be {binning} times pixel_size for {name} (IMAGEBINNED), got "
            f"{ratio:.6g} times"
        )
