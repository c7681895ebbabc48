"""Figures of volumes: orthogonal slices, power spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from libtilt.drawing.contrast import require_percentiles
from libtilt.drawing.fonts import MINUS
from libtilt.errors.checks import integers_of, require_finite, require_kind
from libtilt.geometry import VolumeGrid
from libtilt.plot.axes import color_scale, draw_scale_bar, get_axes, text_outline
from libtilt.volume import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def orthoslices(
    volume: Volume,
    *,
    position_xyz: tuple[int, int, int] | None = None,
    grid: VolumeGrid | None = None,
    percentiles: tuple[float, float] = (0.5, 99.8),
    cmap: str = "gray",
    ax: Axes | None = None,
) -> Axes:
    """Draw the three orthogonal slices through a voxel, with cross-hairs and a scale bar.

    The xy slice is at the upper left, the xz slice below it, the zy slice on its right; labels name
    the axes to the right and down. Anisotropic voxels are drawn to scale. The title has the place
    of the voxel, from the rotation center, and its index.

    Parameters
    ----------
    volume : Volume
        Volume of shape ``(d, h, w)``.
    position_xyz : tuple of int, optional
        Index x, y, z of the voxel; by default the center ``shape // 2``.
    grid : VolumeGrid, optional
        Grid on which to draw the volume, by default its own; a crop drawn on the grid of the whole
        appears at its place in the whole.
    percentiles : (float, float), optional
        Percentiles of the finite values of the three slices to draw black and white.

    Examples
    --------
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.plot import orthoslices
    >>> volume = GaussianBlobs.ribosome_like().volume((24, 32, 40), voxel_size=8.0)
    >>> orthoslices(volume).get_title()
    'x 0, y 0, z 0 nm (voxel 20, 16, 12)'
    """
    require_kind(volume, Volume, "volume")
    volume = volume if grid is None else volume.resample(grid)
    d, h, w = volume.shape
    x, y, z = _voxel(position_xyz, (w, h, d))
    data, sizes = volume.data, volume.voxel_size
    panels = (data[z], data[:, y], data[:, :, x].T)
    shown = np.concatenate([p.ravel() for p in panels])
    style = color_scale(shown, percentiles, cmap, "volume")
    ax = get_axes(ax)
    across, down, deep = w * sizes[0], h * sizes[1], d * sizes[2]
    gap = 0.02 * max(across, down)
    u, v, k = (np.array([x, y, z]) + 0.5) * sizes
    # In the specimen frame; the other two slices are placed beside the first.
    left, top, _ = volume.grid.origin - sizes / 2
    places = [
        (left, top, across, down, u, v),
        (left, top + down + gap, across, deep, u, k),
        (left + across + gap, top, deep, down, k, v),
    ]
    inset = 0.03 * min(across, down)
    for panel, name, place in zip(panels, ("x, y", "x, z", "z, y"), places, strict=True):
        _draw_slice(ax, panel, place, style)
        _label(ax, name, place[0] + inset, place[1] + inset)
    ax.set(xlim=(left, left + across + gap + deep), ylim=(top + down + gap + deep, top))
    draw_scale_bar(ax, across, down, 1.0, (left, top))
    # No background: the lower right quarter, where no slice is, stays that of the figure.
    ax.set_axis_off()
    nanometers = (volume.grid.origin + np.array([x, y, z]) * sizes) / 10
    where = ", ".join(f"{name} {nm + 0:.4g}" for name, nm in zip("xyz", nanometers, strict=True))
    ax.set(aspect="equal", title=f"{where} nm (voxel {x}, {y}, {z})".replace("-", MINUS))
    return ax


def _voxel(position_xyz: tuple[int, int, int] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of a voxel, by default the central one of a shape in x, y, z."""
    if position_xyz is None:
        return tuple(size // 2 for size in shape)
    position = integers_of(position_xyz, 3, "position_xyz")
    if not all(0 <= index < size for index, size in zip(position, shape, strict=True)):
        raise ValueError(f"position_xyz must lie within the x, y, z of {shape}, got {position}")
    return position


def _label(ax: Axes, text: str, x: float, y: float) -> None:
    ax.text(x, y, text, color="white", fontsize=8, va="top", **text_outline())


def _draw_slice(
    ax: Axes,
    panel: NDArray[Any],
    place: tuple[float, float, float, float, float, float],
    style: dict[str, Any],
) -> None:
    """Draw a slice with cross-hairs; `place` is left, top, width, height and the cross-hairs."""
    left, top, width, height, u, v = place
    box = (left, left + width, top + height, top)
    ax.imshow(panel, extent=box, interpolation="nearest", **style)
    line: dict[str, Any] = {"color": "tab:orange", "linewidth": 0.8, "alpha": 0.8}
    ax.plot([left, left + width], [top + v, top + v], **line)
    ax.plot([left + u, left + u], [top, top + height], **line)


def power_spectrum(
    volume: Volume,
    *,
    axis: str = "y",
    cmap: str = "gray",
    percentiles: tuple[float, float] = (1.0, 99.9),
    ax: Axes | None = None,
) -> Axes:
    """Draw the log power spectrum of a central plane, which shows the missing wedge.

    Parameters
    ----------
    volume : Volume
        Finite volume of shape ``(d, h, w)``.
    axis : {"x", "y", "z"}, optional
        Normal of the plane in Fourier space; ``"y"``, the tilt axis, shows the wedge edge-on.

    Notes
    -----
    The plane, over frequencies in 1/angstrom, is the 2-D transform of the projection along `axis`
    (projection-slice theorem, Bracewell, Aust. J. Phys. 9, 1956), tapered by a Hann window.

    Examples
    --------
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.plot import power_spectrum
    >>> power_spectrum(GaussianBlobs.ribosome_like().volume((16, 16, 16))).get_xlabel()
    'x frequency (1/Å)'
    """
    names = {"x": ("y", "z"), "y": ("x", "z"), "z": ("x", "y")}
    if axis not in names:
        raise ValueError(f"axis must be one of 'x', 'y', 'z', got {axis!r}")
    require_kind(volume, Volume, "volume")
    require_finite(volume.data, "volume")
    require_percentiles(percentiles)
    plane = volume.data.sum(axis="zyx".index(axis), dtype=np.float64)
    # The taper removes the step between opposite borders, which would appear as a cross.
    window = np.outer(*(np.hanning(size + 2)[1:-1] for size in plane.shape))
    plane = (plane - np.average(plane, weights=window)) * window
    power = np.abs(np.fft.fftshift(np.fft.fft2(plane))) ** 2
    shown = np.log10(power + 1e-12 * power.max() + 1e-300)
    style = color_scale(shown, percentiles, cmap, "volume")
    u, v = names[axis]
    extent = []
    for name, size in ((u, plane.shape[1]), (v, plane.shape[0])):
        step = 1 / (size * volume.voxel_size["xyz".index(name)])
        extent += [(-(size // 2) - 0.5) * step, (size - size // 2 - 0.5) * step]
    box = (extent[0], extent[1], extent[3], extent[2])
    ax = get_axes(ax)
    ax.imshow(shown, extent=box, **style)
    ax.set(xlabel=f"{u} frequency (1/Å)", ylabel=f"{v} frequency (1/Å)", title="log power spectrum")
    ax.locator_params(nbins=5)
    return ax
