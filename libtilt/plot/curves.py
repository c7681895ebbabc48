"""Figures of correlation curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from libtilt.plot.axes import get_axes
from libtilt.quality import FourierCorrelation

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def fourier_correlation(
    curves: FourierCorrelation | Mapping[str, FourierCorrelation],
    *,
    thresholds: tuple[float, ...] = (0.5, 0.143),
    ax: Axes | None = None,
) -> Axes:
    """Draw Fourier shell or ring correlation curves over frequency in 1/angstrom.

    Parameters
    ----------
    curves : FourierCorrelation or mapping of str to FourierCorrelation
        One curve, or several by label. Curves per image are averaged.
    thresholds : tuple of float, optional
        Correlations at which to draw horizontal lines.

    Examples
    --------
    >>> from libtilt.plot import fourier_correlation
    >>> from libtilt.quality import FourierCorrelation
    >>> curve = FourierCorrelation([0, 0.1, 0.2], [1, 0.9, 0.1], [1, 18, 62])
    >>> fourier_correlation({"half maps": curve}).get_legend().get_texts()[0].get_text()
    'half maps'
    """
    named = {"": curves} if isinstance(curves, FourierCorrelation) else curves
    if not isinstance(named, Mapping):
        raise TypeError(
            "curves must be a FourierCorrelation or a mapping from labels to them, "
            f"got {type(curves).__name__}"
        )
    if not named:
        raise ValueError("curves must hold at least one curve, got none")
    for label, curve in named.items():
        if not isinstance(curve, FourierCorrelation):
            raise TypeError(
                f"curves must hold FourierCorrelation, got {type(curve).__name__} for {label!r}"
            )
    ax = get_axes(ax, size=(6.0, 4.0))
    for label, curve in named.items():
        values = np.atleast_2d(curve.correlation).mean(axis=0)
        ax.plot(curve.frequencies, values, label=label or None)
    for level in thresholds:
        ax.axhline(level, color="0.6", linewidth=0.8, linestyle="--")
        ax.annotate(f"{level:g}", (0.995, level), xycoords=("axes fraction", "data"), ha="right",
                    va="bottom", fontsize=8, color="0.4")  # fmt: skip
    ax.axhline(0, color="0.8", linewidth=0.8)
    ax.set(xlabel="spatial frequency (1/Å)", ylabel="Fourier correlation")
    ax.set(xlim=(0, None), ylim=(None, 1.03))
    if any(named):
        ax.legend()
    return ax
