"""What all figures share: axes to draw in, contrast, scale bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from libtilt._checks import one_of
from libtilt.gif.overlays import length_text, nice_length

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_or_new(ax: Axes | None, *, size: tuple[float, float] = (5.0, 5.0)) -> Axes:
    """Return `ax`, or the axes of a new figure of `size` inches."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib; install it with: pip install 'libtilt[plot]'"
        ) from error
    _, made = pyplot.subplots(figsize=size, layout="constrained")
    return made


def contrast(
    values: NDArray[Any], percentiles: tuple[float, float], name: str
) -> tuple[float, float]:
    """Return the values to draw black and white: percentiles of what is finite."""
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise ValueError(f"percentiles must rise within 0 and 100, got {percentiles}")
    finite = values[np.isfinite(values)].astype(np.float64)
    if finite.size == 0:
        raise ValueError(f"{name} must hold finite values, all of them are NaN or infinite")
    black, white = np.percentile(finite, [low, high])
    if black == white:
        return float(black) - 0.5, float(white) + 0.5
    return float(black), float(white)


def check_cmap(cmap: str) -> str:
    """Return the name of a colour map; raise a ValueError where matplotlib has none of it."""
    from matplotlib import colormaps

    return str(one_of(cmap, "cmap", tuple(colormaps)))


def scale_bar(ax: Axes, width: float, height: float, pixel_size: float) -> None:
    """Draw a bar with its length in the lower left corner of an image of `width` pixels."""
    length = nice_length(width * pixel_size)
    pixels, margin = length / pixel_size, 0.04 * min(width, height)
    left, low = margin - 0.5, height - 0.5 - margin
    ax.plot([left, left + pixels], [low, low], color="white", linewidth=3, solid_capstyle="butt")
    style = {"color": "white", "ha": "center", "va": "bottom", "fontsize": 9}
    ax.text(left + pixels / 2, low - margin, length_text(length), **style)  # type: ignore[arg-type]


def bare(ax: Axes) -> None:
    """Take ticks and frame away, as of a picture."""
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)
