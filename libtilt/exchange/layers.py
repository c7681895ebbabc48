"""Options of napari image layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.contrast import shared_limits

_PERCENTILES = (0.5, 99.8)
_FEW_VALUES = 10**6
_PLANES, _ROWS = 7, 64


def layer_options(
    data: NDArray[Any],
    *,
    name: str,
    axes: dict[str, str],
    scale: Iterable[float],
    translate: Iterable[float],
    metadata: dict[str, Any],
) -> dict[str, Any]:
    """Return the options of an image layer.

    Parameters
    ----------
    data : ndarray, shape (d, h, w)
        Data of the layer, from which the contrast limits are taken.
    name : str
        Name of the layer.
    axes : dict
        Unit of each axis by its label, in the order of the data's axes.
    scale, translate : iterable of float, length 3
        Spacing of samples and position of the first, in these units.
    metadata : dict
        Further information on the layer.

    Returns
    -------
    dict
        Without contrast limits if no value is finite.
    """
    options = {
        "name": name,
        "axis_labels": tuple(axes),
        "units": tuple(axes.values()),
        "scale": tuple(map(float, scale)),
        "translate": tuple(map(float, translate)),
        "metadata": metadata,
    }
    values = _representative_values(data)
    if np.isfinite(values).any():
        options["contrast_limits"] = shared_limits(values, _PERCENTILES)
    return options


def _representative_values(data: NDArray[Any]) -> NDArray[Any]:
    """Return all values, or random rows of a few planes: a mapped file is then not read whole."""
    if data.size <= _FEW_VALUES:
        return data
    planes = np.moveaxis(data, int(np.argmax(np.abs(data.strides))), 0)
    places = np.unique(np.linspace(0, len(planes) - 1, _PLANES + 2).astype(int)[1:-1])
    rng = np.random.default_rng(0)
    rows = [planes[place][rng.integers(0, planes.shape[1], _ROWS)] for place in places]
    return np.concatenate(rows)
