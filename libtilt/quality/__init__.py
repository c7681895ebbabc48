"""The numbers by which a reconstruction is judged."""

from libtilt.quality.conical import ConicalCorrelation, conical_fsc
from libtilt.quality.correlation import frc, fsc
from libtilt.quality.fourier_correlation import FourierCorrelation
from libtilt.quality.mask_correction import MaskCorrectedCorrelation, mask_corrected_fsc
from libtilt.quality.residuals import even_odd, frc_of_reprojections, residual_per_tilt
from libtilt.quality.wedge import missing_wedge

__all__ = [
    "ConicalCorrelation",
    "FourierCorrelation",
    "MaskCorrectedCorrelation",
    "conical_fsc",
    "even_odd",
    "frc",
    "frc_of_reprojections",
    "fsc",
    "mask_corrected_fsc",
    "missing_wedge",
    "residual_per_tilt",
]
