"""Drawing of frames: contrast, colors, overlays, and writers of animation files."""

from libtilt.drawing.animation import Animation
from libtilt.drawing.contrast import to_gray
from libtilt.drawing.panel import Panel
from libtilt.drawing.style import Style

__all__ = ["Animation", "Panel", "Style", "to_gray"]
