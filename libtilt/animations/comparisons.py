"""Several objects in one animation: side by side, or one wiped over the other."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from libtilt.animations.look import Look
from libtilt.animations.registry import default_look, resolve_look
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
    """Return titled panels of volumes and tilt series, for one animation.

    Parameters
    ----------
    objects : mapping of str to Volume, TiltSeries or Panel
        Objects by title, from left to right. A panel is used unchanged.
    looks : mapping of str to str, type or Look, optional
        Looks by title of the object; by default slices of volumes and images of tilt series.
    style : Style, optional
        Contrast, colors and overlays of all objects; annotated by default.

    Returns
    -------
    list of libtilt.drawing.Panel

    Raises
    ------
    TypeError
        If an object is of another type.
    ValueError
        If there are no objects, `looks` has an unknown title, or a look does not match its object.

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
            f'objects must be a mapping of titles to objects, such as {{"map": volume}}, '
            f"got {type(objects).__name__}"
        )
    if not objects:
        raise ValueError("objects must hold at least one volume or tilt series, got none")
    chosen = dict(looks or {})
    if unknown := sorted(set(chosen) - set(objects)):
        raise ValueError(f"looks must name objects ({', '.join(objects)}), got {unknown[0]}")
    panels = []
    for title, shown in objects.items():
        if isinstance(shown, Panel):
            panels.append(shown)
            continue
        look = resolve_look(chosen[title]) if title in chosen else default_look(shown)
        titled = attrs.evolve((style or Style()).with_annotations(), title=title)
        panels.append(look.panel(shown, titled))
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
    """Return a wipe between the central slices of two volumes, forward and backward.

    The first picture shows the left half of `before` and the right half of `after`.

    Parameters
    ----------
    before, after : Volume
        Volumes on the same grid; see `libtilt.Volume.resample`.
    axis : {"z", "y", "x"}, optional
        Axis perpendicular to the slice.
    labels : (str, str), optional
        Names of the two volumes, each drawn at its side while it is visible.
    count : int, optional
        Number of frames in each direction; at most one for each column of the slices is shown.
    style : Style, optional
        Contrast, colors and overlays. By default each volume has its own contrast ("frame"),
        because the scale of densities differs between methods, and a scale bar is drawn.

    Returns
    -------
    libtilt.drawing.Panel

    Raises
    ------
    ValueError
        If the grids differ, or an option is invalid.

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
        raise ValueError(f"labels must be two texts, for before and after, got {labels!r}")
    steps = positive_integer(count, "count")
    if steps < 2:
        raise ValueError("count must be at least 2, one frame for before and one for after, got 1")
    style = (style or Style()).with_annotations()
    (left, pixel_size), (right, _) = (central_slice(volume, axis) for volume in (before, after))
    slices = np.stack([left, right]).astype(float)
    contrast = "frame" if style.contrast is None else style.contrast
    left, right = to_gray(slices, percentiles=style.percentiles, contrast=contrast)
    width = left.shape[1]
    # In equal steps, of a pixel or more, so that no frame is shown twice; `before` is on the left.
    steps = min(steps, width + 1)
    borders = np.rint(np.linspace(width, 0, steps))
    names = [
        f"{labels[0] if border else ''}\t{labels[1] if border < width else ''}"
        for border in borders
    ]
    style = attrs.evolve(style, contrast=(0, 255), labels=style.labels or names)
    defaults = Style(pixel_size=pixel_size, ping_pong=True, first_frame=(steps - 1) // 2)
    # Between the texts above and below, if there are any.
    ends = (0.12, 0.86) if style.annotate else (0.0, 1.0)
    frames = _wipe_frames(left, right, borders, ends)
    return Panel(frames, style.with_defaults(defaults), pixel_size=pixel_size)


def _require_pair(before: Volume, after: Volume) -> None:
    """Raise unless both are volumes on the same grid."""
    for volume, name in ((before, "before"), (after, "after")):
        require_kind(volume, Volume, name)
    if difference := before.grid.describe_difference(after.grid):
        raise ValueError(
            f"before and after must lie on the same grid, but {difference}; use "
            "after.resample(before.grid)"
        )


def _wipe_frames(
    left: Frames, right: Frames, borders: Float64Array, ends: tuple[float, float]
) -> Frames:
    """Return frames with `left` up to each border, a white line, and `right` beyond it.

    `ends` are those of the line, as parts of the height.
    """
    height, width = left.shape
    top, bottom = (round(height * end) for end in ends)
    frames: Frames = np.where(np.arange(width) < borders[:, np.newaxis, np.newaxis], left, right)
    for frame, border in zip(frames, borders.astype(int).tolist(), strict=True):
        if 0 < border < width:
            frame[top:bottom, border] = 255
    return frames
