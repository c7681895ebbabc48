"""The tilt scheme as a drawing: slab, beams, missing wedge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from libtilt.errors.checks import Float64Array, positive_float
from libtilt.geometry import TiltGeometry
from libtilt.plot.axes import axes_or_new, require_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def tilt_scheme(
    geometry: TiltGeometry,
    *,
    thickness: float = 0.3,
    ax: Axes | None = None,
) -> Axes:
    """Draw from which directions the specimen was seen, in its own frame, along y.

    Lines are the beams of all tilts, through the slab of the specimen. The shaded sectors hold the
    directions between the steepest beams that no beam has: the missing wedge lies across them in
    Fourier space. Beams that are not perpendicular to y are drawn as they appear along y, shorter.

    Parameters
    ----------
    geometry : TiltGeometry
        With n tilts.
    thickness : float, optional
        Of the slab, as a part of its width.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        x to the right and z upward, without units: the circle of all directions has radius 1.

    Raises
    ------
    ValueError
        If the thickness is not positive.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.plot import tilt_scheme
    >>> ax = tilt_scheme(TiltGeometry.from_tilt_angles(range(-60, 61, 3)))
    >>> len(ax.lines), ax.get_title()
    (41, '41 tilts, -60° to 60°')
    """
    require_kind(geometry, TiltGeometry, "geometry")
    height = positive_float(thickness, "thickness")
    ax = axes_or_new(ax)
    from matplotlib.patches import Circle, Rectangle, Wedge

    ax.add_patch(Circle((0, 0), 1.0, fill=False, color="0.8"))
    ax.add_patch(
        Rectangle((-0.8, -0.8 * height), 1.6, 1.6 * height, color="tab:blue", alpha=0.25, lw=0)
    )
    for first, last in missing_sectors(geometry.beam_directions):
        ax.add_patch(Wedge((0, 0), 1.0, first, last, color="tab:red", alpha=0.15, lw=0))
    order = np.argsort(geometry.tilt_angles)
    for x, _, z in geometry.beam_directions[order]:
        ax.plot([-x, x], [-z, z], color="black", linewidth=0.7)
    ax.set_xlim(-1.15, 1.15)
    ax.set_ylim(-1.15, 1.15)
    ax.set_aspect("equal")
    ax.set_xlabel("x")
    ax.set_ylabel("z")
    ax.set_xticks([])
    ax.set_yticks([])
    low, high = geometry.tilt_angles.min(), geometry.tilt_angles.max()
    ax.set_title(f"{len(geometry)} tilts, {low:.0f}° to {high:.0f}°")
    return ax


def missing_sectors(beams: Float64Array) -> list[tuple[float, float]]:
    """Return the two opposite sectors without a beam, as angles from x toward z in degrees.

    The largest gap between neighbouring directions, seen along y, and the same turned by 180
    degrees; none where a single direction cannot make a gap.
    """
    angles = np.sort(np.degrees(np.arctan2(beams[:, 2], beams[:, 0])) % 180)
    gaps = np.diff(np.append(angles, angles[0] + 180))
    place = int(np.argmax(gaps))
    first, last = float(angles[place]), float(angles[place] + gaps[place])
    return [(first, last), (first + 180, last + 180)]
