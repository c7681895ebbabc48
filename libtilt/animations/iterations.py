"""How an iterative reconstruction comes about: one slice after each iteration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.animations.options import panel_options, saving_options
from libtilt.animations.slices import slice_frames, slice_pixel_size
from libtilt.errors.checks import one_of
from libtilt.gif import Panel, save_animation
from libtilt.volume import Volume


class IterationFilm:
    """A callback for `sirt`, `cgls` and `tv` that keeps a central slice of each iteration.

    Unlike other objects it changes: it collects. One film is of one reconstruction.

    Parameters
    ----------
    axis : {"z", "y", "x"}, optional
        That the slice is perpendicular to: along "y", the tilt axis, the missing wedge is seen.

    Raises
    ------
    ValueError
        If the axis is another.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.animations import IterationFilm
    >>> from libtilt.reconstruction import sirt
    >>> geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 10))
    >>> tilts = GaussianBlobs([[0, 0, 0]], sigmas=3).tilt_series(geometry, (16, 16))
    >>> film = IterationFilm(axis="y")
    >>> result = sirt(tilts, volume_shape=(16, 16, 16), iterations=3, callback=film)
    >>> film.panel().labels[-1].split(",")[0]
    'iteration 3'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = film.save(f"{folder}/sirt.gif", fps=4)
    """

    def __init__(self, axis: str = "z") -> None:
        self.axis = one_of(axis, "axis", ("z", "y", "x"))
        self.slices: list[NDArray[Any]] = []
        self.labels: list[str] = []
        self.pixel_size = 1.0
        self._last = 0

    def __call__(self, iteration: int, volume: Volume, residual: float) -> None:
        """Keep the central slice of a volume: what a reconstruction calls after an iteration."""
        place = "zyx".index(str(self.axis))
        middle = volume.shape[place] // 2
        cut = [slice(None)] * 3
        cut[place] = slice(middle, middle + 1)
        thin = volume.evolve(data=volume.data[tuple(cut)].copy())
        frame = slice_frames(thin, axis=str(self.axis))[0]
        if iteration <= self._last or (self.slices and frame.shape != self.slices[-1].shape):
            raise ValueError(
                "this film holds another reconstruction already: make an IterationFilm for each"
            )
        self._last = iteration
        self.slices.append(frame)
        self.labels.append(f"iteration {iteration}, residual {residual:.3f}")
        self.pixel_size = slice_pixel_size(volume, str(self.axis))

    def panel(self, **options: Any) -> Panel:
        """Return the slices as a panel, with the contrast of the last one.

        Parameters
        ----------
        **options
            Of `libtilt.gif.Panel`.

        Returns
        -------
        libtilt.gif.Panel

        Raises
        ------
        ValueError
            If no iteration has called yet.

        Examples
        --------
        See the class.
        """
        if not self.slices:
            raise ValueError("there is no frame yet: pass this as callback= to a reconstruction")
        own: dict[str, Any] = {"labels": self.labels, "pixel_size": self.pixel_size}
        if "contrast" not in options:
            last = self.slices[-1].astype(np.float64)
            low, high = np.percentile(last, options.get("percentiles", (0.5, 99.8)))
            if low < high:
                own["contrast"] = (float(low), float(high))
        return Panel(np.stack(self.slices), **(own | panel_options(options)))

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write the slices as an animation.

        Parameters
        ----------
        path : path
            Ends with ``.gif``, ``.png``, ``.apng`` or ``.mp4``.
        **options
            Of `libtilt.gif.Panel` and `libtilt.gif.save_animation`.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        ValueError
            If no iteration has called yet, or an option does not fit.

        Examples
        --------
        See the class.
        """
        saving, drawn = saving_options(options)
        return save_animation(path, [self.panel(**drawn)], **saving)
