"""Quality measures of reconstructions: FSC, FRC, residuals, masks, the missing wedge."""

from libtilt.quality.conical import ConicalCorrelation, conical_fsc
from libtilt.quality.correlation_curves import FourierCorrelation
from libtilt.quality.fourier_correlation import frc, fsc
from libtilt.quality.mask_correction import MaskCorrectedCorrelation, mask_corrected_fsc
from libtilt.quality.masks import soft_mask
from libtilt.quality.residuals import reprojection_frc, residual_per_tilt, split_even_odd
from libtilt.quality.wedge import missing_wedge

__all__ = [
    "ConicalCorrelation",
    "FourierCorrelation",
    "MaskCorrectedCorrelation",
    "conical_fsc",
    "frc",
    "fsc",
    "mask_corrected_fsc",
    "missing_wedge",
    "reprojection_frc",
    "residual_per_tilt",
    "soft_mask",
    "split_even_odd",
]
