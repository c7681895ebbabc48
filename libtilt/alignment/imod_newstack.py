"""What IMOD's ``newstack`` is told in ``newst.com``."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np

from libtilt.alignment.imod_com import CommandFile
from libtilt.alignment.imod_lists import parse_list
from libtilt.alignment.imod_options import NEWSTACK
from libtilt.alignment.imod_reduction import AlignedStack, reduced


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
            command.switched("ApplyOffsetsFirst"),
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
            reduced(side, self.binning, antialias=self.antialias != 0) for side in image_shape[::-1]
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
    first = int(command.switched("NumberedFromOne"))
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
    binned = command.positive("BinByFactor", 1) or (1,)
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
    values = [value for entry in entries for value in command.every_number(entry)]
    if entries and len(values) not in (2, 2 * views):
        raise ValueError(
            f"{command.where(entries[-1])}: expected one x, y for all images or one for each of "
            f"{views}, got {len(values)} numbers"
        )
    return tuple(values) or (0.0, 0.0)
