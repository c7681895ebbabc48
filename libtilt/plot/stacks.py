"""Figures of tilt series: contact sheets, sinograms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from libtilt.drawing.overlays import angle_labels
from libtilt.errors.checks import Float64Array, integers_of, positive_integer, require_kind
from libtilt.plot.axes import color_scale, draw_scale_bar, get_axes, hide_frame, text_outline
from libtilt.tilt_series import TiltSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def contact_sheet(
    tilt_series: TiltSeries,
    *,
    columns: int | None = None,
    percentiles: tuple[float, float] = (0.5, 99.8),
    cmap: str = "gray",
    ax: Axes | None = None,
) -> Axes:
    """Draw all images side by side in the order of the series, labeled by tilt angle.

    Parameters
    ----------
    tilt_series : TiltSeries
        Images of shape ``(n, h, w)``.
    columns : int, optional
        Images per row; by default for a nearly square sheet.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.plot import contact_sheet
    >>> blobs = GaussianBlobs.ribosome_like()
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-60, 0, 60]), (32, 32))
    >>> [text.get_text() for text in contact_sheet(series).texts][:3]
    ['−60°', '0°', '60°']
    """
    count, height, width = require_kind(tilt_series, TiltSeries, "tilt_series").shape
    across = math.ceil(math.sqrt(count * height / width))
    if columns is not None:
        across = positive_integer(columns, "columns")
    across = min(max(across, 1), count)
    rows = math.ceil(count / across)
    # Limits the sheet to about 4000 pixels across.
    step = max(1, math.ceil(across * width / 4000))
    images = tilt_series.images[:, ::step, ::step]
    style = color_scale(images, percentiles, cmap, "tilt_series")
    h, w = images.shape[1:]
    sheet = np.full((rows * (h + 1) - 1, across * (w + 1) - 1), style["vmax"])
    ax = get_axes(ax, size=(8.0, min(max(8.0 * rows * h / (across * w), 1.0), 16.0)))
    texts = angle_labels(tilt_series.geometry.tilt_angles.tolist())
    size = min(max(40 / across, 7), 12)  # of letters in points, larger for larger images
    label: dict[str, Any] = {"color": "yellow", "fontsize": size, "va": "top"} | text_outline()
    for tilt, image in enumerate(images):
        top, left = (tilt // across) * (h + 1), (tilt % across) * (w + 1)
        sheet[top : top + h, left : left + w] = image
        ax.text(left + 0.04 * w, top + 0.04 * h, texts[tilt], **label)
    ax.imshow(sheet, interpolation="nearest", **style)
    ax.set_facecolor("black")
    draw_scale_bar(ax, w, h, tilt_series.pixel_size * step)
    hide_frame(ax)
    return ax


def sinogram(
    tilt_series: TiltSeries,
    *,
    row: int | None = None,
    percentiles: tuple[float, float] = (0.5, 99.8),
    cmap: str = "gray",
    ax: Axes | None = None,
) -> Axes:
    """Draw one row of every image over tilt angle in degrees and nanometers from the center.

    Parameters
    ----------
    tilt_series : TiltSeries
        Tilt series with its tilt axis along y (see `TiltSeries.align`), where a row is one slice.
    row : int, optional
        Index of the row; by default the center ``h // 2``.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.plot import sinogram
    >>> blobs = GaussianBlobs.ribosome_like()
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 3)), (32, 32))
    >>> sinogram(series).get_ylabel()
    'tilt angle (°)'
    """
    _, height, width = require_kind(tilt_series, TiltSeries, "tilt_series").shape
    (chosen,) = integers_of((height // 2 if row is None else row,), 1, "row")
    if not 0 <= chosen < height:
        raise ValueError(f"row must be an index from 0 to {height - 1}, got {row}")
    ordered = tilt_series.sort()
    lines = ordered.images[:, chosen]
    style = color_scale(lines, percentiles, cmap, "tilt_series")
    ax = get_axes(ax)
    x = (np.arange(width + 1) - width // 2 - 0.5) * tilt_series.pixel_size / 10
    ax.pcolormesh(x, _edges(ordered.geometry.tilt_angles), lines, **style)
    ax.set(facecolor="black", xlabel="x (nm)", ylabel="tilt angle (°)", title=f"row {chosen}")
    return ax


def _edges(angles: Float64Array) -> Float64Array:
    """Return the edges of bands about increasing angles: half-way to their neighbors."""
    between = (angles[1:] + angles[:-1]) / 2
    if angles[-1] - angles[0] < 1e-6:
        # Bands of equal angles share one degree.
        return np.linspace(angles[0] - 0.5, angles[0] + 0.5, len(angles) + 1)
    first, last = 2 * angles[0] - between[0], 2 * angles[-1] - between[-1]
    return np.concatenate([[first], between, [last]])
