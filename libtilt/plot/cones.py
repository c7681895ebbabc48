"""Figures of conical Fourier shell correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.colors import require_cmap
from libtilt.errors.checks import Float64Array, require_kind
from libtilt.plot.axes import get_axes, hide_frame, text_outline
from libtilt.plot.curves import draw_thresholds, frequency_in_angstroms, label_axes
from libtilt.quality import ConicalCorrelation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PIXELS = 401
# Limits of the correlation.
_BOTTOM, _TOP = -0.5, 1.03


def conical_correlation(
    cones: ConicalCorrelation, *, threshold: float = 0.143, ax: Axes | None = None
) -> Axes:
    """Draw the curves of all cones, their mean and spread, and a histogram of resolutions.

    Thin lines are the cones, dashed lines lie one standard deviation from their mean. Bars, on a
    second axis, give the percentage of cones whose resolution lies in each shell. Cones without
    data, or with their axis in the missing wedge, are left out and counted in the title; a mean is
    over the cones with data in that shell.

    Parameters
    ----------
    cones : ConicalCorrelation
        Result of `libtilt.quality.conical_fsc`.
    threshold : float, optional
        Correlation between 0 and 1 that defines the resolution.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.plot import conical_correlation
    >>> from libtilt.quality import conical_fsc
    >>> signal, *noise = np.random.default_rng(0).normal(size=(3, 16, 16, 16))
    >>> cones = conical_fsc(*(Volume(signal + part) for part in noise), count=8)
    >>> conical_correlation(cones).get_title()
    '8 cones of 20°'
    """
    resolutions = _require_measured(cones).resolution(threshold)
    measured = [curve for curve, kept in zip(cones.curves, cones.measured, strict=True) if kept]
    ax = get_axes(ax, size=(6.0, 4.2))
    frequencies = measured[0].frequencies
    values = np.ma.masked_array(
        [curve.correlation for curve in measured], [curve.counts == 0 for curve in measured]
    )
    _draw_histogram(ax, resolutions[np.isfinite(resolutions)], frequencies, len(measured))
    for row in values:
        ax.plot(frequencies, row, color="0.5", linewidth=0.5, alpha=0.25)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    for side, text in ((-spread, None), (spread, "± 1 standard deviation")):
        edge = np.ma.clip(mean + side, -1, 1)
        ax.plot(frequencies, edge, color="tab:green", linestyle="--", label=text)
    ax.plot(frequencies, mean, color="tab:blue", linewidth=2, label="mean of cones")
    draw_thresholds(ax, (threshold,))
    label_axes(ax)
    # Single cones scatter down to -1 where there is no signal; bars stand below 0.
    ax.set_ylim(_BOTTOM, _TOP)
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.legend(fontsize=8, loc="upper right")
    without = len(cones.curves) - len(measured)
    title = f"{len(cones.curves)} cones of {cones.half_angle:g}°"
    why = "in the missing wedge" if cones.in_missing_wedge.any() else "without data"
    ax.set_title(f"{title}, {without} {why}" if without else title)
    return ax


def _require_measured(cones: ConicalCorrelation) -> ConicalCorrelation:
    require_kind(cones, ConicalCorrelation, "cones")
    if not cones.measured.any():
        raise ValueError(
            "cones must hold at least one cone with Fourier components and an axis outside the "
            "missing wedge, got none"
        )
    return cones


def _draw_histogram(
    ax: Axes, resolutions: Float64Array, frequencies: Float64Array, count: int
) -> None:
    """Draw the percentage of cones by resolution, one bar a shell, behind the curves."""
    step = frequencies[1] - frequencies[0] if len(frequencies) > 1 else 1.0
    edges = np.append(frequencies, frequencies[-1] + step) - step / 2
    numbers, _ = np.histogram(1 / resolutions, edges)
    right = ax.twinx()
    right.bar(frequencies, 100 * numbers / count, 0.9 * step, color="tab:orange", alpha=0.35)
    right.set_ylabel("cones by resolution (%)", color="tab:orange", loc="bottom")
    # Bars fill the room below a correlation of 0, and the curves stay in front.
    peak = max(100 * numbers.max() / count, 1)
    right.set_ylim(0, 1.1 * peak * (_TOP - _BOTTOM) / -_BOTTOM)
    right.set_yticks([tick for tick in right.get_yticks() if tick <= 1.1 * peak])
    ax.set_zorder(right.get_zorder() + 1)
    ax.patch.set_visible(False)


def directional_resolution(
    cones: ConicalCorrelation,
    *,
    threshold: float = 0.143,
    cmap: str = "viridis",
    ax: Axes | None = None,
) -> Axes:
    """Draw the resolution in angstroms over all directions, as a map of the half sphere.

    The view is along z: the center of the disc is the direction z, its rim holds the directions
    in the x, y plane, x to the right and y downward as in slices. Areas are those on the sphere.
    Each point has the color of the nearest cone, gray if that has no data or its axis lies in the
    missing wedge. Colors are linear in frequency and labeled in angstroms.

    Parameters
    ----------
    cones : ConicalCorrelation
        Result of `libtilt.quality.conical_fsc`.
    threshold : float, optional
        Correlation between 0 and 1 that defines the resolution.

    Notes
    -----
    The map is Lambert's azimuthal equal-area projection.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.plot import directional_resolution
    >>> from libtilt.quality import conical_fsc
    >>> signal, *noise = np.random.default_rng(0).normal(size=(3, 16, 16, 16))
    >>> cones = conical_fsc(*(Volume(signal + part) for part in noise), count=8)
    >>> directional_resolution(cones).get_title()
    'resolution by direction, FSC 0.143'
    """
    resolutions = _require_measured(cones).resolution(threshold)
    require_cmap(cmap)
    nearest, inside = _nearest_cones(cones.directions)
    frequencies = np.ma.masked_where(~inside, 1 / resolutions[nearest])
    ax = get_axes(ax, size=(5.4, 4.4))
    from matplotlib import colormaps
    from matplotlib.patches import Circle, Patch

    disc = Circle((0, 0), 1, facecolor="0.7", edgecolor="black", linewidth=0.8, zorder=0)
    ax.add_patch(disc)
    colors = colormaps[cmap].with_extremes(bad="none")
    shown = np.ma.masked_invalid(frequencies)
    image = ax.imshow(shown, extent=(-1, 1, 1, -1), cmap=colors, interpolation="nearest")
    center: dict[str, Any] = {"ha": "center", "va": "center"}
    ax.text(1.05, 0, "x", **center)
    ax.text(0, 1.09, "y", **center)
    ax.text(0, 0, "z", color="white", **center, **text_outline())
    bar = ax.figure.colorbar(image, ax=ax, label="resolution (Å)", shrink=0.8)
    bar.ax.yaxis.set_major_formatter(frequency_in_angstroms)
    hide_frame(ax)
    ax.set(xlim=(-1.12, 1.12), ylim=(1.3, -1.05), aspect="equal")
    if np.isnan(resolutions).any():
        label = "missing wedge" if cones.in_missing_wedge.any() else "no data"
        gray = Patch(facecolor="0.7", edgecolor="black", linewidth=0.8, label=label)
        ax.legend(handles=[gray], loc="lower right", fontsize=9, frameon=False)
    ax.set_title(f"resolution by direction, FSC {threshold:g}")
    return ax


def _nearest_cones(directions: Float64Array) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the index of the nearest axis for each pixel of the map, and which are within it."""
    place = np.linspace(-1, 1, _PIXELS)
    squares = place**2 + place[:, np.newaxis] ** 2
    inside = squares <= 1
    # With u, v on the disc: x, y = u, v times sqrt(2 - r^2), and z = 1 - r^2.
    across = np.sqrt(2 - np.minimum(squares, 1))
    x, y = place * across, place[:, np.newaxis] * across
    points = np.stack([x, y, 1 - np.minimum(squares, 1)], axis=-1)
    nearest: NDArray[np.intp] = np.abs(points @ directions.T).argmax(axis=-1)
    return nearest, inside
