"""Tilt geometries, and the grids on which volumes and images lie."""

from libtilt.geometry.image_grid import ImageGrid
from libtilt.geometry.tilt_geometry import TiltGeometry, require_geometry
from libtilt.geometry.volume_grid import VolumeGrid

__all__ = ["ImageGrid", "TiltGeometry", "VolumeGrid", "require_geometry"]
