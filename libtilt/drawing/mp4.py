"""`Mp4`: films, H.264, that browsers and slides play (extra ``video``)."""

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


@attrs.frozen
class Mp4(Writer):
    """An MP4 film."""

    suffixes = (".mp4",)
    slowest, fastest = 0.1, 240.0
    largest_side = 16384
    even_sides = True

    def __attrs_post_init__(self) -> None:
        _ffmpeg()
        if self.loop:
            raise ValueError("loop is not kept in an .mp4, its player decides: leave it at 0")

    def write(self, path: Path, frames: Iterator[NDArray[np.uint8]], colors: Colors) -> None:
        """Write all frames as ffmpeg encodes them."""
        # Of imageio's package alone: its plugin leaves pipes open where ffmpeg fails.
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


def _even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture with even sides, as H.264 needs them: the last row or column twice."""
    height, width, _ = picture.shape
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
