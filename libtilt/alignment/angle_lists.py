"""Text files with one tilt angle per line: ``.tlt``, ``.rawtlt``, ``.xtilt``, ``_TLT.txt``."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import numpy as np

from libtilt.alignment.plausible import tilt_angle
from libtilt.alignment.text import number, numbered_lines
from libtilt.errors.checks import Float64Array


@attrs.frozen(eq=False)
class AngleList:
    """The columns of a file with one line per image.

    Attributes
    ----------
    angles : ndarray, shape (n,)
        Degrees.
    order : ndarray, shape (n,), or None
        The second column: when each image was taken, as the file counts.
    exposures : ndarray, shape (n,), or None
        The third column: electrons per square angstrom.
    """

    angles: Float64Array
    order: Float64Array | None = None
    exposures: Float64Array | None = None


def read_angle_list(path: str | Path) -> AngleList:
    r"""Read a file with one line per image: tilt angle, then order and exposure where it has them.

    This is what IMOD's ``.tlt``, ``.rawtlt`` and ``.xtilt``, and AreTomo's ``_TLT.txt`` and
    AngFile hold. Columns are kept apart by blanks, tabs or commas; ``#`` begins a comment.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    AngleList

    Raises
    ------
    ValueError
        If a line does not hold one to three numbers, an angle lies beyond 180 degrees, or lines
        differ in length; the message names the file and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.alignment.angle_lists import read_angle_list
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "TS_1_TLT.txt"
    ...     _ = path.write_text("-3.0 2 3.1\n 0.0 1 3.1\n")
    ...     columns = read_angle_list(path)
    >>> columns.angles.tolist(), columns.order.tolist(), columns.exposures.tolist()
    ([-3.0, 0.0], [2.0, 1.0], [3.1, 3.1])
    """
    rows: list[list[float]] = []
    for line, text in numbered_lines(path):
        words = _words(text, f"{path}, line {line}")
        if not words:
            continue
        where = f"{path}, line {line}"
        if not 1 <= len(words) <= 3 or (rows and len(words) != len(rows[0])):
            expected = "a tilt angle, and perhaps its order and exposure"
            if rows:
                expected = f"{len(rows[0])} columns, as above"
            raise ValueError(f"{where}: expected {expected}, got {text[:80]!r}")
        rows.append([tilt_angle(words[0], where), *(number(word, where) for word in words[1:])])
    if not rows:
        raise ValueError(f"{path} holds no tilt angle")
    columns = np.array(rows).T
    order = columns[1] if len(columns) > 1 and _counts(columns[1]) else None
    doses = columns[2] if len(columns) > 2 and (columns[2] >= 0).all() else None
    return AngleList(columns[0], order, doses)


def _words(text: str, where: str) -> list[str]:
    plain = text.split("#")[0].strip().removesuffix(",")
    if re.search(r"(?<![\d.])\d+,\d+(?![\d.,])", plain):
        raise ValueError(
            f"{where}: {plain[:80]!r} may have decimal commas, or columns: write points, or keep "
            "columns apart by blanks"
        )
    return [word for word in re.split(r"[,\s]+", plain) if word]


def _counts(column: Float64Array) -> bool:
    """Whether a column numbers the images, and is no dose or offset."""
    whole = bool((column == np.round(column)).all())
    return whole and len(np.unique(column)) == len(column)


def angles_text(angles: Float64Array) -> str:
    """Return the text of a file with one angle per line."""
    return "".join(f"{angle:.8f}\n" for angle in angles)
