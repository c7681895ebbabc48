"""Files of animations: GIF, animated PNG, MP4."""

from __future__ import annotations

import errno
import itertools
import math
import struct
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from libtilt.errors.checks import positive_float
from libtilt.gif.contrast import Frames

# Beyond it Pillow takes a picture for an attack.
_LARGEST_AREA = Image.MAX_IMAGE_PIXELS or 2**27


def _to_fps(value: Any) -> float:
    return positive_float(value, "fps")


@attrs.frozen
class Format(ABC):
    """A kind of file; told how long frames last and how often all of them play."""

    suffixes: ClassVar[tuple[str, ...]]
    slowest: ClassVar[float]
    fastest: ClassVar[float]
    largest_side: ClassVar[int] = 65535
    even_sides: ClassVar[bool] = False

    fps: float = attrs.field(converter=_to_fps)
    loop: int = attrs.field()

    @fps.validator
    def _check_fps(self, _: Any, fps: float) -> None:
        if not self.slowest <= fps <= self.fastest:
            raise ValueError(
                f"fps must be {self.slowest:g} to {self.fastest:g} in a {self.suffixes[0]} file, "
                f"got {fps:g}"
            )

    @loop.validator
    def _check_loop(self, _: Any, loop: int) -> None:
        whole = isinstance(loop, int | np.integer) and not isinstance(loop, bool)
        if not whole or not 0 <= loop <= 65535:
            raise ValueError(f"loop must be 0 (for ever) to 65535 times, got {loop!r}")

    def require_sides(self, height: int, width: int) -> None:
        """Raise a ValueError where a picture is larger than such a file, or memory, can be."""
        if max(height, width) > self.largest_side or height * width > _LARGEST_AREA:
            raise ValueError(
                f"width must leave no side above {self.largest_side} pixels in a "
                f"{self.suffixes[0]} file, and no more than {_LARGEST_AREA} pixels in all: the "
                f"picture is {width} x {height}, set max_size"
            )

    @abstractmethod
    def write(
        self, path: Path, frames: Iterator[Frames], table: NDArray[np.uint8], *, slower: int = 1
    ) -> None:
        """Write colour indices, and check that the file reads back as it was meant.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        frames : iterator of ndarray of uint8, shape (h, w)
            At least one.
        table : ndarray of uint8, shape (256, 3)
            The colours.
        slower : int, optional
            How many times as long each frame lasts.
        """


class _Pillow(Format):
    """What Pillow writes."""

    kind: ClassVar[str]

    @property
    def milliseconds(self) -> int:
        """How long a frame lasts."""
        return round(1000 / self.fps)

    @property
    def repeats(self) -> dict[str, int]:
        """How often it plays, as the file says it."""
        return {"loop": int(self.loop)}

    @abstractmethod
    def _image(self, indices: Frames, table: NDArray[np.uint8]) -> Image.Image:
        """Return one frame as Pillow is to write it."""

    def write(
        self, path: Path, frames: Iterator[Frames], table: NDArray[np.uint8], *, slower: int = 1
    ) -> None:
        """Write all frames with one palette."""
        first = last = next(frames)
        count = 1

        def rest() -> Iterator[Image.Image]:
            nonlocal last, count
            for last in frames:
                count += 1
                yield self._image(last, table)

        time = self.milliseconds * slower
        options: dict[str, Any] = {"duration": time, **self.repeats}
        # A list: Pillow looks through the frames of a PNG more than once.
        options["append_images"] = list(rest()) if self.kind == "PNG" else rest()
        image = self._image(first, table)
        try:
            image.save(path, format=self.kind, save_all=True, optimize=False, **options)
        except (OverflowError, struct.error) as error:
            raise ValueError(
                f"fps={self.fps:g} is too slow: equal frames that follow each other last longer "
                f"than a {self.suffixes[0]} file can say"
            ) from error
        _check(path, (first, last), table, time, count)


class Gif(_Pillow):
    """A GIF; it counts time in hundredths of a second, and viewers show no more than 50."""

    suffixes = (".gif",)
    kind = "GIF"
    slowest, fastest = 0.002, 50.0

    @property
    def milliseconds(self) -> int:
        """How long a frame lasts."""
        return max(20, round(100 / self.fps) * 10)

    @property
    def repeats(self) -> dict[str, int]:
        """How often it plays, as the file says it: it counts the times after the first."""
        if self.loop == 1:
            return {}
        return {"loop": max(int(self.loop) - 1, 0)}

    def _image(self, indices: Frames, table: NDArray[np.uint8]) -> Image.Image:
        # Indices count down from white: readers take the usual palette, black first, for a picture
        # without one, and some then fail on frames that store only what changes.
        image = Image.fromarray(255 - indices)
        image.putpalette(table[::-1].tobytes())
        return image


class Png(_Pillow):
    """An animated PNG."""

    suffixes = (".png", ".apng")
    kind = "PNG"
    slowest, fastest = 0.02, 100.0

    def _image(self, indices: Frames, table: NDArray[np.uint8]) -> Image.Image:
        grey = bool((table == table[:, :1]).all())
        return Image.fromarray(table[indices, 0] if grey else table[indices])


class Mp4(Format):
    """An MP4 film, H.264, that browsers and slides play (extra ``video``)."""

    suffixes = (".mp4",)
    slowest, fastest = 0.1, 240.0
    largest_side = 16384
    even_sides = True

    def write(
        self, path: Path, frames: Iterator[Frames], table: NDArray[np.uint8], *, slower: int = 1
    ) -> None:
        """Write all frames as ffmpeg encodes them."""
        ffmpeg = _ffmpeg()
        first = next(frames)
        height, width = _even(first).shape
        writer = ffmpeg.write_frames(
            str(path),
            (width, height),
            fps=self.fps / slower,
            codec="libx264",
            pix_fmt_out="yuv420p",
            quality=8,
            macro_block_size=2,
            ffmpeg_log_level="quiet",
        )
        count = 0
        try:
            writer.send(None)
            for frame in itertools.chain([first], frames):
                writer.send(table[_even(frame)].tobytes())
                count += 1
            writer.close()
            found = ffmpeg.count_frames_and_secs(str(path))[0]
        except (OSError, RuntimeError) as error:
            # The message of a RuntimeError is the whole of ffmpeg's log.
            last = (str(error).strip().splitlines() or [""])[-1].strip()
            raise OSError(errno.EIO, f"ffmpeg failed (is the disk full?): {last}") from error
        finally:
            writer.close()
        if found != count:
            raise OSError(errno.EIO, f"it has {found} frames where {count} were written")


def _ffmpeg() -> Any:
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise ImportError(
            "MP4 films need imageio-ffmpeg; install it with: pip install 'libtilt[video]'"
        ) from error
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        subprocess.run([program, "-version"], check=True, capture_output=True)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        raise ImportError(
            "MP4 films need ffmpeg, which imageio-ffmpeg did not find or cannot run: install it, "
            "or name it in the environment variable IMAGEIO_FFMPEG_EXE"
        ) from error
    return imageio_ffmpeg


def _even(frame: Frames) -> Frames:
    """Return a frame with even sides, as H.264 needs them: the last row or column twice."""
    height, width = frame.shape
    return np.pad(frame, ((0, height % 2), (0, width % 2)), mode="edge")


def _check(
    path: Path, ends: tuple[Frames, Frames], table: NDArray[np.uint8], time: int, count: int
) -> None:
    """Raise an OSError where a file does not read back as its first and last frame and its time."""
    first, last = ends
    total = 0.0
    with Image.open(path) as image:
        steps = getattr(image, "n_frames", 1)
        same = True
        # Reading all frames is what tells how long they last.
        for step in range(steps):
            image.seek(step)
            total += image.info.get("duration", time if steps == 1 else 0)
            if step in (0, steps - 1):
                shown = first if step == 0 else last
                same &= np.array_equal(np.asarray(image.convert("RGB")), table[shown])
    # Encoders join equal neighbours into one longer frame, so only the time must add up; a picture
    # that does not move has none.
    alone = steps == 1 and np.array_equal(first, last)
    if not same or not (alone or math.isclose(total, time * count, abs_tol=0.5)):
        raise OSError(errno.EIO, "it reads back other than it was written")


FORMATS: tuple[type[Format], ...] = (Gif, Png, Mp4)


def format_of(path: str | Path, *, fps: float, loop: int) -> Format:
    """Return the format that a file's suffix names.

    Raises
    ------
    ImportError
        If it needs a package that is missing.
    ValueError
        If there is none, or an option does not fit it.

    Examples
    --------
    >>> from libtilt.gif.formats import format_of
    >>> format_of("spin.apng", fps=10, loop=0)
    Png(fps=10.0, loop=0)
    """
    suffix = Path(path).suffix.lower()
    known = [name for kind in FORMATS for name in kind.suffixes]
    if suffix not in known:
        raise ValueError(f"path must end with {', '.join(known)}, got {path}")
    kind = next(kind for kind in FORMATS if suffix in kind.suffixes)
    if kind is Mp4:
        _ffmpeg()
        if loop:
            raise ValueError("loop is not kept in an .mp4, its player decides: leave it at 0")
    return kind(fps, loop)
