"""Several objects in one animation: beside each other, or one before the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from libtilt.animations.objects import panel_of
from libtilt.animations.options import panel_options, saving_options
from libtilt.animations.slices import slice_frames, slice_pixel_size
from libtilt.errors.checks import Float64Array, one_of, positive_integer
from libtilt.gif import Panel, save_animation, to_grey
from libtilt.gif.contrast import Contrast, Frames
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


def side_by_side(
    path: str | Path,
    objects: Mapping[str, Volume | TiltSeries | Panel],
    *,
    annotate: bool = True,
    kinds: Mapping[str, str] | None = None,
    cmap: str = "gray",
    **options: Any,
) -> Path:
    """Write volumes and tilt series beside each other, with their names, as one animation.

    Parameters
    ----------
    path : path
        Ends with ``.gif``, ``.png``, ``.apng`` or ``.mp4``.
    objects : mapping of str to Volume, TiltSeries or Panel
        From left to right; a panel is taken as it is.
    annotate : bool, optional
        Whether to draw scale bars, and angles and dials on tilt series.
    kinds : mapping of str to {"slices", "spin"}, optional
        Of volumes, by their names: slices by default.
    cmap : str, optional
        A colour map of matplotlib (extra ``plot``); by default "gray".
    **options
        Of `libtilt.gif.save_animation`.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    TypeError
        If there is something else among the objects.
    ValueError
        If there are none, `kinds` has a name that they lack, or an option does not fit.

    Examples
    --------
    >>> import tempfile
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.animations import side_by_side
    >>> blobs = GaussianBlobs.ribosome_like()
    >>> volume = blobs.volume((32, 32, 32), voxel_size=10.0)
    >>> geometry = TiltGeometry.from_tilt_angles([-60, 0, 60])
    >>> tilts = blobs.tilt_series(geometry, (32, 32), pixel_size=10.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     objects = {"map": volume, "tilt series": tilts}
    ...     path = side_by_side(f"{folder}/both.gif", objects, kinds={"map": "spin"})
    """
    if not isinstance(objects, Mapping):
        raise TypeError(
            f'objects must be a mapping of names to objects, such as {{"map": volume}}, '
            f"got {type(objects).__name__}"
        )
    if not objects:
        raise ValueError("objects must hold at least one volume or tilt series, got none")
    chosen = dict(kinds or {})
    if unknown := sorted(set(chosen) - set(objects)):
        raise ValueError(f"kinds must name objects ({', '.join(objects)}), got {unknown[0]}")
    panels = []
    for name, what in objects.items():
        if isinstance(what, Panel):
            panels.append(what)
            continue
        kind = {"kind": chosen[name]} if name in chosen else {}
        panels.append(panel_of(what, title=name, annotate=annotate, cmap=cmap, **kind))
    return save_animation(path, panels, **options)


def before_after(
    path: str | Path,
    before: Volume,
    after: Volume,
    *,
    axis: str = "z",
    labels: tuple[str, str] = ("before", "after"),
    count: int = 40,
    percentiles: tuple[float, float] = (0.5, 99.8),
    contrast: Contrast = "frame",
    **options: Any,
) -> Path:
    """Write the central slice of a volume, wiped over by that of another, and back.

    Each has a contrast of its own, since methods differ in scale; for values set `contrast`.

    Parameters
    ----------
    path : path
        Ends with ``.gif``, ``.png``, ``.apng`` or ``.mp4``.
    before, after : Volume
        On the same grid; `libtilt.Volume.resample` brings one onto that of the other.
    axis : {"z", "y", "x"}, optional
        That the slice is perpendicular to.
    labels : (str, str), optional
        What to call them; while both are seen, the one at the left comes first.
    count : int, optional
        Frames on the way there, and as many back.
    percentiles : (float, float), optional
        Of the finite values, to be drawn black and white.
    contrast : {"frame", "stack"} or (float, float), optional
        Whether percentiles are those of each slice (the default) or of both together; or the two
        values themselves.
    **options
        Of `libtilt.gif.Panel` and `libtilt.gif.save_animation`.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    ValueError
        If their grids differ, or an option does not fit.

    Examples
    --------
    >>> import tempfile
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.animations import before_after
    >>> volume = GaussianBlobs.ribosome_like().volume((16, 16, 16), voxel_size=20.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = before_after(f"{folder}/negative.gif", volume, -volume, count=8)
    """
    one_of(axis, "axis", ("z", "y", "x"))
    _require_pair(before, after)
    if isinstance(labels, str) or len(labels) != 2:
        raise ValueError(f"labels must be two texts, of before and after, got {labels!r}")
    steps = positive_integer(count, "count")
    if steps < 2:
        raise ValueError("count must be at least 2, one frame for before and one for after, got 1")
    middle = before.shape["zyx".index(axis)] // 2
    left, right = (_slice(volume, axis, middle) for volume in (before, after))
    left, right = to_grey(np.stack([left, right]), percentiles=percentiles, contrast=contrast)
    width = left.shape[1]
    # As a pendulum goes: slowly at both ends.
    borders = np.rint(width * (1 - np.cos(np.linspace(0, np.pi, steps))) / 2)
    # Where the wipe has come from, at the left, stands what is new.
    names = [
        labels[0] if not border else labels[1] if border == width else f"{labels[1]} | {labels[0]}"
        for border in borders
    ]
    shown: dict[str, Any] = {"labels": names, "ping_pong": True, "contrast": (0, 255)}
    shown["pixel_size"] = slice_pixel_size(before, axis)
    saving, drawn = saving_options(options)
    frames = _wiped(left, right, borders)
    return save_animation(path, [Panel(frames, **(shown | panel_options(drawn)))], **saving)


def _require_pair(before: Volume, after: Volume) -> None:
    """Raise where there are not two volumes of one shape and voxel size."""
    for what, name in ((before, "before"), (after, "after")):
        if not isinstance(what, Volume):
            raise TypeError(f"{name} must be a Volume, got {type(what).__name__}")
    if difference := before.grid.difference(after.grid):
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


def _slice(volume: Volume, axis: str, index: int) -> Any:
    """Return one slice, stretched to square pixels."""
    place = "zyx".index(axis)
    cut = [slice(None)] * 3
    cut[place] = slice(index, index + 1)
    return slice_frames(volume[tuple(cut)], axis=axis)[0].astype(float)
