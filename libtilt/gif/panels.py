"""One picture of an animation: its frames, their contrast and colours, what is drawn into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.errors.checks import real_data
from libtilt.gif.contrast import Contrast, Frames, contrast_limits, to_grey
from libtilt.gif.overlays import Overlay


def _frames(value: ArrayLike) -> NDArray[Any]:
    return real_data(value, "frames", 3)


@attrs.frozen(eq=False)
class Panel:
    """Frames to animate, alone or beside others.

    Parameters
    ----------
    frames : array_like, shape (n, h, w)
        Real numbers; row 0 is at the top. NaN is drawn as the darkest value.
    title : str, optional
        A text for all frames, at the upper left.
    labels : str or sequence of str, optional
        A text for all frames or one for each: at the upper left, or right of a title.
    dial : array_like, shape (n,), optional
        Tilt angles in degrees, drawn as a disc with the specimen in it, at the lower right.
    pixel_size : float, optional
        Angstroms of a pixel of the frames: draws a scale bar at the lower left.
    percentiles : (float, float), optional
        Of the finite values, to be drawn black and white.
    contrast : {"stack", "frame"} or (float, float), optional
        Whether percentiles are those of the whole stack or of each frame; or the two values
        themselves.
    cmap : str, optional
        A colour map of matplotlib (extra ``plot``); by default "gray".
    ping_pong : bool, optional
        Whether the frames then run back to the first.

    Raises
    ------
    ValueError
        If the frames are empty, or an option does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.gif import Panel
    >>> panel = Panel(np.zeros((3, 8, 8)), labels=["a", "b", "c"], ping_pong=True)
    >>> panel.order.tolist()
    [0, 1, 2, 1]
    """

    frames: NDArray[Any] = attrs.field(converter=_frames)
    title: str | None = attrs.field(default=None, kw_only=True)
    labels: str | Sequence[str] | None = attrs.field(default=None, kw_only=True)
    dial: ArrayLike | None = attrs.field(default=None, kw_only=True)
    pixel_size: float | None = attrs.field(default=None, kw_only=True)
    percentiles: tuple[float, float] = attrs.field(default=(0.5, 99.8), kw_only=True)
    contrast: Contrast = attrs.field(default="stack", kw_only=True)
    cmap: str = attrs.field(default="gray", kw_only=True)
    ping_pong: bool = attrs.field(default=False, kw_only=True)
    overlay: Overlay = attrs.field(init=False)

    @overlay.default
    def _make_overlay(self) -> Overlay:
        return Overlay(
            title=self.title, labels=self.labels, dial=self.dial, pixel_size=self.pixel_size
        )

    def __attrs_post_init__(self) -> None:
        contrast_limits(self.contrast, self.percentiles)
        self.overlay.require_count(len(self.frames))

    @property
    def order(self) -> NDArray[np.intp]:
        """Which frames are shown, one after the other."""
        forth = np.arange(len(self.frames))
        return np.concatenate([forth, forth[-2:0:-1]]) if self.ping_pong else forth

    def grey(self) -> Frames:
        """Return the frames as grey values, before anything is drawn into them."""
        return to_grey(self.frames, percentiles=self.percentiles, contrast=self.contrast)
