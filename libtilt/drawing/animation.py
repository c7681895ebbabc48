"""`Animation`: panels beside each other, written all or nothing, as large as asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
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

Progress = Callable[[int, int], object]

# Where something is written into smaller pictures, they are enlarged so that it can be read.
_READABLE_HEIGHT = 160

_optional_size = attrs.validators.optional(checked(positive_integer))


def _panels(value: Any) -> tuple[Panel, ...]:
    panels = (value,) if isinstance(value, Panel) else tuple(value)
    if not panels or not all(isinstance(panel, Panel) for panel in panels):
        raise ValueError(f"panels must be one Panel or more, got {value!r}")
    return panels


@attrs.frozen(eq=False)
class Animation:
    """Panels beside each other, to be saved as a file.

    All panels are as high as each other, and each runs once while the longest does.

    Parameters
    ----------
    panels : Panel or sequence of Panel
        From left to right.
    fps : float, optional
        Frames per second. GIF counts in hundredths of a second, so 50 is the most there.
    loop : int, optional
        How often it plays; 0 is for ever. An MP4 plays as its player decides, and leaves this 0.
    width : int, optional
        Pixels of the picture. By default the highest panel keeps its size, but small pictures
        with a text, a bar or a dial are enlarged to 160 rows. MP4 films have even sides.
    max_size : int, optional
        The longest side of the picture in pixels.
    max_bytes : int, optional
        The largest file: the picture is narrowed until it fits, down to 64 pixels along its longest
        side.

    Raises
    ------
    ValueError
        If there is no panel, or an option does not fit.

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
        default=0, kw_only=True, metadata=option("how often it plays; 0 is for ever", int)
    )
    width: int | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_optional_size,
        metadata=option("pixels of the picture", int),
    )
    max_size: int | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_optional_size,
        metadata=option("pixels of its longest side", int),
    )
    max_bytes: int | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_optional_size,
        metadata=option("the largest file; the picture is narrowed until it fits", int),
    )

    def save(
        self, path: str | Path, *, overwrite: bool = False, progress: Progress | None = None
    ) -> Path:
        """Write the animation, all or nothing.

        Parameters
        ----------
        path : path
            Ends with ``.gif``, ``.png`` or ``.apng`` (animated PNG), ``.webp`` (animated WebP,
            without loss), or ``.mp4`` (extra ``video``). All but GIF are in full color.
        overwrite : bool, optional
            Whether an existing file may be replaced.
        progress : callable, optional
            Called as ``progress(done, count)`` after each frame that is drawn; it starts again
            where the picture has to be narrowed.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        ValueError
            If a panel holds nothing finite, an option does not fit the file, or not even a small
            picture keeps to `max_bytes`.
        ImportError
            If a color map or an MP4 film needs a package that is missing.
        FileExistsError
            If the file exists and `overwrite` is false.
        OSError
            If the file cannot be written, or reads back other than it was written.

        Examples
        --------
        See the class.
        """
        writer = writer_for(path, fps=self.fps, loop=self.loop)
        require_writable(path, overwrite=overwrite)
        montage = Montage.of(self.panels, full_color=writer.full_color)
        width = self._width(montage, even=writer.even_sides)
        writer.require_sides(*montage.layout.picture_shape(width))
        with atomic_write(path, overwrite=overwrite) as temporary:
            limit = math.inf if self.max_bytes is None else self.max_bytes
            if self.max_bytes is not None:
                width = _estimated(temporary, writer, montage, width, limit)
            while (size := _write(temporary, writer, montage, width, progress)) > limit:
                width = _narrowed(montage, width, size, limit)
        return Path(path)

    def _width(self, montage: Montage, *, even: bool) -> int:
        """Return the width of the picture."""
        layout = montage.layout
        width = self.width
        if width is None:
            width = layout.width_of(
                max(montage.height, _READABLE_HEIGHT if montage.annotated else 0)
            )
        if self.max_size is None:
            return width
        # An odd side of a film becomes an even one, a pixel longer.
        longest = max(1, self.max_size - (even and self.max_size % 2))
        width = layout.within(width, longest)
        if max(layout.picture_shape(width)) > longest:
            raise ArgumentError(
                f"max_size={self.max_size} is too small for {len(self.panels)} panels of this "
                "shape",
                arguments=("max_size",),
            )
        return width


def _narrowed(montage: Montage, width: int, size: int, limit: float) -> int:
    """Return a smaller width where a file is too large; raise where it is the smallest."""
    narrower = montage.layout.narrower(width, size / limit)
    if narrower < width:
        return narrower
    wanted = max(1, int(0.99 * width * math.sqrt(limit / size)))
    raise ArgumentError(
        f"max_bytes={limit} is too small: {len(montage)} frames of {width} pixels need {size} "
        f"bytes, and they would have to be about {wanted} pixels wide; allow more bytes, show "
        "fewer frames, or set that width",
        arguments=("max_bytes", "width"),
    )


def _write(
    path: Path, writer: Writer, montage: Montage, width: int, progress: Progress | None
) -> int:
    """Write all frames; return how large the file is."""
    frames = _watched(montage.frames(range(len(montage)), width), len(montage), progress)
    writer.write(path, frames, montage.colors)
    return path.stat().st_size


def _watched(
    frames: Iterable[NDArray[np.uint8]], count: int, progress: Progress | None
) -> Iterator[NDArray[np.uint8]]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        if progress is not None:
            progress(done, count)


def _estimated(path: Path, writer: Writer, montage: Montage, width: int, limit: float) -> int:
    """Return a width at which a few frames, for all of them, keep to the limit."""
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
