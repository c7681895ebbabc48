"""What is drawn into frames of grey values: labels, scale bars, dials of the tilt."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from libtilt._checks import Float64Array, finite_array, to_pixel_size

Frames = NDArray[np.uint8]


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


@attrs.frozen(eq=False)
class Overlay:
    """What to draw into each frame.

    Parameters
    ----------
    labels : str or sequence of str, optional
        A text for all frames or one for each, at the upper left.
    dial : array_like, shape (n,), optional
        Tilt angles in degrees: a disc at the lower right shows the specimen along its tilt axis,
        with the beam from above.
    pixel_size : float, optional
        Angstroms of a pixel of the frames as they are given: a scale bar at the lower left.

    Raises
    ------
    ValueError
        If something does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.overlays import Overlay
    >>> frames = np.zeros((2, 64, 64), np.uint8)
    >>> drawn = Overlay(labels=["-60", "60"], dial=[-60, 60], pixel_size=4.0).draw(frames)
    >>> bool(frames.any()), bool((drawn[0] != drawn[1]).any())
    (False, True)
    """

    labels: tuple[str, ...] | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(_labels_converter)
    )
    dial: Float64Array | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(_dial_converter)
    )
    pixel_size: float | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_pixel_size)
    )

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

    def every(self, step: int) -> Overlay:
        """Return what belongs to every `step`-th frame."""
        several = self.labels is not None and len(self.labels) > 1
        return Overlay(
            labels=self.labels[::step] if self.labels is not None and several else self.labels,
            dial=None if self.dial is None else self.dial[::step],
            pixel_size=self.pixel_size,
        )

    def draw(self, frames: Frames, *, shrunk: float = 1.0) -> Frames:
        """Return a copy of the frames with everything drawn into it.

        Parameters
        ----------
        frames : ndarray of uint8, shape (n, h, w)
            0 is black.
        shrunk : float, optional
            By how much the frames are smaller than those of `pixel_size`.

        Returns
        -------
        ndarray of uint8, shape (n, h, w)
        """
        if self.labels is None and self.dial is None and self.pixel_size is None:
            return frames
        self.require_count(len(frames))
        drawn = np.empty_like(frames)
        font = default_font(max(9, min(frames.shape[1:]) // 16))
        for index, frame in enumerate(frames):
            image = Image.fromarray(frame)
            canvas = ImageDraw.Draw(image)
            if self.labels is not None:
                _write(canvas, (4, 3), self.labels[index % len(self.labels)], font, "la")
            if self.pixel_size is not None:
                _scale_bar(canvas, image.size, self.pixel_size / shrunk, font)
            if self.dial is not None:
                _dial(canvas, image.size, float(self.dial[index]))
            drawn[index] = np.asarray(image)
        return drawn


def default_font(size: int) -> Any:
    """Return Pillow's own font, of a size where it can be scaled."""
    if "size" in inspect.signature(ImageFont.load_default).parameters:
        return ImageFont.load_default(size=size)
    return ImageFont.load_default()


def nice_length(extent: float) -> float:
    """Return 1, 2 or 5 times a power of ten, the longest that is at most a third of `extent`."""
    power = 10.0 ** math.floor(math.log10(extent / 3))
    return max(step * power for step in (1, 2, 5) if step * power <= extent / 3)


def length_text(angstroms: float) -> str:
    """Return a length in nanometres; Pillow's own font has no sign for angstroms."""
    return f"{angstroms / 10:g} nm"


def _write(
    canvas: ImageDraw.ImageDraw, place: tuple[float, float], text: str, font: Any, anchor: str
) -> None:
    """Write white on a black edge, so that it is read on any ground."""
    if isinstance(font, ImageFont.FreeTypeFont):
        canvas.text(place, text, fill=255, font=font, anchor=anchor, stroke_width=1, stroke_fill=0)
        return
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
    x = place[0] - (right - left) / 2 * (anchor[0] == "m")
    y = place[1] - (bottom - top) * (anchor[1] == "d")
    canvas.text((x, y), text.encode("latin-1", "replace").decode("latin-1"), fill=255, font=font)


def _scale_bar(
    canvas: ImageDraw.ImageDraw, size: tuple[int, int], pixel_size: float, font: Any
) -> None:
    width, height = size
    length = nice_length(width * pixel_size)
    pixels = max(1, round(length / pixel_size))
    thick = max(2, height // 80)
    left, low = 5, height - 5
    canvas.rectangle((left - 1, low - thick - 1, left + pixels, low), fill=0)
    canvas.rectangle((left, low - thick, left + pixels - 1, low - 1), fill=255)
    _write(canvas, (left + pixels / 2, low - thick - 2), length_text(length), font, "md")


def _dial(canvas: ImageDraw.ImageDraw, size: tuple[int, int], angle: float) -> None:
    """Draw the slab of the specimen as it lies at a tilt, seen along the tilt axis.

    x is to the right and z upward: a positive tilt takes the top of the specimen to the right, and
    its right end down.
    """
    width, height = size
    radius = max(7, min(width, height) // 14)
    x, y = width - radius - 5, height - radius - 5
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0, outline=160)
    canvas.line((x, y - radius, x, y + radius), fill=96)
    u, v = (
        (radius - 2) * math.cos(math.radians(angle)),
        (radius - 2) * math.sin(math.radians(angle)),
    )
    canvas.line((x - u, y - v, x + u, y + v), fill=255, width=max(1, radius // 5))


def angle_labels(angles: Sequence[float]) -> list[str]:
    """Return tilt angles as texts, without a minus before zero."""
    return [f"{angle:.1f}°".replace("-0.0°", "0.0°") for angle in angles]
