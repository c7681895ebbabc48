"""The registered looks; lookup by name, class or instance."""

from __future__ import annotations

from libtilt.animations.look import Look
from libtilt.animations.slices import Slices
from libtilt.animations.spin import RENDERS, Spin
from libtilt.animations.tilts import Tilts
from libtilt.errors import ArgumentError
from libtilt.errors.options import resolve
from libtilt.geometry.image_data import ImageData

LOOKS: dict[str, type[Look]] = {look.name: look for look in (Slices, Spin, Tilts)}
"""Looks by name."""


def resolve_look(look: str | type[Look] | Look) -> Look:
    """Return a look from its name, its class or an instance.

    Parameters
    ----------
    look : str, type or Look
        "slices", "spin" or "tilts"; a class whose options all have defaults; or an instance.

    Returns
    -------
    Look

    Raises
    ------
    ValueError
        If the name is unknown, or that of a rendering of `Spin`.
    TypeError
        If `look` is of another type.

    Examples
    --------
    >>> from libtilt.animations import resolve_look
    >>> resolve_look("slices")
    Slices(axis='z', step=1, start=None, stop=None)
    """
    if isinstance(look, str) and look in RENDERS:
        raise ArgumentError(
            f"look {look!r} is a rendering of Spin: pass look=Spin(render={look!r})",
            arguments=("look",),
        )
    return resolve(look, LOOKS, Look, "look")


def default_look(source: ImageData) -> Look:
    """Return `Tilts` for a tilt series and `Slices` for a volume."""
    return Tilts() if isinstance(source, Tilts.shows) else Slices()
