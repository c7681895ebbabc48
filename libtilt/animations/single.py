"""`animate`: one volume or tilt series as an animation."""

from __future__ import annotations

from libtilt.animations.look import Look
from libtilt.animations.registry import default_look, resolve_look
from libtilt.drawing import Animation, Style
from libtilt.drawing.animation import MAX_BYTES
from libtilt.drawing.writer import FPS
from libtilt.geometry.image_data import ImageData


def animate(
    source: ImageData,
    *,
    look: str | type[Look] | Look | None = None,
    style: Style | None = None,
    fps: float = FPS,
    loop: int = 0,
    width: int | None = None,
    max_size: int | None = None,
    max_bytes: int | None = MAX_BYTES,
) -> Animation:
    """Return an animation of a volume or a tilt series, which a notebook shows and `save` writes.

    Parameters
    ----------
    source : Volume or TiltSeries
        The object to show.
    look : {"slices", "spin", "tilts"}, type or Look, optional
        Frames to show; by default the z slices of a volume, and the images of a tilt series.
    style : libtilt.drawing.Style, optional
        Contrast, colors, scale bar and labels.
    fps, loop, width, max_size, max_bytes : optional
        As in `libtilt.drawing.Animation`.

    Returns
    -------
    libtilt.drawing.Animation

    Raises
    ------
    TypeError
        If `source` is neither a `Volume` nor a `TiltSeries`.
    ValueError
        If the look does not show this class of objects, or an option is invalid.

    Examples
    --------
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.animations import animate
    >>> volume = GaussianBlobs.ribosome_like().volume((16, 16, 16), voxel_size=20.0)
    >>> animate(volume, look="spin")._repr_html_()[:46]
    "<img alt='animation' src='data:image/gif;base6"
    """
    chosen = default_look(source) if look is None else resolve_look(look)
    return Animation(
        chosen.panel(source, style),
        fps=fps,
        loop=loop,
        width=width,
        max_size=max_size,
        max_bytes=max_bytes,
    )
