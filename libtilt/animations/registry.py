"""Which looks there are, and how one is picked by name, class or instance."""

from __future__ import annotations

from libtilt.animations.look import Look
from libtilt.animations.slices import Slices
from libtilt.animations.spin import Spin
from libtilt.animations.tilts import Tilts
from libtilt.errors.options import resolve
from libtilt.geometry.image_data import ImageData

LOOKS: dict[str, type[Look]] = {look.name: look for look in (Slices, Spin, Tilts)}
"""The looks of this package by name."""


def resolve_look(look: str | type[Look] | Look) -> Look:
    """Return a look from its name, its class or itself.

    Parameters
    ----------
    look : str, type or Look
        One of "slices", "spin" and "tilts", a class that needs no arguments, or an instance.

    Returns
    -------
    Look

    Raises
    ------
    ValueError
        If there is no look of that name.
    TypeError
        If it is none of the three.

    Examples
    --------
    >>> from libtilt.animations import resolve_look
    >>> resolve_look("slices")
    Slices(axis='z', step=1)
    """
    return resolve(look, LOOKS, Look, "look")


def usual_look(what: ImageData) -> Look:
    """Return the look of an object for which none is asked: slices, or its tilts."""
    return Tilts() if isinstance(what, Tilts.shows) else Slices()
