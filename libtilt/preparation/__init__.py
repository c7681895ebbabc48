"""Preparation of tilt series for alignment and reconstruction, image by image.

In the usual order: `exclude_views`, `replace_outliers`, `subtract_plane`, `TiltSeries.normalize`
(mean 0 and standard deviation 1 of each image) and `taper_edges`.

Computed images are float32, or float64 for float64 input; other fields of a series are kept.
Functions raise a TypeError for other objects than a tilt series, and a ValueError that names
unusable images with their tilt angles, or the invalid option.
"""

from libtilt.preparation.pixels import replace_outliers, subtract_plane, taper_edges
from libtilt.preparation.views import exclude_views, find_flat_views, require_usable

__all__ = [
    "exclude_views",
    "find_flat_views",
    "replace_outliers",
    "require_usable",
    "subtract_plane",
    "taper_edges",
]
