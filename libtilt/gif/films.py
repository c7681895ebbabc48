"""Panels put beside each other, frame by frame, at any size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from libtilt.gif.colours import Palette
from libtilt.gif.contrast import Frames
from libtilt.gif.panels import Panel

GAP = 4


@attrs.frozen(eq=False)
class Film:
    """Panels with their grey values and colours, ready to be drawn.

    All panels are as high as each other, and each runs once while the longest does.

    Attributes
    ----------
    panels : tuple of Panel
    greys : tuple of ndarray of uint8
        Their grey values.
    palette : Palette
        The colours of all.
    levels : int
        How many grey values are told apart; fewer make smaller files.
    """

    panels: tuple[Panel, ...]
    greys: tuple[Frames, ...]
    palette: Palette
    levels: int = 256
    _layers: dict[tuple[int, ...], tuple[Frames, Frames] | None] = attrs.field(
        factory=dict, repr=False, init=False
    )

    @classmethod
    def of(cls, panels: tuple[Panel, ...]) -> Film:
        """Compute grey values and colours."""
        palette = Palette.of(tuple(panel.cmap for panel in panels))
        return cls(panels, tuple(panel.grey() for panel in panels), palette)

    def __len__(self) -> int:
        return max(len(panel.order) for panel in self.panels)

    @property
    def height(self) -> int:
        """Pixels of the highest panel."""
        return max(int(grey.shape[1]) for grey in self.greys)

    @property
    def annotated(self) -> bool:
        """Whether anything is written into a panel."""
        return any(panel.overlay.drawn for panel in self.panels)

    def width_of(self, height: int) -> int:
        """Return the pixels across of a picture of some height."""
        wide: int = sum(round(height * grey.shape[2] / grey.shape[1]) for grey in self.greys)
        return wide + self._gaps

    def picture_shape(self, width: int) -> tuple[int, int]:
        """Return height and width of the pictures that are drawn for a width."""
        height, widths = self.sizes(width)
        return height, sum(widths) + self._gaps

    @property
    def _gaps(self) -> int:
        return GAP * (len(self.panels) - 1)

    def sizes(self, width: int) -> tuple[int, list[int]]:
        """Return the height of all panels and the width of each in a picture of some width."""
        aspects = np.array([grey.shape[2] / grey.shape[1] for grey in self.greys])
        inside = max(width - self._gaps, len(aspects))
        ends = np.rint(inside * np.cumsum(aspects) / aspects.sum()).astype(int)
        widths = np.maximum(np.diff(ends, prepend=0), 1)
        return max(1, round(inside / aspects.sum())), widths.tolist()

    def frame(self, place: int, width: int) -> Frames:
        """Return the colour indices of the frame at some place of the sequence."""
        height, widths = self.sizes(width)
        parts: list[NDArray[np.uint8]] = []
        for panel, grey, across in zip(self.panels, self.greys, widths, strict=True):
            order = panel.order
            index = int(order[place * len(order) // len(self)])
            if parts:
                parts.append(np.full((height, GAP), 255, np.uint8))
            shown = resized(grey[index], (height, across))
            indices = self.palette.indices(self._posterised(shown), panel.cmap)
            layer = self._layer(panel, index, (height, across), across / grey.shape[2])
            parts.append(indices if layer is None else self.palette.inked(indices, *layer))
        # The last ink is white, wherever the palette begins.
        if len(parts) > 1 and not self.palette.grey_only:
            for gap in parts[1::2]:
                gap[:] = 15
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def _layer(
        self, panel: Panel, index: int, shape: tuple[int, int], shrunk: float
    ) -> tuple[Frames, Frames] | None:
        """Return what is drawn into a frame; of what all frames share, it is drawn once."""
        if panel.overlay.varies:
            return panel.overlay.layer(index, shape, shrunk)
        key = (id(panel), *shape)
        if key not in self._layers:
            self._layers[key] = panel.overlay.layer(0, shape, shrunk)
        return self._layers[key]

    def _posterised(self, grey: Frames) -> Frames:
        """Return grey values with as many levels as are told apart, black and white among them."""
        if self.levels >= 256:
            return grey
        steps = np.rint(np.linspace(0, 255, self.levels)).astype(np.uint8)
        nearest = np.rint(np.arange(256) / 255 * (self.levels - 1)).astype(np.uint8)
        posterised: NDArray[np.uint8] = steps[nearest][grey]
        return posterised

    def some(self, places: Iterable[int], width: int) -> Iterator[Frames]:
        """Yield the frames at some places."""
        return (self.frame(place, width) for place in places)


def resized(grey: Frames, shape: tuple[int, int]) -> Frames:
    """Return one frame of another size; averaged where it shrinks, against speckle."""
    if grey.shape == shape:
        return grey
    image = Image.fromarray(grey).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image)
