"""Pixels of an animation from gray values: gray, full color, or a palette of 256 colors."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.contrast import Frames
from libtilt.errors.installing import pip_install

INKS = 16
GRAYS = np.arange(256, dtype=np.uint8)


@attrs.frozen(eq=False)
class Colors:
    """Conversion of gray values to pixels by color maps.

    Pixels are gray values if all maps are gray; else RGB, or indices into one `table` `(256, 3)`
    for all frames, so that colors do not flicker: its first 16 colors are grays for text and scale
    bars, and the color maps share the rest. `table` is None for RGB; `blends` tells whether the
    edges of letters blend with the frame.
    """

    table: NDArray[np.uint8] | None
    blends: bool
    _inks: NDArray[np.uint8]
    _maps: dict[str, NDArray[np.uint8]]

    @classmethod
    def from_cmaps(cls, cmaps: tuple[str, ...], *, full: bool) -> Colors:
        """Build the colors of some color maps; `full` allows more than 256 colors."""
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
        for position, name in enumerate(names):
            start = INKS + position * count
            table[start : start + count] = color_map(name, count)
            levels[name] = (start + np.rint(GRAYS / 255 * (count - 1))).astype(np.uint8)
        return cls(table, False, GRAYS // (256 // INKS), levels)

    @property
    def black(self) -> NDArray[np.uint8]:
        """A black pixel."""
        return np.asarray(self._inks[0])

    @property
    def white(self) -> NDArray[np.uint8]:
        """A white pixel."""
        return np.asarray(self._inks[255])

    def paint(self, gray: Frames, cmap: str) -> NDArray[np.uint8]:
        """Return the pixels of gray values in a color map."""
        return self._maps[cmap][gray]

    def write(self, pixels: NDArray[np.uint8], ink: Frames, cover: Frames) -> NDArray[np.uint8]:
        """Return pixels with gray `ink` drawn over them; `cover` is its opacity, 0 to 255."""
        inked = self._inks[ink]
        if pixels.ndim == 3:
            cover = cover[..., np.newaxis]
        written: NDArray[np.uint8] = np.where(cover >= 128, inked, pixels)
        if self.blends:
            kept = 255 - cover.astype(np.uint16)
            blended = (pixels * kept + inked * cover.astype(np.uint16) + 127) // 255
            written = blended.astype(np.uint8)
        return written

    def place(self, pixels: NDArray[np.uint8], alpha: Frames, ink: int) -> NDArray[np.uint8]:
        """Return pixels of opacity `alpha`, 0 to 255, over a background of gray `ink`.

        With a palette, the outer half of edges is drawn in grays as bright as the mixed colors.
        """
        cover = 255 - alpha
        if self.blends:
            return self.write(pixels, np.full_like(alpha, ink), cover)
        assert self.table is not None
        bright = (self.table @ [0.299, 0.587, 0.114])[pixels]
        mixed = np.rint((bright * alpha + float(ink) * cover) / 255).astype(np.uint8)
        placed: NDArray[np.uint8] = np.where(alpha >= 128, pixels, self._inks[mixed])
        return placed

    def rgb(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the RGB values of pixels, `(h, w, 3)`."""
        return pixels if self.table is None else self.table[pixels]


def color_map(name: str, count: int) -> NDArray[np.uint8]:
    """Return `count` colors, `(count, 3)`, of "gray" or a matplotlib color map."""
    fractions = np.linspace(0, 1, count)
    if name == "gray":
        return np.repeat(np.rint(fractions * 255).astype(np.uint8)[:, np.newaxis], 3, axis=1)
    require_cmap(name)
    from matplotlib import colormaps

    colors = colormaps[name].resampled(max(count, 256))(fractions)[:, :3]
    rounded: NDArray[np.uint8] = np.rint(colors * 255).astype(np.uint8)
    return rounded


def require_cmap(name: str) -> str:
    """Return `name` if matplotlib has a color map of that name; else raise a ValueError."""
    try:
        from matplotlib import colormaps
    except ImportError as error:
        raise ImportError(
            f"color map {name!r} requires matplotlib; install it with: {pip_install('plot')}"
        ) from error
    if not isinstance(name, str) or name not in colormaps:
        raise ValueError(
            "cmap must be the name of a matplotlib color map, such as gray, viridis or magma, "
            f"got {name!r}"
        )
    return name
