"""Small pictures for notebooks."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from libtilt.drawing.contrast import shared_limits, to_gray
from libtilt.drawing.facts import facts_table
from libtilt.drawing.montage import resize

HEIGHT = 128
GAP = 3
# Larger arrays, which may be memory-mapped files, are not read whole for their range.
MOST_VALUES = 200_000_000


def thumbnail(pictures: list[NDArray[Any]]) -> bytes:
    """Return pictures side by side as a small PNG, all with the same contrast."""
    values = np.concatenate([picture.ravel() for picture in pictures]).astype(np.float64)
    limits = shared_limits(values, (0.5, 99.8)) if np.isfinite(values).any() else (0.0, 1.0)
    parts = []
    for picture in pictures:
        height, width = picture.shape
        # A thin slab is not enlarged to a square.
        scale = min(HEIGHT / height, 2 * HEIGHT / width)
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        gray = to_gray(picture[np.newaxis].astype(np.float64), contrast=limits)[0]
        shown = resize(gray, shape)
        parts.append(np.pad(shown, ((0, HEIGHT - shape[0]), (0, GAP)), constant_values=255))
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(parts, axis=1)[:, :-GAP]).save(buffer, format="PNG")
    return buffer.getvalue()


def value_range(array: NDArray[Any], pictures: list[NDArray[Any]]) -> str:
    """Return the smallest and largest finite value; for large arrays, of the pictures alone."""
    several = [array] if array.size <= MOST_VALUES else pictures
    with np.errstate(invalid="ignore"):
        ends = [(part.min(), part.max()) for part in several]
    if not np.isfinite(ends).all():
        finite = [part[np.isfinite(part)] for part in several]
        ends = [(part.min(), part.max()) for part in finite if part.size]
    if not ends:
        return "no finite values"
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    note = "" if several[0] is array else " in the slices shown"
    return f"{low:.4g} to {high:.4g}{note}"


def notebook_card(name: str, facts: dict[str, str], png: bytes) -> str:
    """Return HTML with a picture beside a table of facts."""
    data = base64.b64encode(png).decode("ascii")
    return (
        "<div style='display:flex;gap:1em;align-items:center;flex-wrap:wrap'>"
        f"<img alt='{html.escape(name)}' src='data:image/png;base64,{data}'>"
        f"{facts_table(name, facts)}</div>"
    )
