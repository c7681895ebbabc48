"""Animation files of a limited size: fewer frames first, then fewer pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.montage import Montage
from libtilt.drawing.writer import Writer
from libtilt.errors import ArgumentError
from libtilt.errors.log import logger
from libtilt.progress import Report

FEWEST_FRAMES = 40
SLOWEST_FPS = 10.0


@attrs.frozen
class Cut:
    """The part of an animation that is written: every `step`-th frame, `width` pixels wide."""

    step: int
    width: int

    def positions(self, montage: Montage) -> range:
        """Return the positions in the sequence of the frames that are written."""
        return range(0, len(montage), self.step)

    def smaller(self, montage: Montage, excess: float) -> Cut:
        """Return a cut that should shrink a file by the factor `excess`; the same if none can."""
        largest_step = len(montage) // FEWEST_FRAMES
        if self.step < largest_step:
            step = max(self.step + 1, math.ceil(self.step * excess))
            return attrs.evolve(self, step=min(step, largest_step))
        return attrs.evolve(self, width=montage.layout.narrower(self.width, excess))

    def writer(self, writer: Writer) -> Writer:
        """Return a slower writer, so that fewer frames last as long, at 10 a second or more."""
        slowest = min(writer.fps, SLOWEST_FPS)
        return attrs.evolve(writer, fps=max(writer.fps / self.step, slowest))


def write_within(
    path: Path,
    writer: Writer,
    montage: Montage,
    width: int,
    max_bytes: int | None,
    progress: Report | None,
) -> None:
    """Write all frames; if the file exceeds `max_bytes`, again with fewer frames or pixels."""
    full = cut = Cut(1, width)
    if max_bytes is not None:
        cut = _estimate(path, writer, montage, full, max_bytes)
    while (size := _write(path, writer, montage, cut, progress)) > (max_bytes or math.inf):
        assert max_bytes is not None
        cut = _reduce(montage, cut, size, max_bytes)
    if cut != full:
        logger.info(
            "max_bytes=%d: wrote %d of %d frames, %d pixels wide instead of %d",
            *(max_bytes, len(cut.positions(montage)), len(montage), cut.width, width),
        )


def _reduce(montage: Montage, cut: Cut, size: int, max_bytes: int) -> Cut:
    """Return a smaller cut for a file of `size` > `max_bytes` bytes; raise if there is none."""
    smaller = cut.smaller(montage, size / max_bytes)
    if smaller != cut:
        return smaller
    wanted = max(1, int(0.99 * cut.width * math.sqrt(max_bytes / size)))
    raise ArgumentError(
        f"max_bytes={max_bytes} is too small: {len(cut.positions(montage))} frames {cut.width} "
        f"pixels wide take {size} bytes, and fit at a width of about {wanted} pixels; raise "
        "max_bytes, show fewer frames, or set that width",
        arguments=("max_bytes", "width"),
    )


def _write(path: Path, writer: Writer, montage: Montage, cut: Cut, progress: Report | None) -> int:
    """Write the frames of a cut; return the file size in bytes."""
    frames = _frames(montage, cut.positions(montage), cut.width, progress)
    cut.writer(writer).write(path, frames, montage.colors)
    return path.stat().st_size


def _frames(
    montage: Montage, positions: Sequence[int], width: int, progress: Report | None
) -> Iterator[NDArray[np.uint8]]:
    for done, frame in enumerate(montage.frames(positions, width), start=1):
        yield frame
        if progress is not None:
            progress(done, len(positions))


def _estimate(path: Path, writer: Writer, montage: Montage, cut: Cut, max_bytes: int) -> Cut:
    """Return a cut whose file, extrapolated from a few runs of frames, has about `max_bytes`.

    Where the extrapolation is close to the limit, the file itself has to tell.
    """
    runs, length, margin = 4, 3, 1.2
    while len(positions := cut.positions(montage)) >= 3 * runs * length:
        # Evenly spaced runs would all meet the middle of a sequence that goes there and back.
        golden = np.arange(1, runs + 1) * (math.sqrt(5) - 1) / 2 % 1
        starts = np.sort(golden * (len(positions) - length)).astype(int).tolist()
        sample = [positions[start + offset] for start in starts for offset in range(length)]
        writer.write(path, montage.frames(sample, cut.width), montage.colors)
        excess = path.stat().st_size * len(positions) / len(sample) / max_bytes
        smaller = cut.smaller(montage, excess) if excess > margin else cut
        if smaller == cut:
            break
        cut = smaller
    return cut
