"""Fonts for text in pictures: Pillow's default, and matplotlib's for letters that it lacks.

Pillow's font has no minus sign and no space as wide as a digit: the first is drawn as a bar as wide
as a plus sign, the second is left blank.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Any

from PIL import ImageDraw, ImageFont

MINUS = "\u2212"
FIGURE_SPACE = "\u2007"


@functools.lru_cache(maxsize=64)
def font_for(text: str, size: int) -> Any:
    """Return Pillow's default font, or matplotlib's if `text` has letters that Pillow's lacks.

    Without matplotlib (extra ``plot``), Pillow's is returned regardless; see `renderable_text`.
    """
    default = ImageFont.load_default(size=size)
    if _has_letters(default, text):
        return default
    try:
        from matplotlib import get_data_path
    except ImportError:
        return default
    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def renderable_text(text: str, font: Any) -> str:
    """Return a text with letters that the font lacks replaced: accents dropped, else by "?"."""
    if _has_letters(font, text):
        return text
    plain = (letter for letter in unicodedata.normalize("NFKD", text) if letter.isprintable())
    kept = (letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if _has_letters(font, letter) else "?" for letter in kept)


def _has_letters(font: Any, text: str) -> bool:
    return all(_has_letter(font, letter) for letter in set(text))


@functools.lru_cache(maxsize=4096)
def _has_letter(font: Any, letter: str) -> bool:
    absent = bytes(font.getmask("\uffff"))
    return letter.isspace() or letter == MINUS or bytes(font.getmask(letter)) != absent


def text_width(text: str, font: Any) -> float:
    """Return the width of a text as `draw_text` draws it, in pixels."""
    return float(font.getlength(text.replace(MINUS, "+").replace(FIGURE_SPACE, "0")))


def draw_text(
    canvas: ImageDraw.ImageDraw,
    position: tuple[float, float],
    text: str,
    font: Any,
    anchor: str,
    *,
    fill: int,
    outline: int,
) -> None:
    """Draw a text with an outline of one pixel; `anchor` is that of Pillow."""
    x, y = position
    x -= {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] * text_width(text, font)
    if anchor[0] == "r" and text:
        # The last letter itself ends at x, not the blank that follows it.
        x += font.getlength(text[-1]) - _ink_end(text[-1], font)
    for piece in re.split(f"([{MINUS}{FIGURE_SPACE}])", text):
        pen: dict[str, Any] = {"fill": fill, "stroke_fill": outline, "stroke_width": 1}
        if piece == MINUS:
            _draw_minus(canvas, (x, y), font, anchor, fill=fill, outline=outline)
        elif piece != FIGURE_SPACE:
            canvas.text((x, y), piece, font=font, anchor=f"l{anchor[1]}", **pen)
        x += text_width(piece, font)


def _ink_end(letter: str, font: Any) -> float:
    """Return where the ink of a letter ends, in pixels from where it begins to be written."""
    mask, offset = font.getmask2(letter)
    box = mask.getbbox()
    return float(font.getlength(letter) if box is None else box[2] + offset[0])


def _draw_minus(
    canvas: ImageDraw.ImageDraw,
    position: tuple[float, float],
    font: Any,
    anchor: str,
    *,
    fill: int,
    outline: int,
) -> None:
    x, y = position
    # At half the height of digits, and as thick as their strokes.
    _, top, _, bottom = font.getbbox("0", anchor=f"l{anchor[1]}")
    thick = max(1, round(0.09 * font.size))
    upper = round(y + (top + bottom - thick) / 2)
    width, margin = text_width(MINUS, font), max(1, round(0.08 * font.size))
    box = round(x) + margin, upper, round(x + width) - margin - 1, upper + thick - 1
    canvas.rectangle((box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1), fill=outline)
    canvas.rectangle(box, fill=fill)
