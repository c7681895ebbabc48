"""`Animation`: panels side by side, saved as one file of a given size."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

import attrs

from libtilt.drawing.bounds import write_within
from libtilt.drawing.montage import Montage
from libtilt.drawing.panel import Panel
from libtilt.drawing.writer import FPS
from libtilt.drawing.writers import Gif, writer_for
from libtilt.errors import ArgumentError, LibtiltWarning
from libtilt.errors.checks import positive_integer
from libtilt.errors.options import checked, option
from libtilt.errors.warning import warn
from libtilt.io.atomic import atomic_write, require_writable
from libtilt.progress import ProgressOption, reporting

MAX_BYTES = 5_000_000
# A notebook keeps the pictures that it shows in its own file.
_NOTEBOOK_BYTES = 2_000_000

_optional_size: Any = attrs.validators.optional(checked(positive_integer))


def _panels(value: Any) -> tuple[Panel, ...]:
    panels = (value,) if isinstance(value, Panel) else tuple(value)
    if not panels or not all(isinstance(panel, Panel) for panel in panels):
        raise ValueError(f"panels must be one or more Panel objects, got {value!r}")
    return panels


@attrs.frozen(eq=False)
class Animation:
    """Panels side by side, to be saved as a file.

    All panels have the same height. Those with a pixel size are drawn at one scale, with one scale
    bar in the first of them, unless one would fill less than an eighth of the height; others fill
    the height. Shorter sequences are slowed down to last as long as the longest one. A notebook
    shows an animation at the end of a cell, as a GIF of at most 2 MB.

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
        Width of the picture in pixels. By default the tallest panel keeps its size, but has at
        least 320 rows: small arrays are enlarged, up to 160 rows by an integer factor, as long as
        no panel gets wider than 1280 pixels. MP4 rounds both sides up to even numbers.
    max_size : int, optional
        Largest width and height of the picture, in pixels.
    max_bytes : int, optional
        Largest file size, by default 5 MB in every format; None is no limit. A larger file is first
        thinned evenly, to every second, third, ... frame, but to no less than 40 frames; then the
        picture is scaled down to no less than 64 pixels along its longest side, with a warning if
        that is below `width`. A thinned animation keeps its duration as long as it shows 8 frames
        per second.

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
        default=MAX_BYTES,
        kw_only=True,
        validator=_optional_size,
        metadata=option(
            "largest file size; frames are left out, then the picture is scaled down until it fits",
            int,
        ),
    )

    def save(
        self, path: str | Path, *, overwrite: bool = False, progress: ProgressOption = False
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
            counts from 1 again when the file is larger than `max_bytes` and is written anew.

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
        wanted, kept = self._save(path, overwrite=overwrite, progress=progress)
        if self.width is not None and kept < wanted:
            message = (
                f"the picture is {kept} pixels wide, not {wanted}, to stay within "
                f"max_bytes={self.max_bytes}; pass a larger max_bytes, or None, to keep the width"
            )
            warn(LibtiltWarning(message, arguments=("max_bytes",)))
        return Path(path)

    def _save(
        self, path: str | Path, *, overwrite: bool, progress: ProgressOption
    ) -> tuple[int, int]:
        """Write the animation; return the width that the options ask for, and that of the file."""
        writer = writer_for(path, fps=self.fps, loop=self.loop)
        require_writable(path, overwrite=overwrite)
        montage = Montage.from_panels(self.panels, full_color=writer.full_color)
        width = self._width(montage, even=writer.even_sides)
        writer.require_sides(*montage.layout.picture_shape(width))
        writing = atomic_write(path, overwrite=overwrite)
        with reporting(progress, "frames") as report, writing as temporary:
            kept = write_within(temporary, writer, montage, width, self.max_bytes, report)
        return width, kept

    def __repr__(self) -> str:
        count = max(len(panel.order) for panel in self.panels)
        panels = ", ".join(map(repr, self.panels))
        return f"<Animation: {count} pictures, {self.fps:g} a second, of {panels}>"

    def _repr_html_(self) -> str:
        """Return the animation as a GIF within HTML, for notebooks."""
        within = min(self.max_bytes or _NOTEBOOK_BYTES, _NOTEBOOK_BYTES)
        shown = attrs.evolve(self, max_bytes=within, fps=min(self.fps, Gif.fastest))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "shown.gif"
            shown._save(path, overwrite=False, progress=None)
            data = base64.b64encode(path.read_bytes())
        return f"<img alt='animation' src='data:image/gif;base64,{data.decode()}'>"

    def _width(self, montage: Montage, *, even: bool) -> int:
        """Return the width of the picture in pixels; `even` if the writer rounds sides up."""
        layout = montage.layout
        width = self.width or layout.width_of(layout.legible_height(montage.height))
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
