"""`Look`: a way to make frames of a volume or a tilt series, its options as fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import attrs
from numpy.typing import NDArray

from libtilt.drawing import Panel, Style
from libtilt.errors import ArgumentError
from libtilt.geometry.image_data import ImageData


@attrs.frozen(kw_only=True)
class Look(ABC):
    """A way to make frames of a volume or a tilt series: the choice and its options.

    A subclass is a frozen attrs class whose fields are its options, and writes `_panel`.

    Attributes
    ----------
    name : str
        By which messages and the command line call it; by default that of the class.
    shows : type
        What it is of: `libtilt.Volume` or `libtilt.TiltSeries`.

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
    ...     def _panel(self, what):
    ...         return Panel(what.data.sum(axis=self.axis, keepdims=True))
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
    def _panel(self, what: Any) -> Panel:
        """Make the frames; what a look of one's own writes.

        Parameters
        ----------
        what : Volume or TiltSeries
            As `shows` says.

        Returns
        -------
        libtilt.drawing.Panel
            Its style holds what the look knows: of an axis, angles, pixel sizes.
        """

    def panel(self, what: ImageData, style: Style | None = None) -> Panel:
        """Return the frames of a volume or a tilt series, and how to draw them.

        Parameters
        ----------
        what : Volume or TiltSeries
            The object.
        style : Style, optional
            How to draw it.

        Returns
        -------
        libtilt.drawing.Panel

        Raises
        ------
        TypeError
            If it is something else.
        ValueError
            If the look is not of such objects, or an option does not fit this one.

        Examples
        --------
        >>> from libtilt import GaussianBlobs
        >>> from libtilt.animations import Spin
        >>> from libtilt.drawing import Style
        >>> volume = GaussianBlobs.ribosome_like().volume((16, 16, 16), voxel_size=20.0)
        >>> Spin(count=6).panel(volume, Style(annotate=True)).style.pixel_size
        20.0
        """
        if not isinstance(what, ImageData):
            raise TypeError(
                f"what to animate must be a Volume or a TiltSeries, got {type(what).__name__}"
            )
        if not isinstance(what, self.shows):
            raise ArgumentError(
                f"look {self.name!r} is of a {self.shows.__name__}, got a {type(what).__name__}",
                arguments=("look",),
            )
        own = self._panel(what)
        return attrs.evolve(own, style=(style or Style()).completed(own.style))

    def frames(self, what: ImageData) -> NDArray[Any]:
        """Return the frames alone, `(n, h, w)`, in the units of the data.

        Parameters
        ----------
        what : Volume or TiltSeries
            The object.

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
        return self.panel(what).frames
