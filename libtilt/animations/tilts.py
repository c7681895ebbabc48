"""`Tilts`: the images of a tilt series by tilt angle, forward and backward."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from libtilt.animations.look import Look
from libtilt.drawing import Panel, Style
from libtilt.drawing.overlays import angle_labels
from libtilt.tilt_series import TiltSeries


@attrs.frozen(kw_only=True)
class Tilts(Look):
    """The images of a tilt series in order of tilt angle, forward and backward.

    The first picture is the least tilted image, the clearest one; the tilt then rises to the
    largest angle, falls to the smallest, and comes back.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.animations import Tilts
    >>> from libtilt.drawing import Style
    >>> blobs = GaussianBlobs.random((16, 16, 16), n=5, seed=0)
    >>> tilts = blobs.tilt_series(TiltGeometry.from_tilt_angles([3, -3, 0]), (16, 16))
    >>> Tilts().panel(tilts, Style(annotate=True)).style.labels
    ('−3°', '0°', '3°')
    """

    shows: ClassVar[type[TiltSeries]] = TiltSeries

    def _panel(self, tilt_series: TiltSeries, /) -> Panel:
        ordered = tilt_series.sort()
        angles = ordered.geometry.tilt_angles
        style = Style(
            labels=angle_labels(angles.tolist()),
            dial=angles,
            pixel_size=ordered.pixel_size,
            ping_pong=True,
            first_frame=int(np.abs(angles).argmin()),
        )
        return Panel(ordered.images, style)
