"""Figures of correlation curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from libtilt.plot.axes import get_axes
from libtilt.quality import FourierCorrelation, MaskCorrectedCorrelation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The colors of RELION's plots.
_COLORS = {
    "unmasked": "tab:green",
    "masked": "tab:blue",
    "phase-randomized": "tab:red",
    "corrected": "black",
}


def fourier_correlation(
    curves: FourierCorrelation | MaskCorrectedCorrelation | Mapping[str, FourierCorrelation],
    *,
    thresholds: tuple[float, ...] = (0.5, 0.143),
    ax: Axes | None = None,
) -> Axes:
    """Draw Fourier shell or ring correlation curves over frequency, with their resolutions.

    The lower axis is spatial frequency in 1/angstrom, the upper axis resolution in angstroms. Dots
    mark where curves first fall below a threshold. If there is one curve, the threshold lines give
    its resolution; for a mask correction, that of the corrected curve. For several curves, the
    legend gives theirs.

    Parameters
    ----------
    curves : FourierCorrelation, MaskCorrectedCorrelation or mapping of str to FourierCorrelation
        One curve; the unmasked, masked, phase-randomized and corrected curves of two half maps; or
        any curves by label. Curves per image are averaged.
    thresholds : tuple of float, optional
        Correlations between 0 and 1 at which to draw horizontal lines.

    Examples
    --------
    >>> from libtilt.plot import fourier_correlation
    >>> from libtilt.quality import FourierCorrelation
    >>> curve = FourierCorrelation([0, 0.1, 0.2], [1, 0.9, 0.1], [1, 18, 62])
    >>> [text.get_text() for text in fourier_correlation(curve).texts]
    ['0.5: 6.67 Å', '0.143: 5.14 Å']
    >>> fourier_correlation({"half maps": curve}).get_legend().get_texts()[0].get_text()
    'half maps'
    """
    named = _by_label(curves)
    ax = get_axes(ax, size=(6.0, 4.2))
    if isinstance(curves, MaskCorrectedCorrelation):
        colors, stated = _COLORS, [curves.corrected]
        if math.isfinite(curves.randomized_from):
            start = f"phases randomized from {1 / curves.randomized_from:.3g} Å"
            ax.axvline(curves.randomized_from, color="tab:red", lw=0.8, ls=":", label=start)
    else:
        colors, stated = {}, list(named.values())
    for label, curve in named.items():
        color, text = colors.get(label), label or None
        if curve in stated and len(stated) > 1:
            listed = (f"{level:g}: {_resolution_text(curve, level)}" for level in thresholds)
            text = f"{label} ({', '.join(listed)})" if thresholds else label
        (line,) = ax.plot(curve.frequencies, curve.correlation, label=text, color=color)
        if curve in stated:
            found = [level for level in thresholds if _crosses(curve, level)]
            places = [1 / float(curve.resolution(level)) for level in found]
            ax.plot(places, found, "o", markersize=4, color=line.get_color())
    draw_thresholds(ax, thresholds, stated[0] if len(stated) == 1 else None)
    label_axes(ax)
    if any(named):
        ax.legend(fontsize=8)
    return ax


def draw_thresholds(
    ax: Axes, thresholds: tuple[float, ...], curve: FourierCorrelation | None = None
) -> None:
    """Draw a line at each threshold, with the resolution of a curve, and one at 0."""
    style: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "bottom"}
    for level in thresholds:
        ax.axhline(level, color="0.6", linewidth=0.8, linestyle="--")
        text = f"{level:g}" if curve is None else f"{level:g}: {_resolution_text(curve, level)}"
        ax.annotate(text, (0.99, level), fontsize=8, color="0.3", **style)
    ax.axhline(0, color="0.8", linewidth=0.8)


def label_axes(ax: Axes) -> None:
    """Label frequency below and resolution above, and show correlations up to 1."""
    ax.set(xlabel="spatial frequency (1/Å)", ylabel="Fourier correlation")
    ax.set(xlim=(0, None), ylim=(None, 1.03))
    above = ax.secondary_xaxis("top")
    above.set_xlabel("resolution (Å)")
    above.xaxis.set_major_formatter(frequency_in_angstroms)


def frequency_in_angstroms(value: float, _: float | None = None) -> str:
    """Return a frequency in 1/angstrom as a tick label in angstroms."""
    return f"{1 / value:.3g}" if value > 0 else "∞"


def _by_label(curves: Any) -> dict[str, FourierCorrelation]:
    """Return curves by label, averaged over images; raise for anything else."""
    if isinstance(curves, MaskCorrectedCorrelation):
        return curves.curves
    named = {"": curves} if isinstance(curves, FourierCorrelation) else curves
    if not isinstance(named, Mapping):
        raise TypeError(
            "curves must be a FourierCorrelation, a MaskCorrectedCorrelation or a mapping from "
            f"labels to FourierCorrelation, got {type(curves).__name__}"
        )
    if not named:
        raise ValueError("curves must hold at least one curve, got none")
    for label, curve in named.items():
        if not isinstance(curve, FourierCorrelation):
            raise TypeError(
                f"curves must hold FourierCorrelation, got {type(curve).__name__} for {label!r}"
            )
    return {
        label: FourierCorrelation(
            curve.frequencies, np.atleast_2d(curve.correlation).mean(axis=0), curve.counts
        )
        for label, curve in named.items()
    }


def _crosses(curve: FourierCorrelation, level: float) -> bool:
    """Return whether the resolution at a level is where the curve crosses it."""
    resolution = float(curve.resolution(level))
    below = curve.correlation[(curve.frequencies > 0) & (curve.counts > 0)] < level
    return math.isfinite(resolution) and bool(below.any())


def _resolution_text(curve: FourierCorrelation, level: float) -> str:
    """Return the resolution; "≤" where no shell is below the level, "none" where all are."""
    resolution = float(curve.resolution(level))
    if math.isinf(resolution):
        return "none"
    return f"{'' if _crosses(curve, level) else '≤ '}{resolution:.3g} Å"
