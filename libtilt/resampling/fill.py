"""Values outside an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import finite_array


def fill_values(images: NDArray[Any], fill: str | float) -> list[float] | None:
    """Return one value per image, its mean or the given number; None for "edge"."""
    if fill == "edge":
        return None
    if fill == "mean":
        return [float(mean) for mean in images.mean(axis=(1, 2), dtype=np.float64)]
    if isinstance(fill, str):
        raise ValueError(f'fill must be "mean", "edge" or a number, got {fill!r}')
    number = finite_array(fill, "fill")
    if number.ndim:
        raise ValueError(f'fill must be "mean", "edge" or one number, got {fill!r}')
    return [float(number)] * len(images)


def boundary_options(values: list[float] | None, tilt: int) -> dict[str, Any]:
    """Return the options of SciPy's spline functions that set the values outside image `tilt`."""
    return {"mode": "nearest"} if values is None else {"mode": "constant", "cval": values[tilt]}
