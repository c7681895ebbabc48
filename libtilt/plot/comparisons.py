"""Figures of several volumes side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import one_of, positive_integer, require_kind
from libtilt.plot.axes import color_scale, draw_scale_bar, get_axes, hide_frame, text_outline
from libtilt.volume import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Normal of a slice: the axes of its columns and rows.
_PLANES = {"z": ("x", "y"), "y": ("x", "z"), "x": ("y", "z")}


def compare_slices(
    volumes: Mapping[str, Volume],
    *,
    normals: Sequence[str] = ("z", "y"),
    columns: int | None = None,
    percentiles: tuple[float, float] = (0.5, 99.8),
    cmap: str = "gray",
    ax: Axes | None = None,
) -> Axes:
    """Draw central slices of several volumes side by side, at one scale in angstroms.

    Densities of different methods have different scales, so each volume is drawn black and white
    between its own percentiles, as the line below the figure says.

    Parameters
    ----------
    volumes : mapping of str to Volume
        Volumes of shape ``(d, h, w)`` by title, from left to right.
    normals : sequence of {"z", "y", "x"}, optional
        Normals of the slices through the center of each volume, from top to bottom.
    columns : int, optional
        Volumes per row; by default at most 4.
    percentiles : (float, float), optional
        Percentiles of the finite values of all slices of one volume.

    Examples
    --------
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.plot import compare_slices
    >>> volume = GaussianBlobs.ribosome_like().volume((24, 32, 32), voxel_size=8.0)
    >>> ax = compare_slices({"map": volume, "ten times": 10 * volume})
    >>> ax.get_xlabel()
    'black and white: percentiles 0.5 and 99.8 of each volume'
    >>> [image.get_clim()[1] > 5 for image in ax.images]
    [False, False, True, True]
    """
    _require_volumes(volumes, normals)
    most = 4 if columns is None else positive_integer(columns, "columns")
    across = min(len(volumes), most)
    stacks = {
        title: [_Slice.from_volume(volume, normal) for normal in normals]
        for title, volume in volumes.items()
    }
    scales = {}
    for title, stack in stacks.items():
        values = np.concatenate([part.data.ravel() for part in stack])
        scales[title] = color_scale(values, percentiles, cmap, f"volumes[{title!r}]")
    width = max(part.width for stack in stacks.values() for part in stack)
    heights = [max(part.height for part in row) for row in zip(*stacks.values(), strict=True)]
    gap, head = 0.03 * width, 0.14 * width
    cell = (width + gap, head + sum(heights) + gap * len(heights))
    rows = math.ceil(len(stacks) / across)
    right, bottom = across * cell[0] - gap, rows * cell[1]
    ax = get_axes(ax, size=(1.7 * across, 1.7 * bottom / cell[0] + 0.3))
    for index, (title, stack) in enumerate(stacks.items()):
        left, top = index % across * cell[0], index // across * cell[1] + head
        ax.text(left + width / 2, top - 0.2 * head, title, ha="center", va="bottom", fontsize=9)
        for part, height in zip(stack, heights, strict=True):
            _draw(ax, part, left + (width - part.width) / 2, top, scales[title], named=not index)
            top += height + gap
    first = stacks[next(iter(stacks))][0]
    draw_scale_bar(ax, first.width, first.height, 1.0, ((width - first.width) / 2, head))
    hide_frame(ax)
    low, high = percentiles
    ax.set(xlim=(0, right), ylim=(bottom, 0), aspect="equal")
    ax.set_xlabel(f"black and white: percentiles {low:g} and {high:g} of each volume", fontsize=8)
    return ax


@attrs.frozen(eq=False)
class _Slice:
    """A central slice `(h, w)`, the names of its axes, and its sides in angstroms."""

    data: NDArray[Any]
    names: tuple[str, str]
    width: float
    height: float

    @classmethod
    def from_volume(cls, volume: Volume, normal: str) -> _Slice:
        axis = "zyx".index(normal)
        data = np.take(volume.data, volume.shape[axis] // 2, axis=axis)
        names = _PLANES[normal]
        u, v = (float(volume.voxel_size["xyz".index(name)]) for name in names)
        return cls(data, names, data.shape[1] * u, data.shape[0] * v)


def _require_volumes(volumes: Mapping[str, Volume], normals: Sequence[str]) -> None:
    if not isinstance(volumes, Mapping):
        raise TypeError(
            'volumes must be a mapping from titles to volumes, such as {"map": volume}, '
            f"got {type(volumes).__name__}"
        )
    if not volumes:
        raise ValueError("volumes must hold at least one volume, got none")
    for title, volume in volumes.items():
        require_kind(volume, Volume, f"volumes[{title!r}]")
    if not normals:
        raise ValueError("normals must hold at least one of z, y and x, got none")
    for normal in normals:
        one_of(normal, "normals", tuple(_PLANES))


def _draw(
    ax: Axes, part: _Slice, left: float, top: float, scale: dict[str, Any], *, named: bool
) -> None:
    """Draw a slice with its upper left corner at a point, with the names of its axes if asked."""
    extent = (left, left + part.width, top + part.height, top)
    ax.imshow(part.data, extent=extent, interpolation="nearest", **scale)
    if named:
        inset = 0.04 * part.width
        text = f"{part.names[0]}, {part.names[1]}"
        style: dict[str, Any] = {"color": "white", "fontsize": 8, "va": "top"} | text_outline()
        ax.text(left + inset, top + inset, text, **style)
