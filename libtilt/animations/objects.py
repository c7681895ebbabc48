"""Volumes and tilt series as panels of an animation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from libtilt.animations.options import panel_options, saving_options
from libtilt.animations.slices import slice_frames, slice_pixel_size
from libtilt.animations.spin import Stage, spin_frames
from libtilt.errors.checks import one_of
from libtilt.gif import Panel, save_animation
from libtilt.gif.overlays import angle_labels
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

KINDS = ("slices", "spin")


def panel_of(what: Volume | TiltSeries, **options: Any) -> Panel:
    """Return a volume or a tilt series as a panel.

    Parameters
    ----------
    what : Volume or TiltSeries
        The object.
    **options
        Of `volume_panel` or `series_panel`.

    Returns
    -------
    libtilt.gif.Panel

    Raises
    ------
    TypeError
        If it is something else.

    Examples
    --------
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.animations import panel_of
    >>> volume = GaussianBlobs.ribosome_like().volume((16, 16, 16), voxel_size=20.0)
    >>> panel_of(volume, kind="spin", count=6, title="map").frames.shape
    (6, 16, 23)
    """
    if isinstance(what, Volume):
        return volume_panel(what, **options)
    if isinstance(what, TiltSeries):
        return series_panel(what, **options)
    raise TypeError(f"what to animate must be a Volume or a TiltSeries, got {type(what).__name__}")


def volume_panel(
    volume: Volume, *, kind: str = "slices", annotate: bool = False, **options: Any
) -> Panel:
    """Return slices of a volume, or its pictures over a full turn, as a panel.

    Parameters
    ----------
    volume : Volume
        The volume.
    kind : {"slices", "spin"}, optional
        A walk through slices, there and back, or a full turn.
    annotate : bool, optional
        Whether to draw a scale bar.
    **options
        Of `slice_frames` or `spin_frames`, and of `libtilt.gif.Panel`.

    Returns
    -------
    libtilt.gif.Panel

    Raises
    ------
    ValueError
        If an option does not fit, or the volume holds nothing finite.

    Examples
    --------
    See `panel_of`.
    """
    one_of(kind, "kind", KINDS)
    make: Callable[..., Any] = slice_frames if kind == "slices" else spin_frames
    names = frozenset(inspect.signature(make).parameters) - {"volume"}
    panel_options(options, what=f"kind {kind!r}", also=names)
    frame_options = {name: value for name, value in options.items() if name in names}
    frames = make(volume, **frame_options)
    drawn: dict[str, Any] = {"ping_pong": kind == "slices"}
    if kind == "spin" and options.get("render") == "surface":
        drawn["contrast"] = (0.0, 1.0)
    if annotate:
        axis = options.get("axis", "z" if kind == "slices" else "y")
        render = options.get("render", "projection")
        drawn["pixel_size"] = (
            Stage.of(volume, axis, render).pixel_size
            if kind == "spin"
            else slice_pixel_size(volume, axis)
        )
    given = {name: value for name, value in options.items() if name not in names}
    return Panel(frames, **(drawn | given))


def series_panel(tilt_series: TiltSeries, *, annotate: bool = False, **options: Any) -> Panel:
    """Return the images of a tilt series in the order of their angles as a panel.

    Parameters
    ----------
    tilt_series : TiltSeries
        The series.
    annotate : bool, optional
        Whether to write each tilt angle on its image, with a dial of the tilt and a scale bar.
    **options
        Of `libtilt.gif.Panel`.

    Returns
    -------
    libtilt.gif.Panel

    Raises
    ------
    ValueError
        If an option does not fit.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.animations import series_panel
    >>> blobs = GaussianBlobs.random((16, 16, 16), n=5, seed=0)
    >>> tilts = blobs.tilt_series(TiltGeometry.from_tilt_angles([3, -3, 0]), (16, 16))
    >>> series_panel(tilts, annotate=True).labels
    ['-3.0°', '0.0°', '3.0°']
    """
    panel_options(options, what="a tilt series")
    ordered = tilt_series.sort()
    drawn: dict[str, Any] = {"ping_pong": True}
    if annotate:
        angles = ordered.geometry.tilt_angles
        drawn |= {
            "labels": angle_labels(angles.tolist()),
            "dial": angles,
            "pixel_size": tilt_series.pixel_size,
        }
    return Panel(ordered.images, **(drawn | options))


def save_object(path: str | Path, what: Volume | TiltSeries, **options: Any) -> Path:
    """Write a volume or a tilt series as an animation; see `Volume.to_gif`."""
    saving, drawn = saving_options(options)
    return save_animation(path, [panel_of(what, **drawn)], **saving)
