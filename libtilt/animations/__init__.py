"""Animations of volumes and tilt series: looks, comparisons and slices of iterations."""

from libtilt.animations.comparisons import before_after, side_by_side
from libtilt.animations.iterations import IterationSlices
from libtilt.animations.look import Look
from libtilt.animations.registry import LOOKS, resolve_look
from libtilt.animations.single import animate
from libtilt.animations.slices import Slices
from libtilt.animations.spin import Spin
from libtilt.animations.surface import surface_level
from libtilt.animations.tilts import Tilts

__all__ = [
    "LOOKS",
    "IterationSlices",
    "Look",
    "Slices",
    "Spin",
    "Tilts",
    "animate",
    "before_after",
    "resolve_look",
    "side_by_side",
    "surface_level",
]
