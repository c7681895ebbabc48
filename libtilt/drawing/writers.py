"""Writers of GIF, animated PNG and animated WebP; lookup of a writer by file suffix."""

from __future__ import annotations

import errno
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.colors import Colors
from libtilt.drawing.mp4 import Mp4
from libtilt.drawing.writer import FPS, Writer
from libtilt.errors import ArgumentError


class _ImageioWriter(Writer):
    """Lossless formats that imageio writes with Pillow."""

    @property
    def milliseconds(self) -> int:
        """Duration of a frame."""
        return round(1000 / self.fps)

    def _options(self, colors: Colors) -> dict[str, Any]:
        """Return the options of the format besides the duration of a frame."""
        return {"loop": int(self.loop)}

    def _stored(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pixels as stored in the file; may modify them in place."""
        return pixels

    def write(self, path: Path, frames: Iterator[NDArray[np.uint8]], colors: Colors) -> None:
        """Write all frames with one palette, or in full color."""
        pixels = np.stack(list(frames))
        first, last = colors.rgb(pixels[0]), colors.rgb(pixels[-1])
        try:
            self._encode(path, self._stored(pixels), **self._options(colors))
        except (OverflowError, struct.error) as error:
            raise ArgumentError(
                f"fps={self.fps:g} is too slow: consecutive equal frames last longer than a "
                f"{self.suffixes[0]} file can store",
                arguments=("fps",),
            ) from error
        self._check(path, first, last, len(pixels))

    def _encode(self, path: Path, pixels: NDArray[np.uint8], **options: Any) -> None:
        import imageio.v3 as iio

        file: Any = iio.imopen(path, "w", plugin="pillow", extension=self.suffixes[0])
        try:
            with file:
                file.write(pixels, is_batch=True, duration=self.milliseconds, **options)
        finally:
            # Closing the file would try to write the failed frames again.
            getattr(file, "images_to_write", []).clear()
            file.close()

    def _check(
        self, path: Path, first: NDArray[np.uint8], last: NDArray[np.uint8], count: int
    ) -> None:
        """Raise an OSError unless the file has the right first and last frame and duration."""
        import imageio.v3 as iio

        total, shown, steps = 0.0, first, 0
        same = True
        file: Any
        with iio.imopen(path, "r", plugin="pillow", extension=self.suffixes[0]) as file:
            for step, shown in enumerate(file.iter(mode="RGB")):
                total += file.metadata(index=step).get("duration", 0)
                same &= step > 0 or np.array_equal(shown, first)
                steps += 1
        # Encoders merge equal neighbors into one longer frame, so only the total time is
        # compared; a still picture has none.
        alone = steps == 1 and np.array_equal(first, last)
        timed = alone or math.isclose(total, self.milliseconds * count, abs_tol=0.5)
        if not (same and timed and np.array_equal(shown, last)):
            raise OSError(errno.EIO, "the file differs from the frames when read back")


class Gif(_ImageioWriter):
    """A GIF; times are in hundredths of a second, and viewers show at most 50 frames per second."""

    suffixes = (".gif",)
    slowest, fastest = 0.002, 50.0
    full_color = False

    @property
    def milliseconds(self) -> int:
        """Duration of a frame."""
        return max(20, round(100 / self.fps) * 10)

    def _options(self, colors: Colors) -> dict[str, Any]:
        assert colors.table is not None
        options: dict[str, Any] = {"palette": colors.table[::-1].tobytes(), "optimize": False}
        # A GIF stores the number of repeats after the first run.
        return options if self.loop == 1 else options | {"loop": max(int(self.loop) - 1, 0)}

    def _stored(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # Indices count down from white: readers mistake the usual palette, black first, for a
        # missing one, and some then fail on frames that store only the pixels that changed.
        return np.subtract(255, pixels, out=pixels)


class Apng(_ImageioWriter):
    """An animated PNG."""

    suffixes = (".png", ".apng")
    slowest, fastest = 0.02, 100.0


class WebP(_ImageioWriter):
    """A lossless animated WebP."""

    suffixes = (".webp",)
    slowest, fastest = 0.02, 100.0
    largest_side = 16383

    def _options(self, colors: Colors) -> dict[str, Any]:
        return super()._options(colors) | {"lossless": True}


WRITERS: tuple[type[Writer], ...] = (Gif, Apng, WebP, Mp4)


def writer_for(path: str | Path, *, fps: float = FPS, loop: int = 0) -> Writer:
    """Return the writer for a file's suffix; raise a ValueError if there is none.

    Raise an ImportError if the writer requires a package that is not installed.
    """
    suffix = Path(path).suffix.lower()
    known = [name for writer in WRITERS for name in writer.suffixes]
    if suffix not in known:
        raise ValueError(f"path must end with {', '.join(known)}, got {path}")
    writer = next(writer for writer in WRITERS if suffix in writer.suffixes)
    return writer(fps, loop)
