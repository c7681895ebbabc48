"""`Style`: contrast and colors of frames, and what is drawn into them."""

from __future__ import annotations

from typing import Any

import attrs

from libtilt.drawing.contrast import Contrast, contrast_limits, require_percentiles
from libtilt.errors.checks import Float64Array, finite_array, to_pixel_size
from libtilt.errors.options import checked, option


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


@attrs.frozen(kw_only=True, eq=False)
class Style:
    """How frames are drawn. What is None is left to the frames: to the look that makes them.

    Parameters
    ----------
    cmap : str, optional
        A color map of matplotlib (extra ``plot``); by default "gray".
    percentiles : (float, float), optional
        Of the finite values, to be drawn black and white.
    contrast : {"stack", "frame"} or (float, float), optional
        Whether percentiles are those of all frames (the default of most looks) or of each frame; or
        the two values to be drawn black and white themselves.
    annotate : bool, optional
        Whether a look says what it knows: a scale bar; of a tilt series, also each tilt angle and a
        dial of the tilt. By default where several pictures are compared.
    title : str, optional
        A text for all frames, at the upper left.
    labels : str or sequence of str, optional
        A text for all frames or one for each: at the upper left, or right of a title.
    dial : array_like, shape (n,), optional
        Tilt angles in degrees: a disc at the lower right shows the specimen along its tilt axis,
        with the beam from above.
    pixel_size : float, optional
        Angstroms of a pixel of the frames as they are given: a scale bar at the lower left.
    ping_pong : bool, optional
        Whether the frames then run back to the first.

    Raises
    ------
    ValueError
        If something does not fit.

    Examples
    --------
    >>> from libtilt.drawing import Style
    >>> Style(cmap="magma", annotate=True).cmap
    'magma'
    >>> Style(percentiles=(9, 3))
    Traceback (most recent call last):
    ValueError: percentiles must be two numbers that rise within 0 and 100, got (9, 3)
    """

    cmap: str = attrs.field(default="gray", metadata=option("a color map of matplotlib", str))
    percentiles: tuple[float, float] = attrs.field(
        default=(0.5, 99.8),
        validator=checked(lambda value, _: require_percentiles(value)),
        metadata=option("of all values, drawn black and white", float, count=2),
    )
    contrast: Contrast | None = attrs.field(default=None)
    annotate: bool | None = attrs.field(
        default=None, metadata=option("scale bar; on tilts, also the angle and a dial", bool)
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

    @contrast.validator
    def _check_contrast(self, _: Any, value: Contrast | None) -> None:
        if value is not None:
            contrast_limits(value)

    @property
    def drawn(self) -> bool:
        """Whether anything is drawn into frames."""
        everything = (self.title, self.labels, self.dial, self.pixel_size)
        return any(what is not None for what in everything)

    @property
    def varies(self) -> bool:
        """Whether frames differ in what is drawn."""
        return self.dial is not None or (self.labels is not None and len(self.labels) > 1)

    def completed(self, own: Style) -> Style:
        """Return the style with what it leaves open taken from that of a look.

        What a look knows of places and angles is taken where `annotate` is true.
        """
        names = ["contrast", "ping_pong"]
        names += ["labels", "dial", "pixel_size"] if self.annotate else []
        taken = {name: getattr(own, name) for name in names if getattr(self, name) is None}
        return attrs.evolve(self, **taken)

    def annotated(self) -> Style:
        """Return the style that says what a look knows, unless it is not to."""
        return attrs.evolve(self, annotate=True) if self.annotate is None else self

    def require_count(self, count: int) -> None:
        """Raise a ValueError where there is not one label or angle per frame."""
        if self.labels is not None and len(self.labels) not in (1, count):
            raise ValueError(
                f"labels must be one text or one per frame: expected {count}, "
                f"got {len(self.labels)}"
            )
        if self.dial is not None and len(self.dial) != count:
            raise ValueError(
                f"dial must have one angle per frame: expected {count}, got {len(self.dial)}"
            )
