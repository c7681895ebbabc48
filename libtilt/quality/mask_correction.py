"""Mask-corrected Fourier shell correlation, by phase randomization."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from libtilt.errors.checks import finite_number, floating_dtype, require_kind
from libtilt.quality.correlation_curves import FourierCorrelation
from libtilt.quality.fourier_correlation import fsc
from libtilt.quality.masks import checked_mask, warn_of_hard_edges
from libtilt.quality.shells import Shells
from libtilt.volume import Volume

# Shells that the edge of the randomized part still reaches into.
_TRANSITION = 2


@attrs.frozen(eq=False)
class MaskCorrectedCorrelation:
    """Four Fourier shell correlations of two half maps.

    Attributes
    ----------
    unmasked : FourierCorrelation
        Correlation without the mask.
    masked : FourierCorrelation
        Correlation of the masked maps, which includes that of the mask itself.
    phase_randomized : FourierCorrelation
        Correlation of the masked maps after their phases were randomized: that of the mask.
    corrected : FourierCorrelation
        Correlation of the masked maps, corrected for that of the mask.
    randomized_from : float
        Frequency in 1/angstrom from which phases were randomized.
    """

    unmasked: FourierCorrelation
    masked: FourierCorrelation
    phase_randomized: FourierCorrelation
    corrected: FourierCorrelation
    randomized_from: float

    @property
    def curves(self) -> dict[str, FourierCorrelation]:
        """The four curves by name, as `libtilt.plot.fourier_correlation` draws them."""
        return {
            "unmasked": self.unmasked,
            "masked": self.masked,
            "phase-randomized": self.phase_randomized,
            "corrected": self.corrected,
        }


def mask_corrected_fsc(
    first: Volume,
    second: Volume,
    mask: ArrayLike,
    *,
    missing_wedge: ArrayLike | None = None,
    randomize_below: float = 0.8,
    seed: int = 0,
) -> MaskCorrectedCorrelation:
    """Return the Fourier shell correlation inside a mask, corrected for the mask.

    Parameters
    ----------
    first, second : Volume
        Half maps of one grid, shape ``(d, h, w)``.
    mask : array_like, shape (d, h, w)
        Mask with values from 0 to 1 that multiplies both volumes. It should have soft edges, as by
        `libtilt.quality.soft_mask`.
    missing_wedge : array_like of bool, shape (d, h, w), optional
        Frequencies to exclude, as in `libtilt.quality.fsc`.
    randomize_below : float, optional
        Phases are randomized from the first shell whose unmasked correlation is below this value.
    seed : int, optional
        Seed of the random phases.

    Returns
    -------
    MaskCorrectedCorrelation
        Its ``corrected.resolution()`` is the resolution inside the mask.

    Raises
    ------
    TypeError, ValueError
        As `libtilt.quality.fsc`, or if `randomize_below` is not between 0 and 1.

    Warns
    -----
    LibtiltWarning
        If the mask has hard edges.

    Notes
    -----
    With ``t`` the masked and ``n`` the phase-randomized correlation, the corrected one is
    ``(t - n) / (1 - n)`` [1]_, from the second shell after the first randomized one; before that
    shell it equals the masked one. A correlation that stays above `randomize_below` in all shells
    is not corrected.

    References
    ----------
    .. [1] Chen, S. et al. (2013), Ultramicroscopy 135, 24-35.

    Examples
    --------
    Pure noise under a small mask correlates by the mask alone:

    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.quality import mask_corrected_fsc
    >>> halves = [Volume(part) for part in np.random.default_rng(0).normal(size=(2, 32, 32, 32))]
    >>> z, y, x = np.indices((32, 32, 32)) - 16
    >>> mask = np.exp(-(z**2 + y**2 + x**2) / 2 / 4**2)
    >>> curves = mask_corrected_fsc(*halves, mask)
    >>> bool(abs(curves.corrected.correlation[5:].mean()) < 0.15)
    True
    """
    level = finite_number(randomize_below, "randomize_below")
    if not 0 < level < 1:
        raise ValueError(f"randomize_below must lie between 0 and 1, got {randomize_below!r}")
    first = require_kind(first, Volume, "first")
    warn_of_hard_edges(checked_mask(mask, first.shape))
    unmasked = fsc(first, second, missing_wedge=missing_wedge)
    masked = fsc(first, second, mask=mask, missing_wedge=missing_wedge)
    known = (unmasked.frequencies > 0) & (unmasked.counts > 0)
    below = np.flatnonzero(known & (unmasked.correlation < level))
    if not below.size:
        return MaskCorrectedCorrelation(unmasked, masked, masked, masked, np.inf)
    start = int(below[0])
    frequency = float(unmasked.frequencies[start])
    generator = np.random.default_rng(seed)
    noise = [_randomized(volume, frequency, generator) for volume in (first, second)]
    randomized = fsc(*noise, mask=mask, missing_wedge=missing_wedge)
    total, by_mask = masked.correlation, randomized.correlation
    corrected = (total - by_mask) / np.maximum(1 - by_mask, np.finfo(float).eps)
    corrected[: start + _TRANSITION] = total[: start + _TRANSITION]
    curve = FourierCorrelation(masked.frequencies, corrected.clip(-1, 1), masked.counts)
    return MaskCorrectedCorrelation(unmasked, masked, randomized, curve, frequency)


def _randomized(volume: Volume, frequency: float, generator: np.random.Generator) -> Volume:
    """Return a volume whose phases from a frequency on are those of white noise."""
    data = volume.data.astype(floating_dtype(volume.dtype), copy=False)
    transform = fft.rfftn(data)
    noise = fft.rfftn(generator.standard_normal(data.shape).astype(data.dtype))
    shells = Shells(volume.shape, volume.voxel_size[::-1].tolist())
    z, y, x = np.ix_(*shells.squares())
    # Half a shell before its center, as shells are assigned.
    half = 0.5 * float(shells.frequencies[1]) if len(shells.frequencies) > 1 else 0.0
    beyond = np.sqrt(z + y + x) >= frequency - half
    amplitude = np.abs(noise)
    phases = np.divide(noise, amplitude, out=np.ones_like(noise), where=amplitude > 0)
    mixed = np.where(beyond, np.abs(transform) * phases, transform)
    result = fft.irfftn(mixed, s=data.shape).astype(data.dtype, copy=False)
    return Volume(result, voxel_size=volume.voxel_size, center=volume.center)
