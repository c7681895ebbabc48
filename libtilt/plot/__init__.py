"""Figures of volumes, tilt series, geometries and curves, with matplotlib (extra ``plot``).

Every function draws in ``ax=``, matplotlib `Axes` (by default those of a new figure), and returns
them without showing or saving. The two `percentiles` of all finite values are black and white,
and `cmap` is a matplotlib color map. Functions raise a TypeError for arguments of the wrong type, a
ValueError for invalid ones or data without finite values, and an ImportError without matplotlib.
"""

from libtilt.plot.comparisons import compare_slices
from libtilt.plot.cones import conical_correlation, directional_resolution
from libtilt.plot.curves import fourier_correlation
from libtilt.plot.geometries import tilt_scheme, tilt_scheme_3d, tilted_specimen
from libtilt.plot.stacks import contact_sheet, sinogram
from libtilt.plot.volumes import orthoslices, power_spectrum

__all__ = [
    "compare_slices",
    "conical_correlation",
    "contact_sheet",
    "directional_resolution",
    "fourier_correlation",
    "orthoslices",
    "power_spectrum",
    "sinogram",
    "tilt_scheme",
    "tilt_scheme_3d",
    "tilted_specimen",
]
