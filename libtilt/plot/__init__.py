"""Figures of volumes, tilt series, geometries and curves, with matplotlib (extra ``plot``).

Every function takes ``ax=``, the matplotlib `Axes` to draw in (by default those of a new figure),
and returns it; none shows or saves. Where there are `percentiles`, those of all finite values are
drawn black and white, and `cmap` is a color map of matplotlib. An argument of the wrong kind is a
TypeError, one that does not fit or nothing finite to draw a ValueError, and a missing matplotlib an
ImportError that names the extra.
"""

from libtilt.plot.curves import fourier_correlation
from libtilt.plot.geometries import tilt_scheme, tilt_scheme_3d, tilted_specimen
from libtilt.plot.stacks import contact_sheet, sinogram
from libtilt.plot.volumes import orthoslices, power_spectrum

__all__ = [
    "contact_sheet",
    "fourier_correlation",
    "orthoslices",
    "power_spectrum",
    "sinogram",
    "tilt_scheme",
    "tilt_scheme_3d",
    "tilted_specimen",
]
