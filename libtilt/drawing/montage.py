"""`Montage`: the pictures of panels beside each other, one after the other, at any width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from libtilt.drawing.colors import Colors
from libtilt.drawing.contrast import Frames
from libtilt.drawing.layout import GAP, Layout
from libtilt.drawing.overlays import layer
from libtilt.drawing.panel import Panel


@attrs.frozen(eq=False)
class Montage:
    """Panels with their gray values and colors, ready to be drawn.

    Each panel runs once while the longest does.

    Attributes
    ----------
    panels : tuple of Panel
    grays : tuple of ndarray of uint8
        Their gray values.
    colors : Colors
        Of all of them.
    """

    panels: tuple[Panel, ...]
    grays: tuple[Frames, ...]
    colors: Colors
    _layers: dict[tuple[int, ...], tuple[Frames, Frames] | None] = attrs.field(
        factory=dict, repr=False, init=False
    )

    @classmethod
    def of(cls, panels: tuple[Panel, ...], *, full_color: bool) -> Montage:
        """Compute gray values and colors."""
        colors = Colors.of(tuple(panel.style.cmap for panel in panels), full=full_color)
        return cls(panels, tuple(panel.gray() for panel in panels), colors)

    def __len__(self) -> int:
        return max(len(panel.order) for panel in self.panels)

    @property
    def layout(self) -> Layout:
        """How the panels share a picture."""
        return Layout(tuple(gray.shape[2] / gray.shape[1] for gray in self.grays))

    @property
    def height(self) -> int:
        """Pixels of the highest panel."""
        return max(int(gray.shape[1]) for gray in self.grays)

    @property
    def annotated(self) -> bool:
        """Whether anything is written into a panel."""
        return any(panel.style.drawn for panel in self.panels)

    def frame(self, place: int, width: int) -> NDArray[np.uint8]:
        """Return the pixels of the frame at some place of the sequence."""
        height, widths = self.layout.sizes(width)
        parts: list[NDArray[np.uint8]] = []
        for panel, gray, across in zip(self.panels, self.grays, widths, strict=True):
            order = panel.order
            index = int(order[place * len(order) // len(self)])
            shown = resized(gray[index], (height, across))
            pixels = self.colors.paint(shown, panel.style.cmap)
            drawn = self._layer(panel, index, (height, across), across / gray.shape[2])
            if parts:
                white = self.colors.white
                parts.append(np.full((height, GAP, *white.shape), white, np.uint8))
            parts.append(pixels if drawn is None else self.colors.write(pixels, *drawn))
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def frames(self, places: Iterable[int], width: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames at some places."""
        return (self.frame(place, width) for place in places)

    def _layer(
        self, panel: Panel, index: int, shape: tuple[int, int], shrunk: float
    ) -> tuple[Frames, Frames] | None:
        """Return what is drawn into a frame; of what all frames share, it is drawn once."""
        if panel.style.varies:
            return layer(panel.style, index, shape, shrunk)
        key = (id(panel), *shape)
        if key not in self._layers:
            self._layers[key] = layer(panel.style, 0, shape, shrunk)
        return self._layers[key]


def resized(gray: Frames, shape: tuple[int, int]) -> Frames:
    """Return one frame of another size; averaged where it shrinks, against speckle."""
    if gray.shape == shape:
        return gray
    image = Image.fromarray(gray).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image)
