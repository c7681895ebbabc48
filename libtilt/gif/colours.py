"""One table of 256 colours for all frames of an animation, so that none flickers."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

INKS = 16


@attrs.frozen(eq=False)
class Palette:
    """The colours of an animation, and which of them each colour map has.

    Where all is grey, indices are grey values. Else the first 16 are greys, in which labels and
    scale bars are drawn, and the colour maps share the rest.

    Attributes
    ----------
    table : ndarray of uint8, shape (256, 3)
        Red, green, blue.
    grey_only : bool
        Whether indices are grey values.
    """

    table: NDArray[np.uint8]
    grey_only: bool
    _levels: dict[str, NDArray[np.uint8]]

    @classmethod
    def of(cls, cmaps: tuple[str, ...]) -> Palette:
        """Return the palette of some colour maps, by name.

        Raises
        ------
        ImportError
            If a colour map needs matplotlib, which is missing.
        ValueError
            If there is no such colour map.

        Examples
        --------
        >>> from libtilt.gif.colours import Palette
        >>> Palette.of(("gray",)).table[200].tolist()
        [200, 200, 200]
        """
        names = sorted(set(cmaps))
        identity = np.arange(256, dtype=np.uint8)
        if names == ["gray"]:
            return cls(np.repeat(identity[:, np.newaxis], 3, axis=1), True, {"gray": identity})
        count = (256 - INKS) // len(names)
        table = np.zeros((256, 3), np.uint8)
        table[:INKS] = (np.arange(INKS) * 17)[:, np.newaxis]
        levels = {}
        for place, name in enumerate(names):
            start = INKS + place * count
            table[start : start + count] = colour_map(name, count)
            levels[name] = (start + np.rint(identity / 255 * (count - 1))).astype(np.uint8)
        return cls(table, False, levels)

    def indices(self, grey: NDArray[np.uint8], cmap: str) -> NDArray[np.uint8]:
        """Return which colours grey values have in a colour map."""
        return grey if self.grey_only else self._levels[cmap][grey]

    def inked(
        self, indices: NDArray[np.uint8], ink: NDArray[np.uint8], cover: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """Return indices with ink, in greys, where it covers them."""
        if not self.grey_only:
            covered: NDArray[np.uint8] = np.where(cover >= 128, ink // (256 // INKS), indices)
            return covered
        kept = 255 - cover.astype(np.uint16)
        blended = (indices * kept + ink * cover.astype(np.uint16) + 127) // 255
        return blended.astype(np.uint8)


def colour_map(name: str, count: int) -> NDArray[np.uint8]:
    """Return `count` colours of a colour map: "gray", or one of matplotlib."""
    places = np.linspace(0, 1, count)
    if name == "gray":
        return np.repeat(np.rint(places * 255).astype(np.uint8)[:, np.newaxis], 3, axis=1)
    require_cmap(name)
    from matplotlib import colormaps

    colours = colormaps[name].resampled(max(count, 256))(places)[:, :3]
    rounded: NDArray[np.uint8] = np.rint(colours * 255).astype(np.uint8)
    return rounded


def require_cmap(name: str) -> str:
    """Return the name of a colour map; raise a ValueError where matplotlib has none of it."""
    try:
        from matplotlib import colormaps
    except ImportError as error:
        raise ImportError(
            f"the colour map {name!r} needs matplotlib; install it with: "
            "pip install 'libtilt[plot]'"
        ) from error
    if not isinstance(name, str) or name not in colormaps:
        raise ValueError(
            "cmap must be the name of a colour map of matplotlib, such as gray, viridis, magma; "
            f"got {name!r}"
        )
    return name
