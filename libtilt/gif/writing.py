"""Animations written all or nothing, as large as asked and no larger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike

from libtilt.errors.checks import positive_integer
from libtilt.gif.contrast import Contrast, Frames
from libtilt.gif.films import Film
from libtilt.gif.formats import Format, format_of
from libtilt.gif.panels import Panel
from libtilt.io.atomic import atomic_write, require_writable

Progress = Callable[[int, int], object]

_SMALLEST_SIDE = 64
# Where something is written into smaller pictures, they are enlarged so that it can be read.
_READABLE_HEIGHT = 160
# Noise in 64 greys looks as in 256, and takes fewer bytes; 32 show bands where it is smooth.
FEWER_LEVELS = (64,)


def save_gif(
    path: str | Path,
    frames: ArrayLike,
    *,
    ping_pong: bool = False,
    percentiles: tuple[float, float] = (0.5, 99.8),
    contrast: Contrast = "stack",
    cmap: str = "gray",
    title: str | None = None,
    labels: str | Sequence[str] | None = None,
    dial: ArrayLike | None = None,
    pixel_size: float | None = None,
    **options: Any,
) -> Path:
    """Write frames of grey values as an animation, all or nothing.

    Parameters
    ----------
    path : path
        Ends with ``.gif``, ``.png`` or ``.apng`` (animated PNG), or ``.mp4`` (extra ``video``).
    frames : array_like, shape (n, h, w)
        Real numbers; row 0 is at the top. NaN is drawn as the darkest value.
    ping_pong : bool, optional
        Whether the frames then run back to the first.
    percentiles : (float, float), optional
        Of the finite values, to be drawn black and white.
    contrast : {"stack", "frame"} or (float, float), optional
        Whether percentiles are those of the whole stack (the default) or of each frame; or the
        values to be drawn black and white themselves.
    cmap : str, optional
        A colour map of matplotlib (extra ``plot``); by default "gray".
    title : str, optional
        A text for all frames, at the upper left.
    labels : str or sequence of str, optional
        A text for all frames or one for each: at the upper left, or right of a title.
    dial : array_like, shape (n,), optional
        Tilt angles in degrees, drawn as a disc with the specimen in it, at the lower right.
    pixel_size : float, optional
        Angstroms of a pixel of the frames: draws a scale bar at the lower left.
    **options
        Of `save_animation`: ``fps``, ``loop``, ``width``, ``max_size``, ``max_bytes``,
        ``overwrite``, ``progress``.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    ValueError
        If the frames are empty or hold nothing finite, an option does not fit, or not even two
        small frames keep to ``max_bytes``.
    ImportError
        If a colour map or an MP4 film needs a package that is missing.
    FileExistsError
        If the file exists and ``overwrite`` is false.
    OSError
        If the file cannot be written, or reads back other than it was written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt.gif import save_gif
    >>> ramp = np.linspace(0, 1, 4)[:, None, None] * np.ones((4, 8, 8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_gif(f"{folder}/ramp.gif", ramp, fps=4).stat().st_size > 0
    True
    """
    panel = Panel(
        frames,
        title=title,
        labels=labels,
        dial=dial,
        pixel_size=pixel_size,
        percentiles=percentiles,
        contrast=contrast,
        cmap=cmap,
        ping_pong=ping_pong,
    )
    return save_animation(path, [panel], **options)


def save_animation(
    path: str | Path,
    panels: Sequence[Panel],
    *,
    fps: float = 15.0,
    loop: int = 0,
    width: int | None = None,
    max_size: int | None = None,
    max_bytes: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write panels beside each other as one animation, all or nothing.

    All panels are as high as each other, and each runs once while the longest does.

    Parameters
    ----------
    path : path
        Ends with ``.gif``, ``.png`` or ``.apng`` (animated PNG), or ``.mp4`` (extra ``video``).
    panels : sequence of Panel
        From left to right.
    fps : float, optional
        Frames per second. GIF counts in hundredths of a second, so 50 is the most there.
    loop : int, optional
        How often it plays; 0 is for ever. An MP4 plays as its player decides, and leaves this 0.
    width : int, optional
        Pixels of the picture. By default the highest panel keeps its size, but small pictures
        with a text, a bar or a dial are enlarged to 160 rows. Films have even sides.
    max_size : int, optional
        The longest side of the picture in pixels.
    max_bytes : int, optional
        The largest file. Of 256 grey levels 64 are kept, then the picture shrinks until it
        fits, down to 64 pixels along its longest side, then every second frame is dropped as
        often as it takes.
    overwrite : bool, optional
        Whether an existing file may be replaced.
    progress : callable, optional
        Called as ``progress(done, count)`` after each frame; it starts again where the file has to
        be made smaller.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    ValueError
        If there is no panel, one holds nothing finite, an option does not fit, or not even two
        small frames keep to `max_bytes`.
    ImportError
        If a colour map or an MP4 film needs a package that is missing.
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If the file cannot be written, or reads back other than it was written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt.gif import Panel, save_animation
    >>> ramp = np.linspace(0, 1, 4)[:, None, None] * np.ones((4, 32, 32))
    >>> panels = [Panel(ramp, title="up"), Panel(ramp[::-1], title="down")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_animation(f"{folder}/both.gif", panels).stat().st_size > 0
    True
    """
    file_format = format_of(path, fps=fps, loop=loop)
    limit = None if max_bytes is None else positive_integer(max_bytes, "max_bytes")
    panels = tuple(panels)
    if not panels or not all(isinstance(panel, Panel) for panel in panels):
        raise ValueError(f"panels must be one Panel or more, got {panels!r}")
    require_writable(path, overwrite=overwrite)
    film = Film.of(panels)
    shown = _width(film, width, max_size, even=file_format.even_sides)
    file_format.require_sides(*film.picture_shape(shown))
    with atomic_write(path, overwrite=overwrite) as temporary:
        if limit is None:
            _write(temporary, file_format, film, shown, progress=progress)
        else:
            _write_within(temporary, file_format, film, shown, limit, progress)
    return Path(path)


def _width(film: Film, width: int | None, max_size: int | None, *, even: bool) -> int:
    """Return the width of the picture."""
    if width is not None:
        shown = positive_integer(width, "width")
    else:
        shown = film.width_of(max(film.height, _READABLE_HEIGHT if film.annotated else 0))
    if max_size is None:
        return shown
    # An odd side of a film becomes an even one, a pixel longer.
    longest = max(1, positive_integer(max_size, "max_size") - (even and max_size % 2))
    while shown > 1 and (longer := max(film.picture_shape(shown))) > longest:
        shown = max(1, min(shown - 1, int(shown * longest / longer)))
    if max(film.picture_shape(shown)) > longest:
        raise ValueError(
            f"max_size={max_size} is too small for {len(film.panels)} panels of this shape"
        )
    return shown


def _write(
    path: Path,
    file_format: Format,
    film: Film,
    width: int,
    *,
    step: int = 1,
    progress: Progress | None = None,
) -> int:
    """Write every `step`-th frame; return how large the file is."""
    places = range(0, len(film), step)
    frames = _watched(film.some(places, width), len(places), progress)
    file_format.write(path, frames, film.palette.table, slower=step)
    return path.stat().st_size


def _watched(frames: Iterator[Frames], count: int, progress: Progress | None) -> Iterator[Frames]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        if progress is not None:
            progress(done, count)


def _write_within(
    path: Path,
    file_format: Format,
    film: Film,
    width: int,
    limit: int,
    progress: Progress | None,
) -> None:
    film, width = _estimated(path, file_format, film, width, limit)
    step = 1
    while (size := _write(path, file_format, film, width, step=step, progress=progress)) > limit:
        if film.levels > FEWER_LEVELS[-1]:
            film = _with_fewer_levels(film)
        elif (narrower := _narrower(film, width, size / limit)) < width:
            width = narrower
        elif len(film) > 2 * step:
            step *= 2
        else:
            raise ValueError(
                f"max_bytes={limit} is too small: {math.ceil(len(film) / step)} frames of "
                f"{width} pixels still need {size} bytes"
            )


def _with_fewer_levels(film: Film) -> Film:
    levels = next(levels for levels in FEWER_LEVELS if levels < film.levels)
    return attrs.evolve(film, levels=levels)


def _estimated(
    path: Path, file_format: Format, film: Film, width: int, limit: int
) -> tuple[Film, int]:
    """Return levels and a width at which a few frames, for all of them, keep to the limit."""
    runs, length = 4, 3
    if len(film) < 4 * runs * length:
        return film, width
    starts = np.linspace(0, len(film) - length, runs).astype(int)
    places = [start + step for start in starts.tolist() for step in range(length)]
    while True:
        file_format.write(path, film.some(places, width), film.palette.table)
        size = path.stat().st_size * len(film) / len(places)
        if size <= limit:
            return film, width
        if film.levels > FEWER_LEVELS[-1]:
            film = _with_fewer_levels(film)
        elif (narrower := _narrower(film, width, size / limit)) < width:
            width = narrower
        else:
            return film, width


def _narrower(film: Film, width: int, excess: float) -> int:
    """Return a width that should make a file smaller by a factor: it goes with the area."""
    longest = max(film.picture_shape(width))
    factor = max(min(0.95, 0.99 / math.sqrt(excess)), min(1.0, _SMALLEST_SIDE / longest))
    return max(1, int(width * factor))
