"""Figures of volumes, tilt series, geometries and curves, with matplotlib (extra ``plot``).

Every function takes ``ax=`` and returns the matplotlib `Axes` that it drew in; none shows or saves.
"""

from libtilt.plot.curves import fourier_correlation
from libtilt.plot.drawings import tilt_scheme_3d, turned_specimen
from libtilt.plot.schemes import tilt_scheme
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
    "turned_specimen",
]
