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


@attrs.frozen(eq=False)
class Montage:
    """Panels with their gray values and shared colors; the longest one sets the frame count."""

    panels: tuple[Panel, ...]
    grays: tuple[Frames, ...]
    colors: Colors
    _overlays: dict[tuple[int, ...], tuple[Frames, Frames] | None] = attrs.field(
        factory=dict, repr=False, init=False
    )

    @classmethod
    def from_panels(cls, panels: tuple[Panel, ...], *, full_color: bool) -> Montage:
        """Compute gray values and colors."""
        colors = Colors.from_cmaps(tuple(panel.style.cmap for panel in panels), full=full_color)
        return cls(panels, tuple(panel.gray() for panel in panels), colors)

    def __len__(self) -> int:
        return max(len(panel.order) for panel in self.panels)

    @property
    def layout(self) -> Layout:
        """Layout of the panels in a picture."""
        return Layout(tuple(gray.shape[2] / gray.shape[1] for gray in self.grays))

    @property
    def height(self) -> int:
        """Height of the tallest panel in pixels."""
        return max(int(gray.shape[1]) for gray in self.grays)

    @property
    def annotated(self) -> bool:
        """Whether any panel has overlays."""
        return any(panel.style.has_overlays for panel in self.panels)

    def frame(self, position: int, width: int) -> NDArray[np.uint8]:
        """Return the pixels of the frame at a position of the sequence."""
        height, widths = self.layout.sizes(width)
        parts: list[NDArray[np.uint8]] = []
        for panel, gray, across in zip(self.panels, self.grays, widths, strict=True):
            order = panel.order
            index = int(order[position * len(order) // len(self)])
            shown = resize(gray[index], (height, across))
            pixels = self.colors.paint(shown, panel.style.cmap)
            overlay = self._overlay(panel, index, (height, across), across / gray.shape[2])
            if parts:
                white = self.colors.white
                parts.append(np.full((height, GAP, *white.shape), white, np.uint8))
            parts.append(pixels if overlay is None else self.colors.write(pixels, *overlay))
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def frames(self, positions: Iterable[int], width: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames at some positions of the sequence."""
        return (self.frame(position, width) for position in positions)

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


def resize(gray: Frames, shape: tuple[int, int]) -> Frames:
    """Return one frame at another size; averaged when shrinking, against speckle."""
    if gray.shape == shape:
        return gray
    image = Image.fromarray(gray).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image)
