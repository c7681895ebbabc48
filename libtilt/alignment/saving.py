"""Saving alignments in a format that can hold them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import AlignmentFile
from libtilt.alignment.opening import FORMATS, format_from_suffix
from libtilt.errors import ArgumentError
from libtilt.errors.checks import Float64Array, one_of, positive_float
from libtilt.errors.warning import warn
from libtilt.geometry import TiltGeometry

TOLERANCE = 0.1
"""Default of the largest movement in pixels: less than an alignment is accurate to."""

_NOTED = 0.01
# Above the movement by the digits of the files.
_DIGITS = 0.003
_PARTS = {
    "x_tilts": ("x-tilts", " degrees"),
    "magnifications": ("magnifications", ""),
    "shifts": ("shifts", " Å"),
    "tilt_axis_angle": ("tilt axis angles", " degrees"),
    "tilt_angles": ("tilt angles", " degrees"),
}


def save_alignment(
    alignment: Alignment,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    like: AlignmentFile | None = None,
    tolerance: float = TOLERANCE,
    overwrite: bool = False,
) -> Path:
    """Write an alignment in any format that can hold it.

    Parameters
    ----------
    alignment : Alignment
        The alignment to write.
    path : path
        The file; IMOD's others are written beside its ``.xf``.
    format : str, optional
        Overrides the suffix.
    like : AlignmentFile, optional
        A file of the same format whose other content is kept.
    tolerance : float, optional
        Largest allowed movement of a projected tomogram corner, in raw pixels. Some formats lack
        x-tilts, magnifications or shifts, and IMOD's seven digits alone cause 0.002 pixels. A
        movement of more than 0.01 pixels gives a warning.
    overwrite : bool, optional
        Whether existing files may be replaced.

    Returns
    -------
    pathlib.Path
        The path given.

    Raises
    ------
    ValueError
        If the format cannot hold the alignment; the message names what would be lost.
    FileExistsError
        If a file exists and `overwrite` is false.

    Warns
    -----
    LibtiltWarning
        If a corner moves by more than 0.01 pixels, or tilt angles of excluded images are unknown
        and had to be interpolated.

    Examples
    --------
    >>> import tempfile
    >>> from libtilt import TiltGeometry
    >>> from libtilt.alignment import Alignment, open_alignment, save_alignment
    >>> alignment = Alignment(
    ...     TiltGeometry.from_tilt_angles([-3, 3], tilt_axis_angle=85, shifts=(4, -2)),
    ...     views=[0, 1], stack_shape=(2, 64, 64), pixel_size=2.0,
    ...     volume_shape=(32, 64, 64), voxel_size=2.0,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_alignment(alignment, f"{folder}/TS_1.aln")
    ...     again = open_alignment(path, pixel_size=2.0, volume_shape=(32, 64, 64))
    >>> alignment.distance(again) < 1e-6
    True
    """
    positive_float(tolerance, "tolerance")
    target = Path(path)
    kind = (
        FORMATS[one_of(format, "format", tuple(FORMATS))] if format else format_from_suffix(target)
    )
    if like is not None and not isinstance(like, kind):
        raise TypeError(f"like must be of format {kind.format}, got {type(like).__name__}")

    def written(one: Alignment) -> Alignment:
        return kind.from_alignment(one, like=like).alignment(one.sizes)

    made = kind.from_alignment(alignment, like=like)
    moved = alignment.distance(made.alignment(alignment.sizes))
    lost = f"{kind.format} files cannot hold "
    if moved > min(tolerance, _NOTED):
        lost += _describe_losses(alignment, written)
    if moved > tolerance:
        raise ArgumentError(
            f"{lost}: corners of the tomogram would move by {moved:.3g} pixels; to write the "
            f"alignment without, pass a larger tolerance=... (now {tolerance:g} pixels)",
            arguments=("tolerance",),
        )
    path = made.write(target, overwrite=overwrite)
    if moved > _NOTED:
        text = f"{lost}: corners of the tomogram move by {moved:.3g} pixels"
        warn(text)
    unknown = int(np.isnan(alignment.excluded_tilt_angles).sum())
    if unknown and like is None and kind.writes_excluded:
        warn(
            f"tilt angles of excluded images are unknown ({unknown}); interpolating from their "
            "neighbors"
        )
    return path


def _describe_losses(alignment: Alignment, written: Callable[[Alignment], Alignment]) -> str:
    """Describe the parts of an alignment that a file holds differently, and how far each moves.

    `written` returns what a file of an alignment holds. The closest file without x-tilts or
    magnifications may have other shifts and angles, which are no losses of their own.
    """
    there = written(alignment)
    if sorted(there.views.tolist()) != sorted(alignment.views.tolist()):
        return "the list of used images"
    found = []
    for keys in (("x_tilts", "magnifications"), ("shifts", "tilt_axis_angle", "tilt_angles")):
        for key in keys:
            name, unit = _PARTS[key]
            part = _parts(there, alignment.views)[key]
            size = abs(_parts(alignment, alignment.views)[key] - part).max()
            moved = alignment.distance(_replace(alignment, {key: part}))
            if moved > _DIGITS:
                found.append(f"the {name} (differences up to {size:.3g}{unit}, {moved:.3g} pixels)")
        held = _parts(there, alignment.views)
        alignment = _replace(alignment, {key: held[key] for key in keys})
        there = written(alignment)
    return " and ".join(found) or "all digits of this alignment"


def _replace(alignment: Alignment, parts: dict[str, Float64Array]) -> Alignment:
    """Return an alignment with other values of some parts of its geometry."""
    own = _parts(alignment, alignment.views)
    return attrs.evolve(alignment, geometry=TiltGeometry.from_tilt_angles(**(own | parts)))


def _parts(alignment: Alignment, views: NDArray[np.int64]) -> dict[str, Any]:
    """Return the arguments of `TiltGeometry.from_tilt_angles`, in the order of `views`."""
    places = {view: place for place, view in enumerate(alignment.views.tolist())}
    geometry = alignment.geometry[[places[view] for view in views.tolist()]]
    return {
        "tilt_angles": geometry.tilt_angles,
        "tilt_axis_angle": geometry.tilt_axis_angles,
        "x_tilts": geometry.x_tilts,
        "magnifications": geometry.magnifications,
        "shifts": geometry.shifts,
    }
