"""Figures of geometries: tilt schemes in 2-D and 3-D, and the tilted specimen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from libtilt.errors.checks import (
    Float64Array,
    finite_array,
    integers_of,
    positive_float,
    require_kind,
)
from libtilt.geometry import TiltGeometry
from libtilt.geometry.rotations import specimen_to_detector
from libtilt.plot.axes import get_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLAB = "tab:blue"
MISSING = "tab:red"


def tilt_scheme(geometry: TiltGeometry, *, thickness: float = 0.3, ax: Axes | None = None) -> Axes:
    """Draw the beam directions of all tilts in the specimen frame, viewed along y.

    Lines are beams through the slab of the specimen, projected along y. Shaded sectors hold the
    directions without a beam; the missing wedge is perpendicular to them in Fourier space. x runs
    to the right and z upward, without units: the circle of all directions has radius 1.

    Parameters
    ----------
    geometry : TiltGeometry
        Geometry with n tilts.
    thickness : float, optional
        Thickness of the slab relative to its width.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.plot import tilt_scheme
    >>> ax = tilt_scheme(TiltGeometry.from_tilt_angles(range(-60, 61, 3)))
    >>> len(ax.lines), ax.get_title()
    (41, '41 tilts, −60° to 60°')
    """
    require_kind(geometry, TiltGeometry, "geometry")
    height = positive_float(thickness, "thickness")
    ax = get_axes(ax)
    from matplotlib.patches import Circle, Rectangle, Wedge

    ax.add_patch(Circle((0, 0), 1.0, fill=False, color="0.8"))
    slab = Rectangle((-0.8, -0.8 * height), 1.6, 1.6 * height, color=SLAB, alpha=0.25, lw=0)
    slab.set_label("specimen")
    ax.add_patch(slab)
    for first, last in missing_sectors(geometry.beam_directions):
        gap = Wedge((0, 0), 1.0, first, last, color=MISSING, alpha=0.15, lw=0, label="no beam")
        ax.add_patch(gap)
    for x, _, z in geometry.sort().beam_directions:
        (beam,) = ax.plot([-x, x], [-z, z], color="black", linewidth=0.7, label="beam")
    ax.legend(handles=[beam, slab, gap], loc="lower left", fontsize="small")
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.45, 1.15), aspect="equal", xticks=[], yticks=[])
    ax.set(xlabel="x", ylabel="z", title=_title(geometry))
    return ax


def tilt_scheme_3d(geometry: TiltGeometry, *, thickness: float = 0.3, ax: Any = None) -> Any:
    """Draw the beam directions of all tilts in the specimen frame, in three dimensions.

    Parameters and drawing are those of `tilt_scheme`, except that `ax` is a
    `mpl_toolkits.mplot3d.Axes3D`. Beams reach from -1 to 1, without units.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.plot import tilt_scheme_3d
    >>> tilt_scheme_3d(TiltGeometry.from_tilt_angles(range(-60, 61, 3))).get_zlabel()
    'z'
    """
    require_kind(geometry, TiltGeometry, "geometry")
    height = positive_float(thickness, "thickness")
    if ax is None:
        figure = get_axes(None).figure
        figure.clear()
        ax = figure.add_subplot(projection="3d")
    if not hasattr(ax, "set_zlim"):
        raise TypeError('ax must be three-dimensional: add_subplot(projection="3d")')
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    wide, deep = 0.7, 0.7 * height
    faces = []
    for across in range(3):
        sides = [np.array([wide, wide, deep])[axis] for axis in range(3) if axis != across]
        for end in (-1, 1):
            square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * sides
            faces.append(np.insert(square, across, end * (wide, wide, deep)[across], axis=1))
    ax.add_collection3d(Poly3DCollection(faces, facecolor=SLAB, alpha=0.15, edgecolor=SLAB))
    for first, last in missing_sectors(geometry.beam_directions):
        turn = np.radians(np.linspace(first, last, 20))
        rim = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1)
        sector = np.concatenate([np.zeros((1, 3)), rim])
        ax.add_collection3d(Poly3DCollection([sector], facecolor=MISSING, alpha=0.25))
    for beam in geometry.beam_directions:
        ax.plot(*np.stack([-beam, beam], axis=1), color="black", linewidth=0.7)
    ax.plot([0, 0], [-1.1, 1.1], [0, 0], color="tab:orange", linewidth=2)
    ax.text(0, 1.15, 0, "y", color="tab:orange")
    for name in "xyz":
        ax.set(**{f"{name}lim": (-1.1, 1.1), f"{name}label": name, f"{name}ticks": []})
    ax.set_box_aspect((1, 1, 1))
    ax.view_init(elev=20, azim=-65)
    ax.set_title(_title(geometry))
    return ax


def tilted_specimen(
    geometry: TiltGeometry,
    *,
    tilt: int = 0,
    point_xyz: ArrayLike = (0.0, 0.0, 0.6),
    ax: Axes | None = None,
) -> Axes:
    """Draw the specimen at one tilt, viewed along the tilt axis, with a point and its projection.

    The dashed slab is the untilted specimen, the blue slab the tilted one. The beam runs down z
    onto the detector.

    Parameters
    ----------
    geometry : TiltGeometry
        Geometry with n tilts.
    tilt : int, optional
        Index of the tilt.
    point_xyz : array_like, shape (3,), optional
        Point in the specimen frame, in units of half the width of the slab.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.plot import tilted_specimen
    >>> tilted_specimen(TiltGeometry.from_tilt_angles([35])).get_title()
    'tilt angle 35°'
    """
    require_kind(geometry, TiltGeometry, "geometry")
    (index,) = integers_of((tilt,), 1, "tilt")
    if not 0 <= index < len(geometry):
        raise ValueError(f"tilt must be an index from 0 to {len(geometry) - 1}, got {tilt}")
    point = finite_array(point_xyz, "point_xyz")
    if point.shape != (3,):
        raise ValueError(f"point_xyz must be three numbers, got {point_xyz!r}")
    ax = get_axes(ax)
    # Viewed along the tilt axis, so that its angle on the images does not matter.
    (matrix,) = specimen_to_detector(
        np.zeros(1), geometry.tilt_angles[[index]], geometry.x_tilts[[index]]
    )
    slab = np.array([[-1, 0, -0.2], [1, 0, -0.2], [1, 0, 0.2], [-1, 0, 0.2], [-1, 0, -0.2]])
    moved = slab @ matrix.T
    ax.plot(slab[:, 0], slab[:, 2], color="0.6", linestyle="--", linewidth=1)
    ax.fill(moved[:, 0], moved[:, 2], facecolor=SLAB, alpha=0.25, edgecolor=SLAB)
    place = matrix @ point
    for spot, color in ((point, "0.6"), (place, MISSING)):
        ax.plot([spot[0]], [spot[2]], "o", color=color)
    arrow = {"arrowstyle": "->", "color": MISSING, "connectionstyle": "arc3,rad=-0.2"}
    start, end = (point[0], point[2]), (place[0], place[2])
    ax.annotate("", xy=end, xytext=start, arrowprops=arrow)
    ax.plot([place[0], place[0]], [place[2], -1.3], color=MISSING, linestyle=":")
    ax.plot([-1.3, 1.3], [-1.3, -1.3], color="black", linewidth=3)
    ax.text(-1.3, -1.42, "detector", ha="left", va="top")
    for tip, name in (((1.45, 0.0), "x"), ((0.0, 1.45), "z")):
        ax.annotate("", xy=tip, xytext=(0, 0), arrowprops={"arrowstyle": "->", "color": "black"})
        ax.text(tip[0] + 0.06, tip[1], name, va="center")
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.65, 1.6), aspect="equal")
    ax.set_axis_off()
    ax.set_title(f"tilt angle {_degrees(geometry.tilt_angles[index])}")
    return ax


def _title(geometry: TiltGeometry) -> str:
    low, high = geometry.tilt_angles.min(), geometry.tilt_angles.max()
    return f"{len(geometry)} tilts, {_degrees(low)} to {_degrees(high)}"


def _degrees(angle: float) -> str:
    """Return an angle in whole degrees, with a true minus."""
    return f"{round(angle)}°".replace("-", "\N{MINUS SIGN}")


def missing_sectors(beams: Float64Array) -> list[tuple[float, float]]:
    """Return the largest gap between beams viewed along y, and the opposite gap.

    Both are pairs of angles from x toward z in degrees.
    """
    angles = np.sort(np.degrees(np.arctan2(beams[:, 2], beams[:, 0])) % 180)
    gaps = np.diff(np.append(angles, angles[0] + 180))
    place = int(np.argmax(gaps))
    first, last = float(angles[place]), float(angles[place] + gaps[place])
    return [(first, last), (first + 180, last + 180)]
