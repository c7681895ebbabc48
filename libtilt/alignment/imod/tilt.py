"""What IMOD's ``tilt`` is told of sizes and centers, and what it makes of it."""

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
    """The part of ``tilt.com`` that says where things are; lengths are unbinned, as in the file.

    Parameters
    ----------
    binning : int, optional
        IMAGEBINNED.
    thickness, width : int, optional
        THICKNESS, WIDTH; None where the file does not say it.
    full_image, subset_start : tuple of int, optional
        FULLIMAGE, SUBSETSTART: x, y.
    offset : tuple of float, optional
        OFFSET: degrees added to the tilt angles, and how far the axis is from the middle, in x.
    shift : tuple of float, optional
        SHIFT: x, z of the tomogram.
    x_axis_tilt : float, optional
        XAXISTILT, taken off the x-tilts.
    excluded : frozenset of int, optional
        EXCLUDELIST2, by whatever beginning of its name, from 1.
    included : frozenset of int, optional
        INCLUDE, from 1; empty where the file has none.
    slices : tuple of int, optional
        SLICE: first and last, from 0.
    unsupported : tuple of str, optional
        Files for what a geometry cannot hold.
    others : tuple of str, optional
        The lines of other keywords, as they stand: filters, scales, local alignments.
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
        """Take what is needed from a command file that runs ``tilt``."""
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
        """Return the views that are used, from 0."""
        kept = self.included or range(1, count + 1)
        return [view - 1 for view in sorted(set(kept) - self.excluded) if view <= count]

    def aligned_size(self, image_shape: tuple[int, ...], name: str) -> tuple[int, ...]:
        """Return x, y of the aligned stack where no ``newst.com`` says more of it.

        It is as large as FULLIMAGE, else as the raw images, where SUBSETSTART says no other, and
        binned as ``newstack`` bins.

        Raises
        ------
        ValueError
            If SUBSETSTART leaves nothing; the message has the `name`.
        """
        full = self.full_image or image_shape[::-1]
        # Etomo has the subset begin at half of what the aligned stack is larger or smaller.
        unbinned = [n - 2 * first for n, first in zip(full, self.subset_start, strict=True)]
        if min(unbinned) < 1:
            raise ValueError(
                f"{name} has SUBSETSTART {self.subset_start}, which leaves nothing of images of "
                f"(x, y) = {full}"
            )
        return tuple(reduced_size(side, self.binning, antialias=False)[0] for side in unbinned)

    def require_volume(
        self, layout: TiltLayout, volume_shape: tuple[int, ...] | None, name: str
    ) -> None:
        """Raise a ValueError where ``tilt`` makes another tomogram than the user says, or none."""
        shape = layout.volume_shape
        if volume_shape not in (None, shape):
            raise ArgumentError(
                f"{name} makes a tomogram (z, y, x) of {shape}, but volume_shape is {volume_shape}",
                arguments=("volume_shape",),
            )
        if min(shape) < 1:
            raise ValueError(
                f"{name} makes a tomogram (z, y, x) of {shape}: THICKNESS, WIDTH or SLICE do not "
                f"fit IMAGEBINNED {self.binning} and its images"
            )
        if self.slices is not None and self.binning == 1 and self.slices[1] >= layout.rows:
            raise ValueError(
                f"{name} has SLICE {self.slices[0]} {self.slices[1]}, but the aligned images have "
                f"{layout.rows} rows, from 0"
            )

    def layout(self, aligned_shape: tuple[int, ...]) -> TiltLayout:
        """Return sizes and centers in the pixels of the aligned stack, as ``tilt`` reckons them.

        Thickness, width and the subset's start are divided by the binning without a remainder,
        toward zero; the full size is rounded up; OFFSET and SHIFT are divided as they are.
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
    """Where ``tilt`` puts the tilt axis, in binned pixels that count from 0.

    Attributes
    ----------
    volume_shape : tuple of int
        ``(d, h, w)`` of the tomogram after ``trimvol -rx``.
    image_center : ndarray, shape (2,)
        x, y on the aligned image.
    volume_center : ndarray, shape (3,)
        x, y, z in the tomogram after ``trimvol -rx``.
    rows : int
        Of the aligned images.
    """

    volume_shape: tuple[int, ...]
    image_center: Float64Array
    volume_center: Float64Array
    rows: int

    def matrices(self, tilt_angles: Float64Array, x_tilts: Float64Array) -> Float64Array:
        """Return `(n, 2, 4)`: voxel index after ``trimvol -rx`` to pixel of the aligned stack."""
        turned = (axis_rotations("y", tilt_angles) @ axis_rotations("x", x_tilts))[:, :2]
        return affine_about(turned, self.volume_center, self.image_center)


def _subset_start(command: CommandFile) -> tuple[int, ...]:
    start = tuple(first or 0 for first in command.integers("SUBSETSTART", 2) or (0, 0))
    entry = command.find("SUBSETSTART")
    if entry is not None and any(start) and command.find("FULLIMAGE") is None:
        raise ValueError(
            f"{command.where(entry)}: needs FULLIMAGE beside it, as tilt does: the subset is of "
            f"images of an unknown size, got {entry.value!r}"
        )
    return start


def _excluded(command: CommandFile) -> frozenset[int]:
    included, excluded = command.find("INCLUDE"), command.find("EXCLUDELIST2")
    if included is not None and excluded is not None:
        raise ValueError(
            f"{command.where(excluded)}: there is INCLUDE on line {included.line} too, and tilt "
            "takes one of the two: remove the other"
        )
    return command.view_list("EXCLUDELIST2")


def _slices(command: CommandFile) -> tuple[int, ...] | None:
    """Return the first and the last slice, of which none between may be left out."""
    entry = command.find("SLICE")
    if entry is None:
        return None
    where, values = command.where(entry), command.all_numbers(entry)
    if len(values) not in (2, 3) or any(value != int(value) for value in values):
        raise ValueError(f"{where}: expected first and last slice, got {entry.value!r}")
    if values[0] < 0 or (len(values) == 3 and values[2] != 1):
        raise ValueError(
            f"{where}: expected slices from 0, all from first to last, got {entry.value!r}"
        )
    return int(values[0]), int(values[1])


def whole_binning(ratio: float) -> int:
    """Return voxel size over pixel size where it is a whole number, as IMOD needs it."""
    binning = max(1, round(ratio))
    require_binning(ratio, binning, "IMOD")
    return binning


def require_binning(ratio: float, binning: int, name: str) -> None:
    """Raise a ValueError where voxels are not `binning` times as wide as pixels."""
    if abs(ratio / binning - 1) > 1e-3:
        raise ValueError(
            f"voxel_size must be {binning} times pixel_size for {name}, got {ratio:.6g} times"
        )
