"""Saving alignments in a format that can hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import AlignmentFile
from libtilt.alignment.opening import FORMATS, format_from_suffix
from libtilt.errors import ArgumentError
from libtilt.errors.checks import one_of, positive_float
from libtilt.errors.warning import warn


def save_alignment(
    alignment: Alignment,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    like: AlignmentFile | None = None,
    tolerance: float = 1e-2,
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
        x-tilts, magnifications or shifts, and IMOD's seven digits alone cause 0.002 pixels.
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
    UserWarning
        If tilt angles of excluded images are unknown and had to be interpolated.

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
    made = kind.from_alignment(alignment, like=like)
    moved = alignment.distance(made.alignment(alignment.sizes))
    if moved > tolerance:
        raise ArgumentError(
            f"{kind.format} files cannot hold this alignment: {_describe_losses(alignment)}, "
            f"and corners of the tomogram would move by {moved:.3g} pixels; to write it anyway, "
            f"pass a larger tolerance=... (now {tolerance:g} pixels)",
            arguments=("tolerance",),
        )
    path = made.write(target, overwrite=overwrite)
    unknown = int(np.isnan(alignment.excluded_tilt_angles).sum())
    if unknown and like is None and kind.writes_excluded:
        warn(
            f"tilt angles of excluded images are unknown ({unknown}); interpolating from their "
            "neighbors"
        )
    return path


def _describe_losses(alignment: Alignment) -> str:
    """Describe the parts of an alignment that some formats lack."""
    geometry = alignment.geometry
    found = [
        (abs(geometry.tilt_axis_angles).max(), "a tilt axis up to {:.3g} degrees from y"),
        (abs(geometry.x_tilts).max(), "x-tilts up to {:.3g} degrees"),
        (abs(geometry.magnifications - np.eye(2)).max(), "magnifications up to {:.3g} from 1"),
        (abs(geometry.shifts).max(), "shifts up to {:.3g} Å"),
    ]
    return "it has " + ", ".join(text.format(size) for size, text in found if size > 1e-5)
