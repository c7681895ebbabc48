"""IMOD's ``newstack``: ``newst.com``, transforms, and the geometry of aligned stacks."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.imod.commands import CommandFile
from libtilt.alignment.imod.options import NEWSTACK, parse_length, parse_list
from libtilt.alignment.text import read_rows
from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import compose_affine


@attrs.frozen
class NewstackSetup:
    """Settings of ``newst.com`` that affect the geometry.

    `size` is SizeToOutputInXandY, with 0 (or None for both) for the default; `binning` is
    BinByFactor or ShrinkByFactor; `antialias` is AntialiasFilter, 0 for plain binning; `offsets` is
    OffsetsInXandY, x, y for all images or for each; `others` are lines without effect, verbatim.
    """

    size: tuple[int, ...] | None = None
    binning: int = 1
    antialias: int = -1
    offsets: tuple[float, ...] = (0.0, 0.0)
    offsets_first: bool = False
    others: tuple[str, ...] = ("TaperAtFill 1,1", "AdjustOrigin")

    @classmethod
    def from_command(cls, command: CommandFile, views: int) -> Self:
        """Create from a command file that runs ``newstack`` on a number of views."""
        _require_one_stack(command)
        for keyword in ("SectionsToRead", "UseTransformLines"):
            _require_all(command, keyword, views)
        size = tuple(max(0, side or 0) for side in command.integers("SizeToOutputInXandY", 2) or ())
        binning, antialias = _reduction(command)
        return cls(
            size if any(size) else None,
            binning,
            antialias,
            _offsets(command, views),
            command.is_on("ApplyOffsetsFirst"),
            command.others(NEWSTACK),
        )

    def text(self, root: str) -> str:
        """Return a command file that makes the aligned stack ``root.ali`` from ``root.st``."""
        offsets = [f"{value:.10g}" for value in self.offsets]
        lines = [
            "# The aligned stack, written by libtilt",
            "$newstack -StandardInput",
            f"InputFile {root}.st",
            f"OutputFile {root}.ali",
            f"TransformFile {root}.xf",
            *(f"OffsetsInXandY {x},{y}" for x, y in zip(offsets[::2], offsets[1::2], strict=True)),
            f"BinByFactor {self.binning}",
            *([f"AntialiasFilter {self.antialias}"] if self.antialias else []),
            *(["ApplyOffsetsFirst"] if self.offsets_first else []),
            *self.others,
        ]
        if self.size:
            lines.append("SizeToOutputInXandY {},{}".format(*self.size))
        return "\n".join(lines) + "\n"

    def aligned(self, image_shape: tuple[int, ...]) -> AlignedStack:
        """Return the aligned stack made from raw images of a shape."""
        rows = [
            reduced_size(side, self.binning, antialias=self.antialias != 0)
            for side in image_shape[::-1]
        ]
        size = self.size or (0, 0)
        return AlignedStack(
            tuple(given or count for given, (count, _) in zip(size, rows, strict=True))[::-1],
            self.binning,
            np.array([first + (self.binning * count - 1) / 2 for count, first in rows]),
            np.reshape(self.offsets, (-1, 2)),
            self.offsets_first,
        )


def _require_one_stack(command: CommandFile) -> None:
    inputs = command.all("InputFile")
    if len(inputs) > 1:
        raise ValueError(
            f"{command.where(inputs[1])}: a second stack ({inputs[1].value}) is not supported: "
            "join the raw stacks first"
        )
    if command.find("TransformFile") is None:
        raise ValueError(
            f"{command.path} has no TransformFile, so it does not align the images; add "
            "TransformFile, or pass the newst.com that aligns them"
        )


def _require_all(command: CommandFile, keyword: str, views: int) -> None:
    """Raise a ValueError unless all images are used, in order."""
    first = int(command.is_on("NumberedFromOne"))
    for entry in command.all(keyword):
        listed = parse_list(entry.value, command.where(entry))
        if listed not in (None, list(range(first, views + first))):
            raise ValueError(
                f"{command.where(entry)}: subsets or another order of the {views} images are not "
                f"supported, got {entry.value!r}: list all from {first} to {views + first - 1}, "
                "and exclude views by EXCLUDELIST in tilt.com"
            )


def _reduction(command: CommandFile) -> tuple[int, int]:
    """Return the binning, and the antialias filter (0 for none)."""
    filters = command.integers("AntialiasFilter", 1)
    chosen = 0 if filters is None else -1 if filters[0] is None else filters[0]
    binned = command.positive_integers("BinByFactor", 1) or (1,)
    entry, (shrink,) = command.find("ShrinkByFactor"), command.numbers("ShrinkByFactor", 1)
    if entry is not None:
        if shrink < 1 or shrink != int(shrink) or binned[0] > 1:
            raise ValueError(
                f"{command.where(entry)}: expected an integer factor, and no BinByFactor, got "
                f"{entry.value!r}"
            )
        return int(shrink), chosen or -1
    return binned[0], chosen


def _offsets(command: CommandFile, views: int) -> tuple[float, ...]:
    """Return offsets x, y: one row for all images, or one for each."""
    entries = command.all("OffsetsInXandY")
    values = [value for entry in entries for value in command.all_numbers(entry)]
    if entries and len(values) not in (2, 2 * views):
        raise ValueError(
            f"{command.where(entries[-1])}: expected one x, y pair for all images or one for "
            f"each of {views}, got {len(values)} numbers"
        )
    return tuple(values) or (0.0, 0.0)


def reduced_size(size: int, factor: int, *, antialias: bool) -> tuple[int, float]:
    """Return the number of pixels in a row after ``newstack``, and the edge of the first one.

    The edge is counted from that of the first raw pixel. With an antialias filter (``irdreduced``)
    complete pixels are made, centered. Plain binning (``getbinnedsize.f``) keeps sizes even or odd,
    beyond the edges if necessary; with an odd remainder, the row is not centered.
    """
    count, rest = divmod(size, factor)
    if antialias:
        return count, rest / 2
    if count % 2 != size % 2:
        count, rest = count + 1, rest + factor
    elif rest > 1:
        count += 2
    return count, float(rest // 2 - factor) if rest > 1 else 0.0


@attrs.frozen(eq=False)
class AlignedStack:
    """Mapping between the aligned and the raw images.

    `shape` is ``(h, w)`` of the aligned images, `binning` the raw pixels in one of theirs;
    `raw_center` (2,) is x, y of the transforms' center as a raw index; `offsets` (n, 2) or (1, 2)
    is OffsetsInXandY in raw pixels, subtracted before the transform if `offsets_first`.
    """

    shape: tuple[int, ...]
    binning: int
    raw_center: Float64Array
    offsets: Float64Array
    offsets_first: bool = False

    @property
    def middle(self) -> Float64Array:
        """Center of the aligned images, x, y as an index."""
        return (np.array(self.shape[::-1]) - 1) / 2

    def to_raw(self, matrices: Float64Array, transforms: Float64Array) -> Float64Array:
        """Convert matrices to the aligned images into matrices to the raw images.

        ``b (X' - c') = A (X - c) + d - o``, with `b` the binning and `o` the offsets.
        """
        before, after = self._offsets()
        moved = matrices.copy()
        moved[:, :, 3] -= self.middle
        moved *= self.binning
        moved[:, :, 3] += after - transforms[:, :, 2]
        raw = np.linalg.inv(transforms[:, :, :2]) @ moved
        raw[:, :, 3] += self.raw_center + before
        return raw

    def transforms(
        self, raw: Float64Array, aligned: Float64Array, views: NDArray[np.int64]
    ) -> Float64Array:
        """Return the transforms that relate matrices to raw and to aligned images of some views."""
        before, after = (
            offsets if len(offsets) == 1 else offsets[views] for offsets in self._offsets()
        )
        there = aligned[:, :, 3] - self.middle
        here = raw[:, :, 3] - self.raw_center - before
        linear = raw[:, :, :3] @ np.linalg.pinv(aligned[:, :, :3])
        back = np.array(np.linalg.inv(linear / self.binning), dtype=np.float64)
        moved = (back @ here[:, :, np.newaxis])[:, :, 0]
        found = self.binning * there + after - moved
        return compose_affine(back, found)

    def _offsets(self) -> tuple[Float64Array, Float64Array]:
        none = np.zeros_like(self.offsets)
        return (self.offsets, none) if self.offsets_first else (none, self.offsets)


def read_xf(path: str | Path) -> Float64Array:
    """Read a transform file, ``A11 A12 A21 A22 DX DY`` for each view, as `(n, 2, 3)` ``[A | d]``.

    A transform maps raw to aligned, about the images' centers ``(N - 1) / 2``, in pixels. Raises a
    ValueError that names the file and the line for a row that is not an invertible transform.
    """
    rows = []
    for where, text, words in read_rows(path):
        if len(words) != 6:
            raise ValueError(f"{where}: expected A11 A12 A21 A22 DX DY, got {text[:80]!r}")
        rows.append([parse_length(word, where) for word in words])
    if not rows:
        raise ValueError(f"{path} holds no transforms")
    table = np.array(rows)
    transforms = compose_affine(table[:, :4].reshape(-1, 2, 2), table[:, 4:])
    for view, determinant in enumerate(np.linalg.det(transforms[:, :, :2]), start=1):
        if abs(determinant) < 1e-6:
            raise ValueError(f"{path}: the transform of view {view} has no inverse")
    return transforms


def xf_text(transforms: Float64Array) -> str:
    """Return the text of a transform file, exact to 1e-6 pixels at any image size."""
    rows = np.concatenate([transforms[:, :, :2].reshape(-1, 4), transforms[:, :, 2]], axis=1)
    line = " ".join(["{:14.10f}"] * 4 + ["{:14.7f}"] * 2) + "\n"
    return "".join(line.format(*row) for row in rows)
