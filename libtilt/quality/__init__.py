"""The numbers by which a reconstruction is judged."""

from libtilt.quality.correlation import frc, fsc
from libtilt.quality.fourier_correlation import FourierCorrelation
from libtilt.quality.residuals import even_odd, frc_of_reprojections, residual_per_tilt
from libtilt.quality.wedge import missing_wedge

__all__ = [
    "FourierCorrelation",
    "even_odd",
    "frc",
    "frc_of_reprojections",
    "fsc",
    "missing_wedge",
    "residual_per_tilt",
]
