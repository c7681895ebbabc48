"""`Layout`: sizes of panels side by side in a picture of a given width."""

from __future__ import annotations

import math

import attrs
import numpy as np

GAP = 4
_SMALLEST_SIDE = 64
_LEGIBLE_HEIGHT = 320
_WIDEST_PANEL = 1280


@attrs.frozen
class Layout:
    """Panels of one height side by side with gaps; `aspects` is width / height of each."""

    aspects: tuple[float, ...]

    @property
    def _gaps(self) -> int:
        return GAP * (len(self.aspects) - 1)

    def width_of(self, height: int) -> int:
        """Return the width in pixels of a picture of a given height."""
        return sum(round(height * aspect) for aspect in self.aspects) + self._gaps

    def legible_height(self, rows: int) -> int:
        """Return the height of a picture of `rows` array rows: at least 320 pixels.

        Small arrays are enlarged by an integer factor, but no panel gets wider than 1280 pixels.
        """
        factor = _LEGIBLE_HEIGHT / rows
        if factor >= 2:
            factor = math.ceil(factor)
        widest = _WIDEST_PANEL / (rows * max(self.aspects))
        return max(rows, round(rows * min(factor, widest)))

    def sizes(self, width: int) -> tuple[int, tuple[int, ...]]:
        """Return the height of all panels and the width of each in a picture of a given width."""
        total = float(np.sum(self.aspects))
        inside = max(width - self._gaps, len(self.aspects))
        ends = np.rint(inside * np.cumsum(self.aspects) / total).astype(int)
        widths = np.maximum(np.diff(ends, prepend=0), 1)
        return max(1, round(inside / total)), tuple(widths.tolist())

    def picture_shape(self, width: int) -> tuple[int, int]:
        """Return the actual height and width of a picture for a requested width."""
        height, widths = self.sizes(width)
        return height, sum(widths) + self._gaps

    def within(self, width: int, longest: int) -> int:
        """Return `width`, reduced if needed so that no side exceeds `longest` pixels."""
        while width > 1 and (longer := max(self.picture_shape(width))) > longest:
            width = max(1, min(width - 1, int(width * longest / longer)))
        return width

    def narrower(self, width: int, excess: float) -> int:
        """Return a width that should shrink a file by the factor `excess`, by its area.

        The longest side stays at least 64 pixels; if it is already that short, `width` is returned.
        """
        smallest = min(1.0, _SMALLEST_SIDE / max(self.picture_shape(width)))
        factor = max(min(0.95, 0.99 / math.sqrt(excess)), smallest)
        return max(1, int(width * factor))
