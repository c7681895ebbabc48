"""Volumes and tilt series as frames and panels to animate, alone and beside each other."""

from libtilt.animations.comparisons import before_after, side_by_side
from libtilt.animations.iterations import IterationFilm
from libtilt.animations.objects import panel_of, series_panel, volume_panel
from libtilt.animations.slices import slice_frames
from libtilt.animations.spin import spin_frames
from libtilt.animations.surface import surface_level

__all__ = [
    "IterationFilm",
    "before_after",
    "panel_of",
    "series_panel",
    "side_by_side",
    "slice_frames",
    "spin_frames",
    "surface_level",
    "volume_panel",
]
