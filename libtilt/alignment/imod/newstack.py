"""Aligned stacks of IMOD's ``newstack``: ``newst.com``, its transforms, what it makes of images."""

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
    """What ``newst.com`` says of places.

    Parameters
    ----------
    size : tuple of int, optional
        SizeToOutputInXandY; 0 where the program's default counts, None where it does for both.
    binning : int, optional
        BinByFactor or ShrinkByFactor.
    antialias : int, optional
        AntialiasFilter, which reduces the images in place of plain binning; 0 for none.
    offsets : tuple of float, optional
        OffsetsInXandY: x, y for all images, or for one after the other.
    offsets_first : bool, optional
        ApplyOffsetsFirst.
    others : tuple of str, optional
        The lines of what moves nothing, as they stand.
    """

    size: tuple[int, ...] | None = None
    binning: int = 1
    antialias: int = -1
    offsets: tuple[float, ...] = (0.0, 0.0)
    offsets_first: bool = False
    others: tuple[str, ...] = ("TaperAtFill 1,1", "AdjustOrigin")

    @classmethod
    def from_command(cls, command: CommandFile, views: int) -> Self:
        """Take what is needed from a command file that runs ``newstack`` on a number of views."""
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
        """Return what it makes of raw images."""
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
            f"{command.path} has no TransformFile, so that the images are not aligned by it: name "
            "the transforms, or give the newst.com that does"
        )


def _require_all(command: CommandFile, keyword: str, views: int) -> None:
    """Raise a ValueError where not all images count, in their order."""
    first = int(command.is_on("NumberedFromOne"))
    for entry in command.all(keyword):
        listed = parse_list(entry.value, command.where(entry))
        if listed not in (None, list(range(first, views + first))):
            raise ValueError(
                f"{command.where(entry)}: some of the {views} images, or another order, are not "
                f"supported, got {entry.value!r}: list all from {first} to {views + first - 1}, "
                "and leave views out by EXCLUDELIST in tilt.com"
            )


def _reduction(command: CommandFile) -> tuple[int, int]:
    """Return how many raw pixels become one, and the filter that does it, 0 for none."""
    filters = command.integers("AntialiasFilter", 1)
    chosen = 0 if filters is None else -1 if filters[0] is None else filters[0]
    binned = command.positive_integers("BinByFactor", 1) or (1,)
    entry, (shrink,) = command.find("ShrinkByFactor"), command.numbers("ShrinkByFactor", 1)
    if entry is not None:
        if shrink < 1 or shrink != int(shrink) or binned[0] > 1:
            raise ValueError(
                f"{command.where(entry)}: expected a whole factor, and no BinByFactor beside it, "
                f"got {entry.value!r}"
            )
        return int(shrink), chosen or -1
    return binned[0], chosen


def _offsets(command: CommandFile, views: int) -> tuple[float, ...]:
    """Return x, y for all images, or for one after the other."""
    entries = command.all("OffsetsInXandY")
    values = [value for entry in entries for value in command.all_numbers(entry)]
    if entries and len(values) not in (2, 2 * views):
        raise ValueError(
            f"{command.where(entries[-1])}: expected one x, y for all images or one for each of "
            f"{views}, got {len(values)} numbers"
        )
    return tuple(values) or (0.0, 0.0)


def reduced_size(size: int, factor: int, *, antialias: bool) -> tuple[int, float]:
    """Return how many pixels ``newstack`` makes of a row, and where the first one begins.

    With an antialias filter (``irdreduced``) whole pixels are made about the middle. Plain binning
    (``getbinnedsize.f``) keeps an even size even and an odd one odd, and reaches beyond the edges
    for it. A row of an odd remainder is then no longer about its middle.

    The first pixel's edge is counted from that of the first raw pixel.

    Examples
    --------
    >>> from libtilt.alignment.imod.newstack import reduced_size
    >>> reduced_size(4092, 4, antialias=False), reduced_size(4092, 4, antialias=True)
    ((1024, -2.0), (1023, 0.0))
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
    """How an aligned stack lies on the raw one.

    Parameters
    ----------
    shape : tuple of int
        ``(h, w)`` of the aligned images.
    binning : int
        Raw pixels in one of theirs.
    raw_center : ndarray, shape (2,)
        x, y of the point that the transforms turn about, as a raw index.
    offsets : ndarray, shape (n, 2) or (1, 2)
        OffsetsInXandY, in raw pixels.
    offsets_first : bool
        Whether they are taken off before the transform.
    """

    shape: tuple[int, ...]
    binning: int
    raw_center: Float64Array
    offsets: Float64Array
    offsets_first: bool = False

    @property
    def middle(self) -> Float64Array:
        """x, y of the aligned images' middle, as an index."""
        return (np.array(self.shape[::-1]) - 1) / 2

    def to_raw(self, matrices: Float64Array, transforms: Float64Array) -> Float64Array:
        """Return matrices to the raw images from those to the aligned ones.

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
        """Return the transforms between matrices to raw and to aligned images of some views."""
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
    r"""Read a transform file: ``A11 A12 A21 A22 DX DY`` for each view.

    Returns
    -------
    ndarray, shape (n, 2, 3)
        ``[A | d]``: raw to aligned, about the images' centers ``(N - 1) / 2``, in pixels.

    Raises
    ------
    ValueError
        If a row is no transform, or has no inverse; the message names the file and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.alignment.imod.newstack import read_xf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.xf"
    ...     _ = path.write_text("1 0 0 1 -20.5 3\n")
    ...     read_xf(path).tolist()
    [[[1.0, 0.0, -20.5], [0.0, 1.0, 3.0]]]
    """
    rows = []
    for where, text, words in read_rows(path):
        if len(words) != 6:
            raise ValueError(f"{where}: expected A11 A12 A21 A22 DX DY, got {text[:80]!r}")
        rows.append([parse_length(word, where) for word in words])
    if not rows:
        raise ValueError(f"{path} holds no transform")
    table = np.array(rows)
    transforms = compose_affine(table[:, :4].reshape(-1, 2, 2), table[:, 4:])
    for view, determinant in enumerate(np.linalg.det(transforms[:, :, :2]), start=1):
        if abs(determinant) < 1e-6:
            raise ValueError(f"{path}: the transform of view {view} has no inverse")
    return transforms


def xf_text(transforms: Float64Array) -> str:
    """Return the text of a transform file, with digits for 1e-6 pixel at any image size."""
    rows = np.concatenate([transforms[:, :, :2].reshape(-1, 4), transforms[:, :, 2]], axis=1)
    line = " ".join(["{:14.10f}"] * 4 + ["{:14.7f}"] * 2) + "\n"
    return "".join(line.format(*row) for row in rows)
