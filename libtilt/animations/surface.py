"""Isosurfaces: choice of the level, and shading."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from libtilt.errors.checks import Float64Array, finite_number, real_data, require_finite

# Direction to the light, upper left in front of the picture: x, y, and z away from the viewer.
LIGHT = np.array([-0.35, -0.5, -0.79])
AMBIENT, DIFFUSE, SHINE = 0.3, 0.75, 0.15
FARTHEST = 0.45


def surface_level(data: ArrayLike) -> float:
    """Return an isosurface level that separates an object from its background.

    Otsu's threshold of the values from the median to the 99.9th percentile, but at least three
    standard deviations of the background, estimated by the median absolute deviation, above the
    median. So noise has no surface, and a few bright voxels have little effect.

    Parameters
    ----------
    data : array_like, shape (d, h, w)
        Finite real numbers.

    Returns
    -------
    float
        Level in the units of the data.

    Raises
    ------
    ValueError
        If the data are empty, or have NaN or infinite values.

    References
    ----------
    Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979).

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.animations import surface_level
    >>> data = np.zeros((20, 20, 20))
    >>> data[5:15, 5:15, 5:15] = 3.0
    >>> 0 < surface_level(data) < 3
    True
    """
    values = real_data(data, "data", 3)
    require_finite(values, "data")
    sample = values.ravel()[:: max(1, values.size // 2_000_000)].astype(np.float64)
    low, high = np.percentile(sample, [50, 99.9])
    if not low < high:
        low, high = sample.min(), sample.max()
    if not low < high:
        return float(low)
    noise = 1.4826 * float(np.median(np.abs(sample - low)))
    counts, edges = np.histogram(sample.clip(low, high)[sample >= low], bins=256, range=(low, high))
    return float(min(max(_otsu(counts, edges), low + 3 * noise), (low + 3 * high) / 4))


def _otsu(counts: NDArray[np.intp], edges: Float64Array) -> float:
    """Return the threshold of minimal variance within the two classes."""
    centers = (edges[1:] + edges[:-1]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * centers)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums / below, (sums[-1] - sums) / above
        between = below * above * (means[1] - means[0]) ** 2
    return float(edges[1 + int(np.nan_to_num(between[:-1]).argmax())])


def level_from_sigma(data: NDArray[Any], sigma: float) -> float:
    """Return the level `sigma` standard deviations above the mean; it must be within the data."""
    mean, deviation = float(data.mean(dtype=np.float64)), float(data.std(dtype=np.float64))
    found = mean + finite_number(sigma, "sigma") * deviation
    if not data.min() <= found < data.max():
        least, most = ((float(end) - mean) / (deviation or 1.0) for end in (data.min(), data.max()))
        raise ValueError(
            f"sigma must lie between the minimum and the maximum, {least:.4g} and {most:.4g} "
            f"standard deviations from the mean, got {sigma:g}"
        )
    return found


def hide_dust(
    data: NDArray[Any], level: float, voxel_size: Float64Array, dust: float
) -> NDArray[Any]:
    """Return data without pieces above the level that are shorter than `dust` times the longest.

    The length of a piece is the longest side of its box. Pieces are connected by faces, edges or
    corners, so that no surface between them is cut.
    """
    labels, _ = ndimage.label(data > level, structure=np.ones((3, 3, 3)))
    boxes = ndimage.find_objects(labels)
    sides = [[part.stop - part.start for part in box] * voxel_size[::-1] for box in boxes]
    lengths = np.max(sides, axis=1, initial=0)
    small = np.append(False, lengths < dust * lengths.max(initial=0))
    return np.where(small[labels], data.min(), data)


def smooth_edge(
    picture: NDArray[np.float32], seen: NDArray[np.bool_], highest: NDArray[Any], level: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a picture times its opacity, and the opacity, which falls from 1 to 0 at the outline.

    `seen` are the pixels with a surface, and `highest` the largest value along the beam, which
    passes the level at the outline: its slope there tells how much of a pixel is covered.
    """
    square = np.ones((3, 3), bool)
    around = ndimage.binary_dilation(seen, square)
    edge = around & ~ndimage.binary_erosion(seen, square, border_value=1)
    slope = np.hypot(*np.gradient(highest.astype(np.float64))) if min(seen.shape) > 1 else 0 * seen
    away = (highest - level) / np.where(slope > 0, slope, np.inf)
    opacity = np.where(edge & (slope > 0), (0.5 + away).clip(0, 1), seen).astype(np.float32)
    # Beside the surface, a pixel is as bright as its neighbors on it.
    count = ndimage.uniform_filter(seen.astype(np.float32), 3, mode="constant")
    mean = ndimage.uniform_filter(picture, 3, mode="constant") / np.maximum(count, 1e-6)
    return np.where(seen, picture, np.where(around, mean, 0)) * opacity, opacity


def shade_surface(
    data: NDArray[Any], level: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the shaded isosurface as seen along the first axis, and its opacity, `(h, w)`, 0 to 1.

    Phong's model (Commun. ACM 18, 1975): ambient, diffuse and specular light, dimmed with distance.
    """
    depth, height, width = data.shape
    above = data > level
    first = above.argmax(axis=0)
    seen = np.asarray(above.any(axis=0))
    rows, columns = np.nonzero(seen)
    hit = first[rows, columns]

    def at(k: Any, row: Any, column: Any) -> Any:
        place = k.clip(0, depth - 1), row.clip(0, height - 1), column.clip(0, width - 1)
        return data[place].astype(np.float64)

    slope = np.stack(
        [
            at(hit, rows, columns + 1) - at(hit, rows, columns - 1),
            at(hit, rows + 1, columns) - at(hit, rows - 1, columns),
            at(hit + 1, rows, columns) - at(hit - 1, rows, columns),
        ]
    )
    length = np.sqrt((slope**2).sum(axis=0))
    normal = -slope / np.where(length > 0, length, 1)
    light = LIGHT / np.linalg.norm(LIGHT)
    towards = np.tensordot(light, normal, axes=1).clip(0, 1)
    halfway = light + np.array([0, 0, -1.0])
    glance = np.tensordot(halfway / np.linalg.norm(halfway), normal, axes=1).clip(0, 1)
    before, here = at(hit - 1, rows, columns), at(hit, rows, columns)
    step = np.where(here > before, (level - before) / np.where(here > before, here - before, 1), 1)
    distance = (hit - 1 + step.clip(0, 1)) / depth
    bright = (AMBIENT + DIFFUSE * towards + SHINE * glance**20) * (1 - FARTHEST * distance)
    picture = np.zeros((height, width), np.float32)
    picture[rows, columns] = bright.clip(0, 1)
    return smooth_edge(picture, seen, data.max(axis=0), level)
