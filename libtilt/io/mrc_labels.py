"""Labels of the MRC files that libtilt writes: series mark, center, processing history."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

import numpy as np

from libtilt.errors.checks import Float64Array

OWN_LABEL = b"Written by libtilt"
_SERIES = b", series "
_CENTER = b"libtilt center "
_MADE = b"libtilt made "
_LIBTILT_LABELS = (OWN_LABEL, _CENTER, _MADE)
_LENGTH, _MAX_LABELS = 80, 10
_CENTER_TEXT = re.compile(r"(\S+) (\S+) (\S+) of (\d+)x(\d+)x(\d+)")


def make_labels(
    shape: tuple[int, ...], *, series: str | None, center: Float64Array, made: str
) -> list[bytes]:
    """Return labels for data of shape `(d, h, w)`, each of at most 80 characters.

    `center` is that of the voxel ``shape // 2``, x, y, z in voxels, so that it stays valid if the
    voxel size of the file is corrected. Text of `made` beyond ten labels is cut off.
    """
    labels = [OWN_LABEL + (_SERIES + series.encode() if series else b"")]
    if center.any():
        # Rounded, since residues of subtraction such as 1e-17 would not fit a label.
        place = " ".join(f"{value:.9g}" for value in center.round(6) + 0.0)
        labels.append(_CENTER + f"{place} of {'x'.join(map(str, shape))}".encode())
    plain = made.encode("ascii", "replace").decode()
    lines = textwrap.wrap(plain, _LENGTH - len(_MADE), break_on_hyphens=False)
    labels += [_MADE + line.encode() for line in lines]
    return labels[:_MAX_LABELS]


def is_from_libtilt(labels: Sequence[bytes]) -> bool:
    """Whether libtilt wrote the file."""
    return labels[0].startswith(OWN_LABEL)


def series_from_labels(labels: Sequence[bytes]) -> str | None:
    """Return the mark of the saved series that the file belongs to, or None."""
    start = OWN_LABEL + _SERIES
    if not labels[0].startswith(start):
        return None
    return _text(labels[0].removeprefix(start))


def center_from_labels(labels: Sequence[bytes], shape: tuple[int, ...]) -> Float64Array:
    """Return the center of the voxel ``shape // 2``, x, y, z in voxels; 0 if unknown.

    Other programs keep these labels and add their own: the center is valid only if there are no
    foreign labels and the shape is unchanged.
    """
    none = np.zeros(3)
    filled = [label for label in labels if label.strip(b"\0 ")]
    if not is_from_libtilt(labels) or not all(
        label.startswith(_LIBTILT_LABELS) for label in filled
    ):
        return none
    for label in filled:
        match = _CENTER_TEXT.fullmatch(_text(label.removeprefix(_CENTER)))
        if label.startswith(_CENTER) and match and shape == tuple(map(int, match.groups()[3:])):
            try:
                center = np.array([float(value) for value in match.groups()[:3]])
            except ValueError:
                return none
            return center if np.isfinite(center).all() else none
    return none


def made_from_labels(labels: Iterable[bytes]) -> str:
    """Return the text on how the data were made, empty if there is none."""
    lines = [_text(label.removeprefix(_MADE)) for label in labels if label.startswith(_MADE)]
    return " ".join(lines)


def _text(label: bytes) -> str:
    return label.decode("ascii", "replace").strip("\0 ")
