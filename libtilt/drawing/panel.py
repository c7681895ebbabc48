"""`Panel`: the frames of one object and their style."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.drawing.contrast import Frames, to_gray
from libtilt.drawing.style import Style
from libtilt.errors.checks import real_data, to_pixel_size


def _frames(value: ArrayLike) -> NDArray[Any]:
    return real_data(value, "frames", 3)


def _notes(value: Sequence[str]) -> tuple[str, ...]:
    return tuple(value)


def _opacity(value: ArrayLike) -> NDArray[Any]:
    return real_data(value, "opacity", 3)


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
    periodic : bool, optional
        Whether the first frame follows on the last, as in a full turn. Such frames are thinned to
        a number that divides theirs, so that all steps stay equal.
    opacity : array_like, shape (n, h, w), optional
        Part of each pixel that the object covers, 0 to 1, where the style has a background. The
        frames are brightness times opacity. By default the object covers all.
    notes : sequence of str, optional
        How the frames were made, such as the level of a surface: logged at the level INFO, and
        printed by ``libtilt gif``.

    Raises
    ------
    ValueError
        If the frames are empty, the opacity has another shape, or the style's labels, dial or first
        frame do not fit their number.

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
    periodic: bool = attrs.field(default=False, kw_only=True)
    opacity: NDArray[Any] | None = attrs.field(
        default=None, converter=attrs.converters.optional(_opacity), kw_only=True
    )
    notes: tuple[str, ...] = attrs.field(default=(), converter=_notes, kw_only=True)

    @style.validator
    def _check_count(self, _: Any, style: Style) -> None:
        style.require_count(len(self.frames))

    @opacity.validator
    def _check_opacity(self, _: Any, opacity: NDArray[Any] | None) -> None:
        if opacity is not None and opacity.shape != self.frames.shape:
            raise ValueError(
                f"opacity must have the shape of the frames, {self.frames.shape}, got "
                f"{opacity.shape}"
            )

    def __repr__(self) -> str:
        count, height, width = self.frames.shape
        title = "" if self.style.title is None else f" {self.style.title!r}"
        return f"<Panel{title}: {count} frames of {height} x {width}>"

    @property
    def order(self) -> NDArray[np.intp]:
        """Indices of the frames in the order shown."""
        return self._order(1)

    def thinned_order(self, count: int) -> NDArray[np.intp]:
        """Return the order with the fewest frames left out that has at most `count` frames.

        All steps are equal, also where frames turn back and where a full turn starts again.
        """
        return next(order for order in self._thinned_orders() if len(order) <= max(count, 1))

    def thinned_counts(self) -> set[int]:
        """Return the numbers of frames that `thinned_order` can have."""
        return {len(order) for order in self._thinned_orders()}

    def _thinned_orders(self) -> Iterator[NDArray[np.intp]]:
        count = len(self.frames)
        turns = self.periodic and not self.style.ping_pong
        steps = (step for step in range(1, count + 1) if not (turns and count % step))
        return map(self._order, steps)

    def _order(self, step: int) -> NDArray[np.intp]:
        """Return the order of every `step`-th frame, with the one shown first."""
        first = (self.style.first_frame or 0) if self.style.ping_pong else 0
        forth = np.arange(first % step, len(self.frames), step)
        if not self.style.ping_pong:
            return forth
        return np.roll(np.concatenate([forth, forth[-2:0:-1]]), -(first // step))

    def gray(self) -> Frames:
        """Return the frames as gray values, without overlays."""
        style = self.style
        contrast = "stack" if style.contrast is None else style.contrast
        return to_gray(self.frames, percentiles=style.percentiles, contrast=contrast)
