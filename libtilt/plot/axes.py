"""Axes, contrast, text outlines and scale bars of all figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libtilt.drawing.colors import require_cmap
from libtilt.drawing.contrast import shared_limits
from libtilt.drawing.overlays import length_text, scale_bar_length
from libtilt.errors.installing import pip_install

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def get_axes(ax: Axes | None, *, size: tuple[float, float] = (5.0, 5.0)) -> Axes:
    """Return `ax`, or the axes of a new figure of `size` inches."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f"figures need matplotlib; install it with: {pip_install('plot')}"
        ) from error
    _, made = pyplot.subplots(figsize=size, layout="constrained")
    return made


def color_scale(values: Any, percentiles: Any, cmap: str, name: str) -> dict[str, Any]:
    """Return color map and limits, from percentiles of finite values, for `Axes.imshow`."""
    low, high = shared_limits(values, percentiles, name)
    return {"cmap": require_cmap(cmap), "vmin": low, "vmax": high}


def text_outline() -> dict[str, Any]:
    """Return text options for an outline that is readable on any background."""
    from matplotlib.patheffects import withStroke

    return {"path_effects": [withStroke(linewidth=1.5, foreground="black")]}


def draw_scale_bar(
    ax: Axes,
    width: float,
    height: float,
    pixel_size: float,
    corner: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Draw a scale bar and its length at the lower left of an image; `corner` is its upper left."""
    length = scale_bar_length(width * pixel_size)
    pixels, margin = length / pixel_size, 0.04 * min(width, height)
    left, low = corner[0] + margin, corner[1] + height - margin
    ax.plot([left, left + pixels], [low, low], color="white", linewidth=3, solid_capstyle="butt")
    style: dict[str, Any] = {"color": "white", "ha": "left", "va": "bottom", "fontsize": 9}
    ax.text(left, low - margin, length_text(length), **style, **text_outline())


def hide_frame(ax: Axes) -> None:
    """Hide ticks and spines."""
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(False)
