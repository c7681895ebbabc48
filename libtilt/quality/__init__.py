"""Quality measures of reconstructions: FSC, FRC, residuals, the missing wedge."""

from libtilt.quality.correlation_curves import FourierCorrelation
from libtilt.quality.fourier_correlation import frc, fsc
from libtilt.quality.residuals import reprojection_frc, residual_per_tilt, split_even_odd
from libtilt.quality.wedge import missing_wedge

__all__ = [
    "FourierCorrelation",
    "frc",
    "fsc",
    "missing_wedge",
    "reprojection_frc",
    "residual_per_tilt",
    "split_even_odd",
]
