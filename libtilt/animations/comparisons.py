"""Several objects in one animation: beside each other, or one before the other."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from libtilt.animations.look import Look
from libtilt.animations.registry import resolve_look, usual_look
from libtilt.animations.slices import AXES, central_slice
from libtilt.drawing import Panel, Style, to_gray
from libtilt.drawing.contrast import Frames
from libtilt.errors.checks import Float64Array, one_of, positive_integer, require_kind
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


def side_by_side(
    objects: Mapping[str, Volume | TiltSeries | Panel],
    *,
    looks: Mapping[str, str | type[Look] | Look] | None = None,
    style: Style | None = None,
) -> list[Panel]:
    """Return volumes and tilt series as panels with their names, for one animation.

    Parameters
    ----------
    objects : mapping of str to Volume, TiltSeries or Panel
        From left to right; a panel is taken as it is.
    looks : mapping of str to str, type or Look, optional
        Of objects, by their names: by default slices of volumes, and tilts.
    style : Style, optional
        How to draw them; what is known is written into them unless it says otherwise.

    Returns
    -------
    list of libtilt.drawing.Panel

    Raises
    ------
    TypeError
        If there is something else among the objects.
    ValueError
        If there are none, `looks` has a name that they lack, or a look does not fit.

    Examples
    --------
    >>> import tempfile
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.animations import side_by_side
    >>> from libtilt.drawing import Animation
    >>> blobs = GaussianBlobs.ribosome_like()
    >>> volume = blobs.volume((32, 32, 32), voxel_size=10.0)
    >>> geometry = TiltGeometry.from_tilt_angles([-60, 0, 60])
    >>> tilts = blobs.tilt_series(geometry, (32, 32), pixel_size=10.0)
    >>> panels = side_by_side({"map": volume, "tilt series": tilts}, looks={"map": "spin"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Animation(panels, width=480).save(f"{folder}/both.gif")
    """
    if not isinstance(objects, Mapping):
        raise TypeError(
            f'objects must be a mapping of names to objects, such as {{"map": volume}}, '
            f"got {type(objects).__name__}"
        )
    if not objects:
        raise ValueError("objects must hold at least one volume or tilt series, got none")
    chosen = dict(looks or {})
    if unknown := sorted(set(chosen) - set(objects)):
        raise ValueError(f"looks must name objects ({', '.join(objects)}), got {unknown[0]}")
    panels = []
    for name, what in objects.items():
        if isinstance(what, Panel):
            panels.append(what)
            continue
        look = resolve_look(chosen[name]) if name in chosen else usual_look(what)
        named = attrs.evolve((style or Style()).annotated(), title=name)
        panels.append(look.panel(what, named))
    return panels


def before_after(
    before: Volume,
    after: Volume,
    *,
    axis: str = "z",
    labels: tuple[str, str] = ("before", "after"),
    count: int = 40,
    style: Style | None = None,
) -> Panel:
    """Return the central slice of a volume, wiped over by that of another, and back.

    Parameters
    ----------
    before, after : Volume
        On the same grid; `libtilt.Volume.resample` brings one onto that of the other.
    axis : {"z", "y", "x"}, optional
        That the slice is perpendicular to.
    labels : (str, str), optional
        What to call them; while both are seen, the one at the left comes first.
    count : int, optional
        Frames on the way there, and as many back.
    style : Style, optional
        How to draw them. By default each has a contrast of its own, "frame", since methods differ
        in scale, and a scale bar is drawn.

    Returns
    -------
    libtilt.drawing.Panel

    Raises
    ------
    ValueError
        If their grids differ, or an option does not fit.

    Examples
    --------
    >>> import tempfile
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.animations import before_after
    >>> from libtilt.drawing import Animation
    >>> volume = GaussianBlobs.ribosome_like().volume((16, 16, 16), voxel_size=20.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wipe = Animation(before_after(volume, -volume, count=8))
    ...     path = wipe.save(f"{folder}/negative.gif")
    """
    one_of(axis, "axis", AXES)
    _require_pair(before, after)
    if isinstance(labels, str) or len(labels) != 2:
        raise ValueError(f"labels must be two texts, of before and after, got {labels!r}")
    steps = positive_integer(count, "count")
    if steps < 2:
        raise ValueError("count must be at least 2, one frame for before and one for after, got 1")
    style = (style or Style()).annotated()
    (left, pixel_size), (right, _) = (central_slice(volume, axis) for volume in (before, after))
    slices = np.stack([left, right]).astype(float)
    contrast = "frame" if style.contrast is None else style.contrast
    left, right = to_gray(slices, percentiles=style.percentiles, contrast=contrast)
    width = left.shape[1]
    # As a pendulum goes: slowly at both ends.
    borders = np.rint(width * (1 - np.cos(np.linspace(0, np.pi, steps))) / 2)
    # Where the wipe has come from, at the left, stands what is new.
    names = [
        labels[0] if not border else labels[1] if border == width else f"{labels[1]} | {labels[0]}"
        for border in borders
    ]
    style = attrs.evolve(style, contrast=(0, 255), labels=style.labels or names)
    own = Style(pixel_size=pixel_size, ping_pong=True)
    return Panel(_wiped(left, right, borders), style.completed(own))


def _require_pair(before: Volume, after: Volume) -> None:
    """Raise where there are not two volumes of one shape and voxel size."""
    for what, name in ((before, "before"), (after, "after")):
        require_kind(what, Volume, name)
    if difference := before.grid.describe_difference(after.grid):
        raise ValueError(
            f"before and after must lie on one grid, but {difference}; use "
            "after.resample(before.grid)"
        )


def _wiped(left: Frames, right: Frames, borders: Float64Array) -> Frames:
    """Return a picture over which another one comes from the left, with a line between them."""
    width = left.shape[1]
    frames: Frames = np.where(np.arange(width) < borders[:, np.newaxis, np.newaxis], right, left)
    for frame, border in zip(frames, borders.astype(int).tolist(), strict=True):
        if 0 < border < width:
            frame[:, border] = 255
    return frames
