"""`Animation`: panels side by side, saved as one file of a given size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.montage import Montage
from libtilt.drawing.panel import Panel
from libtilt.drawing.writer import FPS, Writer
from libtilt.drawing.writers import writer_for
from libtilt.errors import ArgumentError
from libtilt.errors.checks import positive_integer
from libtilt.errors.options import checked, option
from libtilt.io.atomic import atomic_write, require_writable
from libtilt.progress import ProgressOption, Report, reporting

# Smaller pictures with text are enlarged to this height, so that the text is legible.
_LEGIBLE_HEIGHT = 160

_optional_size = attrs.validators.optional(checked(positive_integer))


def _panels(value: Any) -> tuple[Panel, ...]:
    panels = (value,) if isinstance(value, Panel) else tuple(value)
    if not panels or not all(isinstance(panel, Panel) for panel in panels):
        raise ValueError(f"panels must be one Panel or more, got {value!r}")
    return panels


@attrs.frozen(eq=False)
class Animation:
    """Panels side by side, to be saved as a file.

    All panels have the same height. Shorter sequences are slowed down to last as long as the
    longest one.

    Parameters
    ----------
    panels : Panel or sequence of Panel
        Panels from left to right.
    fps : float, optional
        Frames per second; at most 50 in a GIF, which stores times in hundredths of a second.
    loop : int, optional
        Number of times the animation plays; 0 plays forever. Must be 0 for MP4, where the player
        decides.
    width : int, optional
        Width of the picture in pixels. By default the tallest panel keeps its size, and small
        pictures with text, a scale bar or a dial are enlarged to 160 rows. MP4 rounds both sides
        up to even numbers.
    max_size : int, optional
        Largest width and height of the picture, in pixels.
    max_bytes : int, optional
        Largest file size: the picture is scaled down until the file fits, to no less than 64
        pixels along its longest side.

    Raises
    ------
    ValueError
        If there is no panel, or an option is invalid.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt.drawing import Animation, Panel, Style
    >>> ramp = np.linspace(0, 1, 4)[:, None, None] * np.ones((4, 32, 32))
    >>> panels = [Panel(ramp, Style(title="up")), Panel(ramp[::-1], Style(title="down"))]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Animation(panels, fps=4).save(f"{folder}/both.gif").stat().st_size > 0
    True
    """

    panels: tuple[Panel, ...] = attrs.field(converter=_panels)
    fps: float = attrs.field(default=FPS, kw_only=True, metadata=option("frames per second", float))
    loop: int = attrs.field(
        default=0, kw_only=True, metadata=option("number of times it plays; 0 plays forever", int)
    )
    width: int | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_optional_size,
        metadata=option("width of the picture in pixels", int),
    )
    max_size: int | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_optional_size,
        metadata=option("largest width and height of the picture in pixels", int),
    )
    max_bytes: int | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_optional_size,
        metadata=option("largest file size; the picture is scaled down until it fits", int),
    )

    def save(
        self, path: str | Path, *, overwrite: bool = False, progress: ProgressOption = None
    ) -> Path:
        """Write the animation to a file.

        Parameters
        ----------
        path : path
            File name ending with ``.gif``, ``.png`` or ``.apng`` (animated PNG), ``.webp``
            (lossless animated WebP), or ``.mp4`` (extra ``video``). All but GIF are in full color.
        overwrite : bool, optional
            Whether to replace an existing file.
        progress : bool or callable, optional
            True shows a bar, a callable is called as ``progress(done, count)`` after each frame;
            counts from 1 again when the picture is scaled down to fit `max_bytes`.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        ValueError
            If a panel has no finite values, the file format does not support an option, or even
            the smallest picture exceeds `max_bytes`.
        ImportError
            If a color map or MP4 requires a package that is not installed.
        FileExistsError
            If the file exists and `overwrite` is false.
        OSError
            If the file cannot be written, or its contents differ when read back. No partial file
            is left.

        Examples
        --------
        See the class.
        """
        writer = writer_for(path, fps=self.fps, loop=self.loop)
        require_writable(path, overwrite=overwrite)
        montage = Montage.from_panels(self.panels, full_color=writer.full_color)
        width = self._width(montage, even=writer.even_sides)
        writer.require_sides(*montage.layout.picture_shape(width))
        writing = atomic_write(path, overwrite=overwrite)
        with reporting(progress, "frames") as report, writing as temporary:
            limit = math.inf if self.max_bytes is None else self.max_bytes
            if self.max_bytes is not None:
                width = _estimate_width(temporary, writer, montage, width, limit)
            while (size := _write(temporary, writer, montage, width, report)) > limit:
                width = _reduce_width(montage, width, size, limit)
        return Path(path)

    def _width(self, montage: Montage, *, even: bool) -> int:
        """Return the width of the picture in pixels; `even` if the writer rounds sides up."""
        layout = montage.layout
        width = self.width
        if width is None:
            least = _LEGIBLE_HEIGHT if montage.annotated else 0
            width = layout.width_of(max(montage.height, least))
        if self.max_size is None:
            return width
        longest = max(1, self.max_size - (even and self.max_size % 2))
        width = layout.within(width, longest)
        if max(layout.picture_shape(width)) > longest:
            raise ArgumentError(
                f"max_size={self.max_size} is too small for {len(self.panels)} panels of this "
                "shape",
                arguments=("max_size",),
            )
        return width


def _reduce_width(montage: Montage, width: int, size: int, limit: float) -> int:
    """Return a smaller width for a file of `size` > `limit` bytes; raise if none is left."""
    narrower = montage.layout.narrower(width, size / limit)
    if narrower < width:
        return narrower
    wanted = max(1, int(0.99 * width * math.sqrt(limit / size)))
    raise ArgumentError(
        f"max_bytes={limit} is too small: {len(montage)} frames {width} pixels wide take {size} "
        f"bytes, and would have to be about {wanted} pixels wide; allow more bytes, show fewer "
        "frames, or set that width",
        arguments=("max_bytes", "width"),
    )


def _write(path: Path, writer: Writer, montage: Montage, width: int, report: Report | None) -> int:
    """Write all frames; return the file size in bytes."""
    frames = _with_progress(montage.frames(range(len(montage)), width), len(montage), report)
    writer.write(path, frames, montage.colors)
    return path.stat().st_size


def _with_progress(
    frames: Iterable[NDArray[np.uint8]], count: int, report: Report | None
) -> Iterator[NDArray[np.uint8]]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        if report is not None:
            report(done, count)


def _estimate_width(path: Path, writer: Writer, montage: Montage, width: int, limit: float) -> int:
    """Return a width at which the file size, extrapolated from a few frames, is within `limit`."""
    runs, length = 4, 3
    if len(montage) < 4 * runs * length:
        return width
    starts = np.linspace(0, len(montage) - length, runs).astype(int)
    places = [start + step for start in starts.tolist() for step in range(length)]
    while True:
        writer.write(path, montage.frames(places, width), montage.colors)
        excess = path.stat().st_size * len(montage) / len(places) / limit
        narrower = montage.layout.narrower(width, excess) if excess > 1 else width
        if narrower == width:
            return width
        width = narrower
