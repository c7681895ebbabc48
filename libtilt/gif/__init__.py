"""Animations from frames of grey values: GIF, animated PNG and MP4, of one panel or several."""

from libtilt.gif.contrast import to_grey
from libtilt.gif.overlays import Overlay
from libtilt.gif.panels import Panel
from libtilt.gif.writing import save_animation, save_gif

__all__ = ["Overlay", "Panel", "save_animation", "save_gif", "to_grey"]
