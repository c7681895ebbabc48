"""Fonts for text in pictures: Pillow's default, and matplotlib's for letters that it lacks."""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

from PIL import ImageFont


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
    return letter.isspace() or bytes(font.getmask(letter)) != absent
