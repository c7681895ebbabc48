"""`Style`: contrast, colors and overlays of frames."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from libtilt.drawing.contrast import Contrast, contrast_limits, require_percentiles
from libtilt.errors.checks import Float64Array, finite_array, one_of, to_pixel_size
from libtilt.errors.options import checked, option

BACKGROUNDS = ("black", "white")


def _labels_converter(value: Any) -> tuple[str, ...]:
    labels = (value,) if isinstance(value, str) else tuple(value)
    if not labels or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"labels must be one text or one per frame, got {value!r}")
    return labels


def _dial_converter(value: Any) -> Float64Array:
    angles = finite_array(value, "dial")
    if angles.ndim != 1 or angles.size == 0:
        raise ValueError(f"dial must have one angle per frame, got shape {angles.shape}")
    return angles


def _check_index(value: Any, name: str) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 0:
        raise ValueError(f"{name} must be the index of a frame, 0 or more, got {value!r}")


@attrs.frozen(kw_only=True, eq=False)
class Style:
    """Contrast, colors and overlays of frames. The look chooses every option that is None.

    Parameters
    ----------
    cmap : str, optional
        "gray" (the default) or a matplotlib color map (extra ``plot``).
    percentiles : (float, float), optional
        Percentiles of the finite values that are drawn black and white.
    contrast : {"stack", "frame"} or (float, float), optional
        Whether percentiles are taken over all frames (the default of most looks) or per frame; or
        the two values that are drawn black and white.
    annotate : bool, optional
        Whether a look adds its overlays: a scale bar and, for a tilt series, the tilt angle and a
        tilt dial. By default only where several objects are compared.
    background : {"black", "white"}, optional
        Color beside a surface, and above and below a smaller panel. By default it is black beside
        a panel, and the first color of the map beside a surface.
    title : str, optional
        Text on all frames, at the upper left.
    labels : str or sequence of str, optional
        One text for all frames or one per frame, at the upper left; numbers, and labels beside a
        title, are at the upper right. A tab divides a label into a left and a right one.
    dial : array_like, shape (n,), optional
        Tilt angles in degrees. A disc at the lower right shows the specimen along the tilt axis,
        with the beam from above.
    pixel_size : float, optional
        Pixel size of the frames in angstroms; adds a scale bar at the lower left.
    ping_pong : bool, optional
        Whether the frames play to the last, back to the first, and forward to where they began. No
        frame is shown twice in a row, so that the animation repeats without a halt.
    first_frame : int, optional
        Index of the frame shown first with `ping_pong`; 0 unless the look chooses another.
        Slide shows, mails and file browsers show this frame alone.

    Raises
    ------
    ValueError
        If an option is invalid.

    Examples
    --------
    >>> from libtilt.drawing import Style
    >>> Style(cmap="magma", annotate=True).cmap
    'magma'
    >>> Style(percentiles=(9, 3))
    Traceback (most recent call last):
    ValueError: percentiles must be two increasing numbers from 0 to 100, got (9, 3)
    """

    cmap: str = attrs.field(default="gray", metadata=option("matplotlib color map", str))
    percentiles: tuple[float, float] = attrs.field(
        default=(0.5, 99.8),
        validator=checked(lambda value, _: require_percentiles(value)),
        metadata=option("percentiles of the values drawn black and white", float, count=2),
    )
    contrast: Contrast | None = attrs.field(default=None)
    annotate: bool | None = attrs.field(
        default=None,
        metadata=option("draw a scale bar and, on tilt series, the tilt angle and a dial", bool),
    )
    background: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(
            checked(lambda value, name: one_of(value, name, BACKGROUNDS))
        ),
        metadata=option("color beside a surface and beside smaller panels", BACKGROUNDS),
    )
    title: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.instance_of(str))
    )
    labels: tuple[str, ...] | None = attrs.field(
        default=None, converter=attrs.converters.optional(_labels_converter)
    )
    dial: Float64Array | None = attrs.field(
        default=None, converter=attrs.converters.optional(_dial_converter)
    )
    pixel_size: float | None = attrs.field(
        default=None, converter=attrs.converters.optional(to_pixel_size)
    )
    ping_pong: bool | None = attrs.field(default=None)
    first_frame: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(checked(_check_index))
    )

    @contrast.validator
    def _check_contrast(self, _: Any, value: Contrast | None) -> None:
        if value is not None:
            contrast_limits(value)

    @property
    def has_overlays(self) -> bool:
        """Whether the frames have any overlay."""
        overlays = (self.title, self.labels, self.dial, self.pixel_size)
        return any(overlay is not None for overlay in overlays)

    @property
    def overlays_vary(self) -> bool:
        """Whether overlays differ from frame to frame."""
        return self.dial is not None or (self.labels is not None and len(self.labels) > 1)

    def with_defaults(self, defaults: Style) -> Style:
        """Return the style with options that are None taken from `defaults`, a look's style.

        Labels, dial and pixel size are taken only if `annotate` is true.
        """
        names = ["contrast", "ping_pong", "first_frame"]
        names += ["labels", "dial", "pixel_size"] if self.annotate else []
        taken = {name: getattr(defaults, name) for name in names if getattr(self, name) is None}
        return attrs.evolve(self, **taken)

    def with_annotations(self) -> Style:
        """Return the style with `annotate` true, unless it is set to false."""
        return attrs.evolve(self, annotate=True) if self.annotate is None else self

    def require_count(self, count: int) -> None:
        """Raise a ValueError unless labels, dial and first frame fit a number of frames."""
        if self.first_frame is not None and self.first_frame >= count:
            raise ValueError(
                f"first_frame must be the index of one of {count} frames, got {self.first_frame}"
            )
        if self.labels is not None and len(self.labels) not in (1, count):
            raise ValueError(
                f"labels must be one text or one per frame: expected {count}, "
                f"got {len(self.labels)}"
            )
        if self.dial is not None and len(self.dial) != count:
            raise ValueError(
                f"dial must have one angle per frame: expected {count}, got {len(self.dial)}"
            )
