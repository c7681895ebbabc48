"""`IterationSlices`: the convergence of an iterative reconstruction, one slice per iteration."""

from __future__ import annotations

import re
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.animations.slices import AXES, central_slice
from libtilt.drawing import Panel, Style
from libtilt.drawing.fonts import FIGURE_SPACE
from libtilt.errors.checks import one_of
from libtilt.volume import Volume


class IterationSlices:
    """A callback for `sirt`, `cgls` and `tv` that keeps the central slice of each iteration.

    The object is mutable; make a new one for each reconstruction.

    Parameters
    ----------
    axis : {"z", "y", "x"}, optional
        Axis perpendicular to the slice. Along "y", the tilt axis, the effect of the missing wedge
        is visible.

    Raises
    ------
    ValueError
        If `axis` is not one of the three.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.animations import IterationSlices
    >>> from libtilt.drawing import Animation
    >>> from libtilt.reconstruction import sirt
    >>> geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 10))
    >>> tilts = GaussianBlobs([[0, 0, 0]], sigmas=3).tilt_series(geometry, (16, 16))
    >>> slices = IterationSlices(axis="y")
    >>> result = sirt(tilts, volume_shape=(16, 16, 16), iterations=3, callback=slices)
    >>> slices.labels[-1].split(",")[0]
    'iteration 3'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Animation(slices.panel(), fps=4).save(f"{folder}/sirt.gif")
    """

    def __init__(self, axis: str = "z") -> None:
        self.axis = one_of(axis, "axis", AXES)
        self.slices: list[NDArray[Any]] = []
        self.labels: list[str] = []
        self.pixel_size = 1.0
        self._last = 0

    def __call__(self, iteration: int, volume: Volume, residual: float) -> None:
        """Keep the central slice; a reconstruction calls this after each iteration."""
        frame, pixel_size = central_slice(volume, self.axis)
        if iteration <= self._last or (self.slices and frame.shape != self.slices[-1].shape):
            raise ValueError(
                "callback holds slices of another reconstruction; "
                "make a new IterationSlices for each"
            )
        self._last = iteration
        # A copy, because the volume changes in place, and so that it can be freed.
        self.slices.append(frame.copy())
        self.labels.append(f"iteration {iteration}, residual {residual:.3f}")
        self.pixel_size = pixel_size

    def panel(self, style: Style | None = None) -> Panel:
        """Return the slices as a panel, with the contrast of the last slice.

        Parameters
        ----------
        style : Style, optional
            Contrast, colors and overlays; annotated by default.

        Returns
        -------
        libtilt.drawing.Panel

        Raises
        ------
        ValueError
            If no iteration has been recorded.

        Examples
        --------
        See the class.
        """
        if not self.slices:
            raise ValueError(
                "no iteration has been recorded; "
                "pass this object as callback= to an iterative method"
            )
        style = (style or Style()).with_annotations()
        low, high = np.percentile(self.slices[-1].astype(np.float64), style.percentiles)
        contrast = (float(low), float(high)) if low < high else None
        style = attrs.evolve(style, labels=style.labels or self._aligned_labels())
        defaults = Style(pixel_size=self.pixel_size, contrast=contrast)
        frames = np.stack(self.slices)
        return Panel(frames, style.with_defaults(defaults), pixel_size=self.pixel_size)

    def _aligned_labels(self) -> list[str]:
        """Return the labels with iterations of one width, so that the text behind stays put."""
        width = len(str(self._last))
        return [
            re.sub(r"\d+", lambda number: number[0].rjust(width, FIGURE_SPACE), label, count=1)
            for label in self.labels
        ]
