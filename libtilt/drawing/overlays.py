"""Overlays of frames: titles, labels, scale bars and tilt dials."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from libtilt.drawing.contrast import Frames
from libtilt.drawing.fonts import MINUS, draw_text, font_for, renderable_text, text_width
from libtilt.drawing.style import Style


class Inks(NamedTuple):
    """Gray values to draw with."""

    black: int
    dark: int
    light: int
    white: int


INKS = Inks(0, 96, 160, 255)
INKS_ON_WHITE = Inks(255, 160, 96, 0)
COVER = Inks(255, 255, 255, 255)


def draw_overlay(
    style: Style, index: int, shape: tuple[int, int], zoom: float = 1.0
) -> tuple[Frames, Frames] | None:
    """Return the gray values and the opacity (0 to 255) of a frame's overlay, each `(h, w)`.

    `index` is that of the frame, `shape` `(h, w)` that of the picture, and `zoom` its pixels per
    pixel of the frame. Return None for a style without overlays.
    """
    if not style.has_overlays:
        return None
    own = INKS_ON_WHITE if style.background == "white" else INKS
    inked, covered = (_paint(style, index, shape, zoom, inks) for inks in (own, COVER))
    return inked, covered


def _paint(style: Style, index: int, shape: tuple[int, int], zoom: float, inks: Inks) -> Frames:
    image = Image.new("L", shape[::-1], 0 if inks is COVER else inks.black)
    canvas = ImageDraw.Draw(image)
    # By the height, which panels side by side share.
    size = max(11, shape[0] // 16)
    edge = _margin(shape)
    ends = {"la": edge, "ra": shape[1] - edge}
    columns = [] if style.labels is None else _columns(style)
    texts = [(anchor, column, sum((c for _, c in columns), ())) for anchor, column in columns]
    if style.title is not None:
        texts.insert(0, ("la", (style.title,), (style.title,)))
    for anchor, column, all_labels in texts:
        # One size and one place for all labels, so that they do not jump from frame to frame.
        font = _fitting_font(all_labels, size, max(1, shape[1] - 2 * edge) // len(texts))
        _write(canvas, (ends[anchor], edge - 1), column[index % len(column)], font, anchor, inks)
    if style.pixel_size is not None:
        _draw_scale_bar(canvas, image.size, style.pixel_size / zoom, size, inks)
    if style.dial is not None:
        _draw_dial(canvas, image.size, float(style.dial[index]), inks)
    return np.asarray(image)


@functools.lru_cache(maxsize=64)
def _fitting_font(texts: tuple[str, ...], size: int, room: int) -> Any:
    """Return a font in which the texts are at most `room` pixels wide, if one is legible."""
    longest = sorted(set(texts), key=len)[-20:]
    letters = "".join(sorted(set("".join(texts))))
    for smaller in range(size, 7, -1):
        font = font_for(letters, smaller)
        if all(_width(text[:1000], font) <= room for text in longest):
            return font
    return font_for(letters, min(size, 7))


def _margin(shape: tuple[int, int]) -> int:
    """Return the distance of overlays from the edges of a picture `(h, w)`."""
    # By the height, which panels side by side share.
    return max(4, round(0.03 * shape[0]))


def _columns(style: Style) -> list[tuple[str, tuple[str, ...]]]:
    """Return the labels with their anchors: beside a title, and of numbers, at the right.

    Where no title is, labels with tabs are divided into both.
    """
    assert style.labels is not None
    if style.title is not None:
        return [("ra", tuple(label.replace("\t", " | ").strip(" |") for label in style.labels))]
    if any("\t" in label for label in style.labels):
        halves = [label.partition("\t")[::2] for label in style.labels]
        return [("la", tuple(left for left, _ in halves)), ("ra", tuple(r for _, r in halves))]
    numbers = all(label.lstrip(f"{MINUS}-+ ")[:1].isdigit() for label in style.labels)
    return [("ra" if numbers else "la", style.labels)]


def _width(text: str, font: Any) -> float:
    return text_width(_spaced(renderable_text(text, font), font.size), font)


def _spaced(text: str, size: float) -> str:
    """Return a text with wider spaces at small sizes, where black outlines would close them."""
    return text.replace(" ", "  ") if size < 15 else text


def scale_bar_length(extent: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is at most a third of `extent`."""
    # Rounding may put a third of 3e3 just below 1000.
    third = extent / 3 * (1 + 1e-9)
    power = 10.0 ** math.floor(math.log10(third))
    return max((step * power for step in (1, 2, 5) if step * power <= third), default=power)


def length_text(angstroms: float) -> str:
    """Return a length in nanometers; Pillow's default font lacks the angstrom sign."""
    return f"{angstroms / 10:g} nm"


def _write(
    canvas: ImageDraw.ImageDraw,
    position: tuple[float, float],
    text: str,
    font: Any,
    anchor: str,
    inks: Inks,
) -> None:
    """Write in white with a black outline, legible on any background."""
    text = _spaced(renderable_text(text, font), font.size)
    draw_text(canvas, position, text, font, anchor, fill=inks.white, outline=inks.black)


def _draw_scale_bar(
    canvas: ImageDraw.ImageDraw,
    size: tuple[int, int],
    pixel_size: float,
    font_size: int,
    inks: Inks,
) -> None:
    width, height = size
    length = scale_bar_length(width * pixel_size)
    text = length_text(length)
    font = _fitting_font((text,), font_size, width - 8)
    pixels = max(1, round(length / pixel_size))
    thick = max(2, height // 80)
    edge = _margin((height, width)) + 1
    left, low = edge, height - edge
    canvas.rectangle((left - 1, low - thick - 1, left + pixels, low), fill=inks.black)
    canvas.rectangle((left, low - thick, left + pixels - 1, low - 1), fill=inks.white)
    # Centered over the bar, but within a small picture.
    middle = max(left + pixels / 2, edge - 1 + _width(text, font) / 2)
    _write(canvas, (middle, low - thick - 2), text, font, "md", inks)


def _draw_dial(
    canvas: ImageDraw.ImageDraw, size: tuple[int, int], angle: float, inks: Inks
) -> None:
    """Draw the tilted specimen as a line, seen along the tilt axis, x to the right and z upward.

    A positive tilt moves its right end down.
    """
    width, height = size
    radius = max(7, min(width, height) // 14)
    edge = _margin((height, width)) + 1
    x, y = width - radius - edge, height - radius - edge
    canvas.ellipse(
        (x - radius, y - radius, x + radius, y + radius), fill=inks.black, outline=inks.light
    )
    canvas.line((x, y - radius, x, y + radius), fill=inks.dark)
    tilt = math.radians(angle)
    u, v = (radius - 2) * math.cos(tilt), (radius - 2) * math.sin(tilt)
    canvas.line((x - u, y - v, x + u, y + v), fill=inks.white, width=max(1, radius // 5))


def angle_labels(angles: Sequence[float]) -> list[str]:
    """Return tilt angles as text, with one decimal if any of them needs it."""
    rounded = np.round(angles, 1) + 0.0  # Adding 0 makes 0 of -0.
    decimals = 0 if np.array_equal(rounded, np.rint(rounded)) else 1
    return [f"{angle:.{decimals}f}°".replace("-", MINUS) for angle in rounded]
