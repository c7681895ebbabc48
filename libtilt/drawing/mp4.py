"""`Mp4`: H.264 video for browsers and slides (extra ``video``)."""

from __future__ import annotations

import errno
import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.colors import Colors
from libtilt.drawing.writer import Writer
from libtilt.errors.installing import pip_install


@attrs.frozen
class Mp4(Writer):
    """An MP4 video."""

    suffixes = (".mp4",)
    slowest, fastest = 0.1, 240.0
    largest_side = 16384
    even_sides = True

    def __attrs_post_init__(self) -> None:
        _ffmpeg()
        if self.loop:
            raise ValueError("loop must be 0 for an .mp4 file: the player decides on repeats")

    def write(self, path: Path, frames: Iterator[NDArray[np.uint8]], colors: Colors) -> None:
        """Encode all frames with ffmpeg."""
        # Not imageio's ffmpeg plugin, which leaves pipes open when ffmpeg fails.
        ffmpeg = _ffmpeg()
        first = _even(colors.rgb(next(frames)))
        writer = ffmpeg.write_frames(
            str(path),
            first.shape[1::-1],
            fps=self.fps,
            codec="libx264",
            pix_fmt_out="yuv420p",
            quality=8,
            macro_block_size=2,
            ffmpeg_log_level="quiet",
        )
        count = 0
        try:
            writer.send(None)
            for frame in itertools.chain([first], (_even(colors.rgb(each)) for each in frames)):
                writer.send(frame.tobytes())
                count += 1
            writer.close()
            found = ffmpeg.count_frames_and_secs(str(path))[0]
        except (OSError, RuntimeError) as error:
            # The message of a RuntimeError is ffmpeg's whole log.
            last = (str(error).strip().splitlines() or [""])[-1].strip()
            raise OSError(errno.EIO, f"ffmpeg failed (is the disk full?): {last}") from error
        finally:
            writer.close()
        if found != count:
            raise OSError(errno.EIO, f"the video has {found} frames, but {count} were written")


def _ffmpeg() -> Any:
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise ImportError(
            f"MP4 files require imageio-ffmpeg; install it with: {pip_install('video')}"
        ) from error
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        subprocess.run([program, "-version"], check=True, capture_output=True)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        raise ImportError(
            "MP4 files require ffmpeg, which imageio-ffmpeg cannot find or run: install it, or "
            "set the environment variable IMAGEIO_FFMPEG_EXE to its path"
        ) from error
    return imageio_ffmpeg


def _even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture with the even sides that H.264 requires: last row or column repeated."""
    height, width, _ = picture.shape
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
