"""Animations from frames of gray values: contrast, colors, texts, and the files that hold them."""

from libtilt.drawing.animation import Animation
from libtilt.drawing.contrast import to_gray
from libtilt.drawing.panel import Panel
from libtilt.drawing.style import Style

__all__ = ["Animation", "Panel", "Style", "to_gray"]
