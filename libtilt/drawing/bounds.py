"""Animation files of a limited size: fewer frames first, then fewer pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
SLOWEST_FPS = 8.0


@attrs.frozen
class Cut:
    """The part of an animation that is written: its thinned frames, `width` pixels wide."""

    montage: Montage
    width: int

    def smaller(self, excess: float) -> Cut:
        """Return a cut that should shrink a file by the factor `excess`; the same if none can."""
        now = len(self.montage)
        fewer = [n for n in self.montage.thinned_counts() if FEWEST_FRAMES <= n < now]
        if fewer:
            count = max((n for n in fewer if n * excess <= now), default=fewer[0])
            return attrs.evolve(self, montage=self.montage.thinned(count))
        return attrs.evolve(self, width=self.montage.layout.narrower(self.width, excess))

    def writer(self, writer: Writer, full: Cut) -> Writer:
        """Return a slower writer, so that fewer frames last as long, at 8 a second or more."""
        slowest = min(writer.fps, SLOWEST_FPS)
        fps = writer.fps * len(self.montage) / len(full.montage)
        return attrs.evolve(writer, fps=max(fps, slowest))


def write_within(
    path: Path,
    writer: Writer,
    montage: Montage,
    width: int,
    max_bytes: int | None,
    progress: Report | None,
) -> int:
    """Write all frames; if the file exceeds `max_bytes`, again with fewer frames or pixels.

    Return the width of the picture.
    """
    full = cut = Cut(montage, width)
    if max_bytes is not None:
        cut = _estimate(path, writer, full, max_bytes)
    while (size := _write(path, cut.writer(writer, full), cut, progress)) > (max_bytes or math.inf):
        assert max_bytes is not None
        cut = _reduce(cut, size, max_bytes)
    if cut != full:
        logger.info(
            "max_bytes=%d: wrote %d of %d frames, %d pixels wide instead of %d",
            *(max_bytes, len(cut.montage), len(montage), cut.width, width),
        )
    return cut.width


def _reduce(cut: Cut, size: int, max_bytes: int) -> Cut:
    """Return a smaller cut for a file of `size` > `max_bytes` bytes; raise if there is none."""
    smaller = cut.smaller(size / max_bytes)
    if smaller != cut:
        return smaller
    wanted = max(1, int(0.99 * cut.width * math.sqrt(max_bytes / size)))
    raise ArgumentError(
        f"max_bytes={max_bytes} is too small: {len(cut.montage)} frames {cut.width} "
        f"pixels wide take {size} bytes; pass a larger max_bytes=..., show fewer frames, or set "
        f"width=... to about {wanted}",
        arguments=("max_bytes", "width"),
    )


def _write(path: Path, writer: Writer, cut: Cut, progress: Report | None) -> int:
    """Write the frames of a cut; return the file size in bytes."""
    writer.write(path, _frames(cut, progress), cut.montage.colors)
    return path.stat().st_size


def _frames(cut: Cut, progress: Report | None) -> Iterator[NDArray[np.uint8]]:
    count = len(cut.montage)
    for done, frame in enumerate(cut.montage.frames(range(count), cut.width), start=1):
        yield frame
        if progress is not None:
            progress(done, count)


def _estimate(path: Path, writer: Writer, cut: Cut, max_bytes: int) -> Cut:
    """Return a cut whose file, extrapolated from a few runs of frames, has about `max_bytes`.

    Where the extrapolation is close to the limit, the file itself has to tell.
    """
    runs, length, margin = 4, 3, 1.2
    while (count := len(cut.montage)) >= 3 * runs * length:
        # Evenly spaced runs would all meet the middle of a sequence that goes there and back.
        golden = np.arange(1, runs + 1) * (math.sqrt(5) - 1) / 2 % 1
        starts = np.sort(golden * (count - length)).astype(int).tolist()
        sample = [start + offset for start in starts for offset in range(length)]
        writer.write(path, cut.montage.frames(sample, cut.width), cut.montage.colors)
        excess = path.stat().st_size * count / len(sample) / max_bytes
        smaller = cut.smaller(excess) if excess > margin else cut
        if smaller == cut:
            break
        cut = smaller
    return cut
