"""`Tilts`: the images of a tilt series in the order of their angles, there and back."""

from __future__ import annotations

from typing import ClassVar

import attrs

from libtilt.animations.look import Look
from libtilt.drawing import Panel, Style
from libtilt.drawing.overlays import angle_labels
from libtilt.tilt_series import TiltSeries


@attrs.frozen(kw_only=True)
class Tilts(Look):
    """The images of a tilt series in the order of their angles.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.animations import Tilts
    >>> from libtilt.drawing import Style
    >>> blobs = GaussianBlobs.random((16, 16, 16), n=5, seed=0)
    >>> tilts = blobs.tilt_series(TiltGeometry.from_tilt_angles([3, -3, 0]), (16, 16))
    >>> Tilts().panel(tilts, Style(annotate=True)).style.labels
    ('-3.0°', '0.0°', '3.0°')
    """

    shows: ClassVar[type[TiltSeries]] = TiltSeries

    def _panel(self, what: TiltSeries) -> Panel:
        ordered = what.sort()
        angles = ordered.geometry.tilt_angles
        style = Style(
            labels=angle_labels(angles.tolist()),
            dial=angles,
            pixel_size=what.pixel_size,
            ping_pong=True,
        )
        return Panel(ordered.images, style)
