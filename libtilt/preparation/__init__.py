"""What is done to a tilt series before it is aligned or reconstructed, image by image.

In the usual order: `exclude_views`, `replace_outliers`, `subtract_plane`, `TiltSeries.normalize`
(mean 0 and standard deviation 1 of each image) and `taper_edges`.

All images that are computed come back as float32, or as float64 where they are; what else belongs
to a series is kept. What is no tilt series is a TypeError; a ValueError names the images that
cannot be used, with their tilt angles, or the option that does not fit.
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
