"""`Look`: base class of the ways to turn a volume or a tilt series into frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import attrs
from numpy.typing import NDArray

from libtilt.drawing import Panel, Style
from libtilt.errors import ArgumentError
from libtilt.errors.log import logger
from libtilt.geometry.image_data import ImageData


@attrs.frozen(kw_only=True)
class Look(ABC):
    """Base class of looks, which turn a volume or a tilt series into frames.

    A subclass is a frozen attrs class with its options as fields, and implements `_panel`.

    Attributes
    ----------
    name : str
        Name in messages and on the command line; by default the class name in lower case.
    shows : type
        Class of the objects that it shows: `libtilt.Volume` or `libtilt.TiltSeries`.

    Examples
    --------
    >>> import attrs
    >>> from libtilt import GaussianBlobs, Volume
    >>> from libtilt.animations import Look
    >>> from libtilt.drawing import Panel, Style
    >>> @attrs.frozen(kw_only=True)
    ... class Projection(Look):
    ...     shows = Volume
    ...     axis: int = 0
    ...
    ...     def _panel(self, volume):
    ...         return Panel(volume.data.sum(axis=self.axis, keepdims=True))
    >>> volume = GaussianBlobs([[0, 0, 0]], sigmas=2).volume((8, 8, 8))
    >>> Projection(axis=1).frames(volume).shape
    (8, 1, 8)
    """

    name: ClassVar[str] = ""
    shows: ClassVar[type[ImageData]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__.lower()

    @abstractmethod
    def _panel(self, source: Any, /) -> Panel:
        """Make the frames; subclasses implement this.

        Parameters
        ----------
        source : Volume or TiltSeries
            An object of the class `shows`.

        Returns
        -------
        libtilt.drawing.Panel
            Frames, with the look's defaults as their style: labels, tilt angles, pixel size.
        """

    def panel(self, source: ImageData, style: Style | None = None) -> Panel:
        """Return the frames of a volume or a tilt series with their style.

        Parameters
        ----------
        source : Volume or TiltSeries
            The object to show.
        style : Style, optional
            Contrast, colors and overlays; the look chooses options that are None.

        Returns
        -------
        libtilt.drawing.Panel

        Raises
        ------
        TypeError
            If `source` is neither a `Volume` nor a `TiltSeries`.
        ValueError
            If the look does not show this class of objects, or an option does not fit the object.

        Examples
        --------
        >>> from libtilt import GaussianBlobs
        >>> from libtilt.animations import Spin
        >>> from libtilt.drawing import Style
        >>> volume = GaussianBlobs.ribosome_like().volume((16, 16, 16), voxel_size=20.0)
        >>> Spin(count=6).panel(volume, Style(annotate=True)).style.pixel_size
        20.0
        """
        if not isinstance(source, ImageData):
            raise TypeError(f"source must be a Volume or a TiltSeries, got {type(source).__name__}")
        if not isinstance(source, self.shows):
            raise ArgumentError(
                f"look {self.name!r} shows a {self.shows.__name__}, got a {type(source).__name__}; "
                "choose another look",
                arguments=("look",),
            )
        panel = self._panel(source)
        for note in panel.notes:
            logger.info(note)
        return attrs.evolve(panel, style=(style or Style()).with_defaults(panel.style))

    def frames(self, source: ImageData) -> NDArray[Any]:
        """Return the frames without style, `(n, h, w)`, in the units of the data.

        Parameters
        ----------
        source : Volume or TiltSeries
            The object to show.

        Returns
        -------
        ndarray, shape (n, h, w)

        Raises
        ------
        TypeError, ValueError
            As `panel`.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> from libtilt.animations import Slices
        >>> Slices(axis="x").frames(Volume(np.zeros((4, 5, 6)))).shape
        (6, 4, 5)
        """
        return self.panel(source).frames
