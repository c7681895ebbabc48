"""What is drawn into frames of gray values: labels, scale bars, dials of the tilt."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from libtilt.drawing.contrast import Frames
from libtilt.drawing.fonts import font_for, readable
from libtilt.drawing.style import Style


class Inks(NamedTuple):
    """Gray values to draw with."""

    black: int
    dark: int
    light: int
    white: int


INKS = Inks(0, 96, 160, 255)
COVER = Inks(255, 255, 255, 255)


def layer(
    style: Style, index: int, shape: tuple[int, int], shrunk: float = 1.0
) -> tuple[Frames, Frames] | None:
    """Return what a style draws into one frame: its gray values, and how much they cover.

    Parameters
    ----------
    style : Style
        Whose title, labels, dial and pixel size are drawn.
    index : int
        Of the frame.
    shape : (int, int)
        ``(h, w)`` of the picture.
    shrunk : float, optional
        By how much the picture is smaller than the frame of the pixel size.

    Returns
    -------
    tuple of two ndarray of uint8, shape (h, w), or None
        The cover is 0 where nothing is drawn, 255 where nothing shines through.

    Examples
    --------
    >>> from libtilt.drawing import Style
    >>> from libtilt.drawing.overlays import layer
    >>> style = Style(labels=["-60", "60"], dial=[-60, 60], pixel_size=4.0)
    >>> ink, cover = layer(style, 0, (64, 64))
    >>> ink.shape, bool((cover != layer(style, 1, (64, 64))[1]).any())
    ((64, 64), True)
    """
    if not style.drawn:
        return None
    inked, covered = (_paint(style, index, shape, shrunk, inks) for inks in (INKS, COVER))
    return inked, covered


def _paint(style: Style, index: int, shape: tuple[int, int], shrunk: float, inks: Inks) -> Frames:
    image = Image.new("L", shape[::-1], 0)
    canvas = ImageDraw.Draw(image)
    size = max(11, min(shape) // 16)
    room = shape[1] - 8
    if style.title is not None and style.labels is not None:
        # Half for each: the longest label decides, so that sizes do not jump.
        room //= 2
    if style.title is not None:
        _write(canvas, (4, 3), style.title, _fitting((style.title,), size, room), "la", inks)
    if style.labels is not None:
        label = style.labels[index % len(style.labels)]
        place, anchor = ((4, 3), "la") if style.title is None else ((shape[1] - 4, 3), "ra")
        _write(canvas, place, label, _fitting(style.labels, size, room), anchor, inks)
    if style.pixel_size is not None:
        _scale_bar(canvas, image.size, style.pixel_size / shrunk, size, inks)
    if style.dial is not None:
        _dial(canvas, image.size, float(style.dial[index]), inks)
    return np.asarray(image)


@functools.lru_cache(maxsize=64)
def _fitting(texts: tuple[str, ...], size: int, room: int) -> Any:
    """Return a font in which the texts are no wider than some pixels, where one can be read."""
    longest = sorted(set(texts), key=len)[-20:]
    letters = "".join(sorted(set("".join(texts))))
    for smaller in range(size, 7, -1):
        font = font_for(letters, smaller)
        if all(font.getbbox(_spaced(text[:1000], smaller))[2] <= room for text in longest):
            return font
    return font_for(letters, min(size, 7))


def _spaced(text: str, size: float) -> str:
    """Return a text with wider blanks in small letters, whose black edges would close them."""
    return text.replace(" ", "  ") if size < 15 else text


def nice_length(extent: float) -> float:
    """Return 1, 2 or 5 times a power of ten, the longest that is at most a third of `extent`."""
    # A third of 3e3 may be a digit less than a thousand.
    third = extent / 3 * (1 + 1e-9)
    power = 10.0 ** math.floor(math.log10(third))
    return max((step * power for step in (1, 2, 5) if step * power <= third), default=power)


def length_text(angstroms: float) -> str:
    """Return a length in nanometers; Pillow's own font has no sign for angstroms."""
    return f"{angstroms / 10:g} nm"


def _write(
    canvas: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    font: Any,
    anchor: str,
    inks: Inks,
) -> None:
    """Write white on a black edge, so that it is read on any ground."""
    text = readable(text, font)
    stroke: dict[str, Any] = {"stroke_width": 1, "stroke_fill": inks.black}
    text = _spaced(text, font.size)
    canvas.text(place, text, fill=inks.white, font=font, anchor=anchor, **stroke)


def _scale_bar(
    canvas: ImageDraw.ImageDraw,
    size: tuple[int, int],
    pixel_size: float,
    font_size: int,
    inks: Inks,
) -> None:
    width, height = size
    length = nice_length(width * pixel_size)
    text = length_text(length)
    font = _fitting((text,), font_size, width - 8)
    pixels = max(1, round(length / pixel_size))
    thick = max(2, height // 80)
    left, low = 5, height - 5
    canvas.rectangle((left - 1, low - thick - 1, left + pixels, low), fill=inks.black)
    canvas.rectangle((left, low - thick, left + pixels - 1, low - 1), fill=inks.white)
    # Over the middle of the bar, but not beyond the edge of a small picture.
    middle = max(left + pixels / 2, 4 + font.getbbox(_spaced(text, font_size))[2] / 2)
    _write(canvas, (middle, low - thick - 2), text, font, "md", inks)


def _dial(canvas: ImageDraw.ImageDraw, size: tuple[int, int], angle: float, inks: Inks) -> None:
    """Draw the slab of the specimen as it lies at a tilt, seen along the tilt axis.

    x is to the right and z upward: a positive tilt takes the top of the specimen to the right, and
    its right end down.
    """
    width, height = size
    radius = max(7, min(width, height) // 14)
    x, y = width - radius - 5, height - radius - 5
    canvas.ellipse(
        (x - radius, y - radius, x + radius, y + radius), fill=inks.black, outline=inks.light
    )
    canvas.line((x, y - radius, x, y + radius), fill=inks.dark)
    u, v = (
        (radius - 2) * math.cos(math.radians(angle)),
        (radius - 2) * math.sin(math.radians(angle)),
    )
    canvas.line((x - u, y - v, x + u, y + v), fill=inks.white, width=max(1, radius // 5))


def angle_labels(angles: Sequence[float]) -> list[str]:
    """Return tilt angles as texts, without a minus before zero."""
    return [f"{angle:.1f}°".replace("-0.0°", "0.0°") for angle in angles]
