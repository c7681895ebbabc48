"""Gray levels from data values: percentiles and fixed limits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.errors.checks import real_data

Frames = NDArray[np.uint8]
Contrast = str | tuple[float, float]


def to_gray(
    frames: ArrayLike,
    *,
    percentiles: tuple[float, float] = (0.5, 99.8),
    contrast: Contrast = "stack",
) -> Frames:
    """Map values to gray levels 0 to 255.

    Parameters
    ----------
    frames : array_like, shape (n, h, w)
        Real numbers.
    percentiles : (float, float), optional
        Percentiles of the finite values that map to 0 and 255.
    contrast : {"stack", "frame"} or (float, float), optional
        Whether percentiles are taken over the whole stack (the default) or per frame; or the two
        values that map to 0 and 255, in place of percentiles.

    Returns
    -------
    ndarray of uint8, shape (n, h, w)
        NaN maps to 0, infinities to 0 and 255, and a constant stack to mid-gray.

    Raises
    ------
    ValueError
        If the stack is empty or has no finite values, or an option is invalid.

    Examples
    --------
    >>> from libtilt.drawing import to_gray
    >>> to_gray([[[0.0, 0.5, 1.0]]], percentiles=(0, 100)).tolist()
    [[[0, 128, 255]]]
    >>> to_gray([[[0.0, 0.5, 1.0]]], contrast=(0, 2)).tolist()
    [[[0, 64, 128]]]
    """
    require_percentiles(percentiles)
    limits = contrast_limits(contrast)
    values = real_data(frames, "frames", 3)
    shared = limits or _percentile_limits(values, percentiles)
    if shared is None:
        raise ValueError("frames must have finite values, but all are NaN or infinite")
    gray = np.empty(values.shape, np.uint8)
    each = limits is None and contrast == "frame"
    for index, frame in enumerate(values):
        own = _percentile_limits(frame, percentiles) if each else None
        gray[index] = _levels(frame, *(own or shared))
    return gray


def contrast_limits(contrast: Contrast) -> tuple[float, float] | None:
    """Return fixed values of black and white, or None if percentiles determine them."""
    if isinstance(contrast, str):
        if contrast in ("stack", "frame"):
            return None
    elif (pair := _pair(contrast)) and pair[0] < pair[1]:
        return pair
    raise ValueError(
        'contrast must be "stack", "frame" or two increasing values for black and white, '
        f"got {contrast!r}"
    )


def require_percentiles(percentiles: Any) -> tuple[float, float]:
    """Return two percentiles; raise a ValueError unless they increase within 0 to 100."""
    pair = _pair(percentiles)
    if pair is None or not 0 <= pair[0] < pair[1] <= 100:
        raise ValueError(
            f"percentiles must be two increasing numbers from 0 to 100, got {percentiles!r}"
        )
    return pair


def _pair(value: Any) -> tuple[float, float] | None:
    """Return `value` as two finite numbers, or None if it is anything else."""
    try:
        pair = tuple(float(number) for number in value)
    except (TypeError, ValueError):
        return None
    return (pair[0], pair[1]) if len(pair) == 2 and all(map(math.isfinite, pair)) else None


def shared_limits(
    values: NDArray[Any], percentiles: tuple[float, float], name: str = "frames"
) -> tuple[float, float]:
    """Return the values of black and white for frames shown together."""
    found = _percentile_limits(values, require_percentiles(percentiles))
    if found is None:
        raise ValueError(f"{name} must have finite values, but all are NaN or infinite")
    low, high = found
    around = max(0.5, abs(low) * 1e-3)
    return (low, high) if low < high else (low - around, high + around)


def _percentile_limits(
    values: NDArray[Any], percentiles: tuple[float, float]
) -> tuple[float, float] | None:
    """Return percentiles of the finite values, or None if there are none."""
    sample = _sample(values).astype(np.float64)
    finite = sample[np.isfinite(sample)]
    if finite.size == 0:
        finite = values[np.isfinite(values)].astype(np.float64)
    if finite.size == 0:
        return None
    black, white = np.percentile(finite, percentiles)
    if not black < white:
        black, white = finite.min(), finite.max()
    return float(black), float(white)


def _sample(values: NDArray[Any], count: int = 1_000_000) -> NDArray[Any]:
    """Return all values, or `count` at random positions: a stride could miss whole columns."""
    if values.size <= count:
        return values.ravel()
    rng = np.random.default_rng(0)
    return values[tuple(rng.integers(0, n, count) for n in values.shape)]


def _levels(frame: NDArray[Any], black: float, white: float) -> Frames:
    """Return one frame as gray levels 0 to 255; halved first, so differences cannot overflow."""
    half = frame.astype(np.float64) / 2
    if black < white:
        scaled = (np.clip(half, black / 2, white / 2) - black / 2) / (white / 2 - black / 2)
    else:
        scaled = np.where(half == black / 2, 0.5, half > black / 2)
    scaled = np.where(np.isnan(half), 0.0, scaled)
    return np.rint(scaled * 255).astype(np.uint8)
