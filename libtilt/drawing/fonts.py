"""Fonts for texts in pictures: Pillow's own, and matplotlib's for letters that it lacks."""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

from PIL import ImageFont


@functools.lru_cache(maxsize=64)
def font_for(text: str, size: int) -> Any:
    """Return a font that has the letters of a text: Pillow's own, else one of matplotlib's.

    Pillow's font has few letters beyond ASCII. Where matplotlib (extra ``plot``) is missing too, it
    is taken all the same; see `readable`.

    Examples
    --------
    >>> from libtilt.drawing.fonts import font_for
    >>> font_for("12.0°", 12).getname()[0]
    'Aileron'
    """
    own = ImageFont.load_default(size=size)
    if _has(own, text):
        return own
    try:
        from matplotlib import get_data_path
    except ImportError:
        return own
    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def readable(text: str, font: Any) -> str:
    """Return a text in the letters that a font has: without accents, else with question marks.

    Examples
    --------
    >>> from libtilt.drawing.fonts import font_for, readable
    >>> readable("Ångström λ", font_for("A", 12))
    'Angstrom ?'
    """
    if _has(font, text):
        return text
    plain = (letter for letter in unicodedata.normalize("NFKD", text) if letter.isprintable())
    kept = (letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if _has(font, letter) else "?" for letter in kept)


def _has(font: Any, text: str) -> bool:
    """Whether a font has all letters of a text."""
    return all(_has_letter(font, letter) for letter in set(text))


@functools.lru_cache(maxsize=4096)
def _has_letter(font: Any, letter: str) -> bool:
    absent = bytes(font.getmask("\uffff"))
    return letter.isspace() or bytes(font.getmask(letter)) != absent
