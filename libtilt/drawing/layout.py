"""`Layout`: how large panels beside each other are in a picture of some width."""

from __future__ import annotations

import math

import attrs
import numpy as np

GAP = 4
_SMALLEST_SIDE = 64


@attrs.frozen
class Layout:
    """Panels beside each other, all as high as each other, with gaps between them.

    Attributes
    ----------
    aspects : tuple of float
        The width of each over its height.

    Examples
    --------
    >>> from libtilt.drawing.layout import Layout
    >>> layout = Layout((1.0, 2.0))
    >>> layout.sizes(94), layout.picture_shape(94)
    ((30, (30, 60)), (30, 94))
    """

    aspects: tuple[float, ...]

    @property
    def _gaps(self) -> int:
        return GAP * (len(self.aspects) - 1)

    def width_of(self, height: int) -> int:
        """Return the pixels across of a picture of some height."""
        return sum(round(height * aspect) for aspect in self.aspects) + self._gaps

    def sizes(self, width: int) -> tuple[int, tuple[int, ...]]:
        """Return the height of all panels and the width of each in a picture of some width."""
        total = float(np.sum(self.aspects))
        inside = max(width - self._gaps, len(self.aspects))
        ends = np.rint(inside * np.cumsum(self.aspects) / total).astype(int)
        widths = np.maximum(np.diff(ends, prepend=0), 1)
        return max(1, round(inside / total)), tuple(widths.tolist())

    def picture_shape(self, width: int) -> tuple[int, int]:
        """Return height and width of the pictures that are drawn for a width."""
        height, widths = self.sizes(width)
        return height, sum(widths) + self._gaps

    def within(self, width: int, longest: int) -> int:
        """Return the width, or a smaller one at which no side is longer than some pixels."""
        while width > 1 and (longer := max(self.picture_shape(width))) > longest:
            width = max(1, min(width - 1, int(width * longest / longer)))
        return width

    def narrower(self, width: int, excess: float) -> int:
        """Return a width that should make a file smaller by a factor: it goes with the area.

        The longest side stays at 64 pixels or more; where it is that small, the width is returned.
        """
        smallest = min(1.0, _SMALLEST_SIDE / max(self.picture_shape(width)))
        factor = max(min(0.95, 0.99 / math.sqrt(excess)), smallest)
        return max(1, int(width * factor))
