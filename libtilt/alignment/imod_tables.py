"""IMOD's transforms: ``.xf``, six numbers per view."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from libtilt.alignment.text import number, numbered_lines
from libtilt.errors.checks import Float64Array

# No image has more pixels in a row, and sums of such numbers keep their digits.
LARGEST = 1e9


def length(text: str, where: str) -> float:
    """Return a number of pixels or degrees; raise a ValueError where it is beyond all images."""
    value = number(text, where)
    if abs(value) > LARGEST:
        raise ValueError(f"{where}: expected a number within {LARGEST:g} of 0, got {text!r}")
    return value


def read_table(path: str | Path, columns: int, what: str) -> Float64Array:
    """Read a table of numbers, `(n, columns)`, one row per view.

    Parameters
    ----------
    path : path
        The file.
    columns : int
        Numbers per row.
    what : str
        What a row should hold, for messages.

    Returns
    -------
    ndarray, shape (n, columns)

    Raises
    ------
    ValueError
        If a row has another count or something that is no number; the message names the line.
    """
    rows = []
    for line, text in numbered_lines(path):
        where = f"{path}, line {line}"
        words = text.replace(",", " ").split()
        if len(words) != columns:
            raise ValueError(f"{where}: expected {what}, got {text[:80]!r}")
        rows.append([length(word, where) for word in words])
    return np.array(rows)


def read_xf(path: str | Path) -> Float64Array:
    r"""Read a transform file: ``A11 A12 A21 A22 DX DY`` for each view.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    ndarray, shape (n, 2, 3)
        ``[A | d]``: raw to aligned, about the images' centres ``(N - 1) / 2``, in pixels.

    Raises
    ------
    ValueError
        If a row is no transform, or has no inverse; the message names the file and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from libtilt.alignment.imod_tables import read_xf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.xf"
    ...     _ = path.write_text("1 0 0 1 -20.5 3\n")
    ...     read_xf(path).tolist()
    [[[1.0, 0.0, -20.5], [0.0, 1.0, 3.0]]]
    """
    table = read_table(path, 6, "A11 A12 A21 A22 DX DY")
    transforms = np.concatenate([table[:, :4].reshape(-1, 2, 2), table[:, 4:, np.newaxis]], axis=2)
    for view, determinant in enumerate(np.linalg.det(transforms[:, :, :2]), start=1):
        if abs(determinant) < 1e-6:
            raise ValueError(f"{path}: the transform of view {view} has no inverse")
    return transforms


def xf_text(transforms: Float64Array) -> str:
    """Return the text of a transform file, with digits for 1e-6 pixel at any image size."""
    rows = np.concatenate([transforms[:, :, :2].reshape(-1, 4), transforms[:, :, 2]], axis=1)
    line = " ".join(["{:14.10f}"] * 4 + ["{:14.7f}"] * 2) + "\n"
    return "".join(line.format(*row) for row in rows)
