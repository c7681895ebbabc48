"""Pixels of an animation from gray values: in gray, full color, or a table of 256 colors."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.contrast import Frames

INKS = 16
GRAYS = np.arange(256, dtype=np.uint8)


@attrs.frozen(eq=False)
class Colors:
    """How pixels are made from gray values and color maps.

    Where all is gray, pixels are gray values. Else they are red, green and blue, or indices into
    one table for all frames, so that none flickers: its first 16 colors are grays, in which texts
    and scale bars are drawn, and the color maps share the rest.

    Attributes
    ----------
    table : ndarray of uint8, shape (256, 3), or None
        Red, green, blue of each index; None where pixels are colors themselves.
    blends : bool
        Whether ink and what is below it mix at the edges of letters.
    """

    table: NDArray[np.uint8] | None
    blends: bool
    _inks: NDArray[np.uint8]
    _maps: dict[str, NDArray[np.uint8]]

    @classmethod
    def of(cls, cmaps: tuple[str, ...], *, full: bool) -> Colors:
        """Return the colors for some color maps.

        Parameters
        ----------
        cmaps : tuple of str
            Their names.
        full : bool
            Whether a picture may have more than 256 colors.

        Raises
        ------
        ImportError
            If a color map needs matplotlib, which is missing.
        ValueError
            If there is no such color map.

        Examples
        --------
        >>> from libtilt.drawing.colors import Colors
        >>> Colors.of(("gray",), full=False).table[200].tolist()
        [200, 200, 200]
        >>> import numpy as np
        >>> Colors.of(("gray", "viridis"), full=True).paint(np.uint8([[0]]), "viridis").tolist()
        [[[68, 1, 84]]]
        """
        names = sorted(set(cmaps))
        if names == ["gray"]:
            return cls(color_map("gray", 256), True, GRAYS, {"gray": GRAYS})
        if full:
            maps = {name: color_map(name, 256) for name in names}
            return cls(None, True, color_map("gray", 256), maps)
        count = (256 - INKS) // len(names)
        table = np.zeros((256, 3), np.uint8)
        table[:INKS] = color_map("gray", INKS)
        levels = {}
        for place, name in enumerate(names):
            start = INKS + place * count
            table[start : start + count] = color_map(name, count)
            levels[name] = (start + np.rint(GRAYS / 255 * (count - 1))).astype(np.uint8)
        return cls(table, False, GRAYS // (256 // INKS), levels)

    @property
    def white(self) -> NDArray[np.uint8]:
        """A white pixel."""
        return np.asarray(self._inks[255])

    def paint(self, gray: Frames, cmap: str) -> NDArray[np.uint8]:
        """Return the pixels of gray values in a color map."""
        return self._maps[cmap][gray]

    def write(self, pixels: NDArray[np.uint8], ink: Frames, cover: Frames) -> NDArray[np.uint8]:
        """Return pixels with ink, in grays, where it covers them."""
        inked = self._inks[ink]
        if pixels.ndim == 3:
            cover = cover[..., np.newaxis]
        written: NDArray[np.uint8] = np.where(cover >= 128, inked, pixels)
        if self.blends:
            kept = 255 - cover.astype(np.uint16)
            blended = (pixels * kept + inked * cover.astype(np.uint16) + 127) // 255
            written = blended.astype(np.uint8)
        return written

    def rgb(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return red, green and blue of pixels, `(h, w, 3)`."""
        return pixels if self.table is None else self.table[pixels]


def color_map(name: str, count: int) -> NDArray[np.uint8]:
    """Return `count` colors of a color map, `(count, 3)`: "gray", or one of matplotlib."""
    places = np.linspace(0, 1, count)
    if name == "gray":
        return np.repeat(np.rint(places * 255).astype(np.uint8)[:, np.newaxis], 3, axis=1)
    require_cmap(name)
    from matplotlib import colormaps

    colors = colormaps[name].resampled(max(count, 256))(places)[:, :3]
    rounded: NDArray[np.uint8] = np.rint(colors * 255).astype(np.uint8)
    return rounded


def require_cmap(name: str) -> str:
    """Return the name of a color map; raise a ValueError where matplotlib has none of it."""
    try:
        from matplotlib import colormaps
    except ImportError as error:
        raise ImportError(
            f"the color map {name!r} needs matplotlib; install it with: pip install 'libtilt[plot]'"
        ) from error
    if not isinstance(name, str) or name not in colormaps:
        raise ValueError(
            "cmap must be the name of a color map of matplotlib, such as gray, viridis, magma; "
            f"got {name!r}"
        )
    return name
