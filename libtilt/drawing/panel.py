"""`Panel`: the frames of one object and their style."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.drawing.contrast import Frames, to_gray
from libtilt.drawing.style import Style
from libtilt.errors.checks import real_data, to_pixel_size


def _frames(value: ArrayLike) -> NDArray[Any]:
    return real_data(value, "frames", 3)


@attrs.frozen(eq=False)
class Panel:
    """Frames to animate and their style, one part of an `Animation`.

    Parameters
    ----------
    frames : array_like, shape (n, h, w)
        Real numbers; row 0 is at the top. NaN is drawn black.
    style : Style, optional
        Contrast, colors and overlays.
    pixel_size : float, optional
        Pixel size of the frames in angstroms, by default that of the style. Panels with a pixel
        size are drawn at one scale, whether or not they have a scale bar.

    Raises
    ------
    ValueError
        If the frames are empty, or the style's labels, dial or first frame do not fit their number.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.drawing import Panel, Style
    >>> panel = Panel(np.zeros((4, 8, 8)), Style(ping_pong=True, first_frame=2))
    >>> panel.order.tolist()
    [2, 3, 2, 1, 0, 1]
    """

    frames: NDArray[Any] = attrs.field(converter=_frames)
    style: Style = attrs.field(factory=Style, validator=attrs.validators.instance_of(Style))
    pixel_size: float | None = attrs.field(
        default=attrs.Factory(lambda self: self.style.pixel_size, takes_self=True),
        converter=attrs.converters.optional(to_pixel_size),
        kw_only=True,
    )

    @style.validator
    def _check_count(self, _: Any, style: Style) -> None:
        style.require_count(len(self.frames))

    @property
    def order(self) -> NDArray[np.intp]:
        """Indices of the frames in the order shown."""
        forth = np.arange(len(self.frames))
        if not self.style.ping_pong:
            return forth
        return np.roll(np.concatenate([forth, forth[-2:0:-1]]), -(self.style.first_frame or 0))

    def gray(self) -> Frames:
        """Return the frames as gray values, without overlays."""
        style = self.style
        contrast = "stack" if style.contrast is None else style.contrast
        return to_gray(self.frames, percentiles=style.percentiles, contrast=contrast)
