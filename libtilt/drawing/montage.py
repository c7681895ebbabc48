"""`Montage`: the frames of panels side by side, drawn at any width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from libtilt.drawing.colors import Colors
from libtilt.drawing.contrast import Frames
from libtilt.drawing.layout import GAP, Layout
from libtilt.drawing.overlays import draw_overlay
from libtilt.drawing.panel import Panel
from libtilt.drawing.style import Style

# Objects of more different sizes each fill the height, at their own scale.
_SMALLEST_SHARE = 1 / 8


@attrs.frozen(eq=False)
class Montage:
    """Panels with their gray values and shared colors; the longest one sets the frame count.

    `shares` is the part of the height that the frames of each panel fill, between bars, and
    `orders` holds the indices of its frames in the order shown.
    """

    panels: tuple[Panel, ...]
    grays: tuple[Frames, ...]
    shares: tuple[float, ...]
    colors: Colors
    orders: tuple[NDArray[np.intp], ...] = attrs.field(
        default=attrs.Factory(
            lambda self: tuple(panel.order for panel in self.panels), takes_self=True
        ),
        kw_only=True,
    )
    _overlays: dict[tuple[int, ...], tuple[Frames, Frames] | None] = attrs.field(
        factory=dict, repr=False, init=False
    )

    @classmethod
    def from_panels(cls, panels: tuple[Panel, ...], *, full_color: bool) -> Montage:
        """Compute gray values, colors and scales; panels at one scale share the first scale bar."""
        colors = Colors.from_cmaps(tuple(panel.style.cmap for panel in panels), full=full_color)
        grays = tuple(panel.gray() for panel in panels)
        extents = [_extent(panel) for panel in panels]
        tallest = max((extent for extent in extents if extent), default=1.0)
        shares = tuple(extent / tallest if extent else 1.0 for extent in extents)
        if min(shares) < _SMALLEST_SHARE:
            return cls(panels, grays, (1.0,) * len(panels), colors)
        first = next((panel for panel in panels if panel.style.pixel_size), None)
        panels = tuple(panel if panel is first else _without_bar(panel) for panel in panels)
        return cls(panels, grays, shares, colors)

    def __len__(self) -> int:
        return max(map(len, self.orders))

    def thinned(self, count: int) -> Montage:
        """Return the montage with the frames of panels thinned to at most `count`."""
        return attrs.evolve(self, orders=tuple(p.thinned_order(count) for p in self.panels))

    def thinned_counts(self) -> list[int]:
        """Return the numbers of frames that a thinned montage can have, in increasing order."""
        return sorted(set[int]().union(*(panel.thinned_counts() for panel in self.panels)))

    @property
    def layout(self) -> Layout:
        """Layout of the panels in a picture."""
        shares = zip(self.grays, self.shares, strict=True)
        return Layout(tuple(gray.shape[2] / gray.shape[1] * share for gray, share in shares))

    @property
    def height(self) -> int:
        """Height of the tallest panel in pixels."""
        return max(int(gray.shape[1]) for gray in self.grays)

    def frame(self, position: int, width: int) -> NDArray[np.uint8]:
        """Return the pixels of the frame at a position of the sequence."""
        height, widths = self.layout.sizes(width)
        parts: list[NDArray[np.uint8]] = []
        drawn = zip(self.panels, self.grays, self.orders, self.shares, widths, strict=True)
        for panel, gray, order, share, across in drawn:
            index = int(order[position * len(order) // len(self)])
            shape = max(1, round(height * share)), across
            pixels = self._fill(self._paint(panel, gray, index, shape), height, panel.style)
            overlay = self._overlay(panel, index, (height, across), across / gray.shape[2])
            if parts:
                white = self.colors.white
                parts.append(np.full((height, GAP, *white.shape), white, np.uint8))
            parts.append(pixels if overlay is None else self.colors.write(pixels, *overlay))
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def frames(self, positions: Iterable[int], width: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames at some positions of the sequence."""
        return (self.frame(position, width) for position in positions)

    def _paint(
        self, panel: Panel, gray: Frames, index: int, shape: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Return the pixels of a frame at another size, on the background of its style."""
        shown = resize(gray[index], shape)
        if panel.opacity is None or panel.style.background is None:
            return self.colors.paint(shown, panel.style.cmap)
        alpha = resize(np.rint(255 * panel.opacity[index].clip(0, 1)).astype(np.uint8), shape)
        # Brightness without the opacity that it is multiplied by.
        full = (shown * 255.0 / np.maximum(alpha, 1)).clip(0, 255).astype(np.uint8)
        ink = 255 if panel.style.background == "white" else 0
        return self.colors.place(self.colors.paint(full, panel.style.cmap), alpha, ink)

    def _fill(self, pixels: NDArray[np.uint8], height: int, style: Style) -> NDArray[np.uint8]:
        """Return pixels centered between bars, at the given height."""
        missing = height - len(pixels)
        if not missing:
            return pixels
        bar = self.colors.white if style.background == "white" else self.colors.black
        filled = np.full((height, *pixels.shape[1:]), bar, np.uint8)
        filled[missing // 2 : missing // 2 + len(pixels)] = pixels
        return filled

    def _overlay(
        self, panel: Panel, index: int, shape: tuple[int, int], zoom: float
    ) -> tuple[Frames, Frames] | None:
        """Return the overlay of a frame; one shared by all frames is drawn once."""
        if panel.style.overlays_vary:
            return draw_overlay(panel.style, index, shape, zoom)
        key = (id(panel), *shape)
        if key not in self._overlays:
            self._overlays[key] = draw_overlay(panel.style, 0, shape, zoom)
        return self._overlays[key]


def _extent(panel: Panel) -> float | None:
    """Return the height of a panel's frames in angstroms, or None if it is not known."""
    pixel_size = panel.style.pixel_size or panel.pixel_size
    return None if pixel_size is None else panel.frames.shape[1] * pixel_size


def _without_bar(panel: Panel) -> Panel:
    return attrs.evolve(panel, style=attrs.evolve(panel.style, pixel_size=None))


def resize(gray: Frames, shape: tuple[int, int]) -> Frames:
    """Return one frame at another size; averaged when shrinking, against speckle."""
    if gray.shape == shape:
        return gray
    image = Image.fromarray(gray).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image)
