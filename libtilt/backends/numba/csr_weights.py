"""Interpolation weights of a plane of rays as a sparse matrix by rows (CSR), tile by tile.

A tile is a square of voxels of the plane, whose rows stay in the processor's cache for all tilts.
A matrix row lists, for the adjoint, the weights of one voxel in some images, and for the forward,
the weights of one pixel in one tile.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.numba.kernels.compiled import as_writable
from libtilt.backends.numba.kernels.csr_weights import (
    GROUP_TILTS,
    MAX_TAPS,
    TILE,
    TILE_VOXELS,
    list_entries,
    sort_by_pixel,
)
from libtilt.backends.threads import run_all, run_each
from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import invert_affine

_TILES_AT_ONCE = 8
_ALIGNED = 16


@attrs.frozen(eq=False)
class PlaneOfRays:
    """The rays of each tilt in the plane of two volume axes, and their shear along the third.

    Attributes
    ----------
    grids : ndarray, shape (n, 2, 3)
        Matrices from ``(s, k, 1)``, pixel across the axis and depth step, to plane row and column.
    shears : ndarray, shape (n, 2)
        Voxels along the axis per depth step, and an offset: row y of an image samples the volume
        at ``y + shear[0] * k + shear[1]``.
    plane_shape, pixels : tuple of int, int
        Rows and columns of the plane, and pixels of each image across the axis.
    """

    grids: Float64Array
    shears: Float64Array
    plane_shape: tuple[int, int]
    pixels: int
    driven: str

    @property
    def inverse(self) -> Float64Array:
        """Matrices (n, 2, 3) from ``(row, column, 1)`` to pixel across and depth step."""
        return invert_affine(self.grids)

    @property
    def reach(self) -> tuple[int, int]:
        """Least and greatest offset along the axis between a voxel and its pixels.

        Both are rounded outward to multiples of a vector register.
        """
        rows, columns = (np.array([-1.0, n]) for n in self.plane_shape)
        corners = np.array([[row, column, 1.0] for row in rows for column in columns])
        depths = np.einsum("nj,cj->nc", self.inverse[:, 1], corners)
        along = self.shears[:, :1] * depths + self.shears[:, 1:]
        if not self.shears.any():
            return 0, 0
        low, high = along.min() - 1e-9, along.max() + 1e-9 + 1
        return math.floor(low / _ALIGNED) * _ALIGNED, math.ceil(high / _ALIGNED) * _ALIGNED

    @property
    def tile_counts(self) -> tuple[int, int]:
        """Tiles down and across the plane."""
        down, across = (-(-n // TILE) for n in self.plane_shape)
        return down, across


@attrs.frozen(eq=False)
class CSRWeights:
    """A sparse matrix by rows: row r has the entries ``starts[r]`` to ``starts[r + 1]``.

    `indices` are where the values that entries read begin (uint32, or uint64 if needed); `targets`
    is the sum to which each row is added; `tiles` is the first row of each tile, and the last end.
    """

    indices: NDArray[np.uint32 | np.uint64]
    weights: NDArray[Any]
    starts: NDArray[np.int64]
    targets: NDArray[np.int64]
    tiles: NDArray[np.int64]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All arrays, in the order that kernels expect."""
        return self.indices, self.weights, self.starts, self.targets, self.tiles


def weights_by_voxel(
    plane: PlaneOfRays, width: int, *, dtype: np.dtype[Any], threads: int | None
) -> CSRWeights:
    """Return the weights with which each voxel sums pixels of all images, for the adjoint.

    Rows of an image are `width` values in memory: entries of pixel ``s`` of tilt i, n voxels along
    the axis, read from ``(i * pixels + s) * width + reach[1] - n``. Matrix rows are added to voxels
    within their tile; a voxel has one for every `GROUP_TILTS` tilts.
    """
    rows_of_tile = -(-len(plane.grids) // GROUP_TILTS) * TILE_VOXELS
    tiles = np.arange(math.prod(plane.tile_counts) + 1) * rows_of_tile
    counts = np.zeros(tiles[-1] + 1, np.int64)
    step = _TILES_AT_ONCE * rows_of_tile
    pieces = [(row, min(row + step, int(tiles[-1]))) for row in range(0, int(tiles[-1]), step)]
    sizes = np.array(
        [*plane.plane_shape, plane.tile_counts[1], plane.pixels, width, plane.reach[1]]
    )
    arrays = (as_writable(array) for array in (plane.grids, plane.inverse, plane.shears))
    rays = *arrays, sizes, plane.driven == "ray"
    values = len(plane.grids) * plane.pixels * width

    def count(piece: tuple[int, int]) -> None:
        nothing = np.empty(0, np.int64), np.empty(0)
        own = counts[piece[0] + 1 : piece[1] + 1]
        list_entries(piece[0], rays, np.zeros(MAX_TAPS), own, *nothing)

    def fill(piece: tuple[int, int]) -> None:
        first, end = starts[piece[0]], starts[piece[1]]
        found = np.empty(end - first, np.int64), np.empty(end - first)
        own = np.empty(piece[1] - piece[0], np.int64)
        if end > first:
            list_entries(piece[0], rays, np.zeros(MAX_TAPS), own, *found)
        indices[first:end], weights[first:end] = found

    run_all(count, pieces, threads)
    starts = np.cumsum(counts)
    indices = np.empty(starts[-1], np.uint32 if values < 2**32 else np.uint64)
    weights = np.empty(starts[-1], dtype)
    run_all(fill, pieces, threads)
    return CSRWeights(indices, weights, starts, np.arange(tiles[-1]) % TILE_VOXELS, tiles)


def weights_by_pixel(
    matrix: CSRWeights, plane: PlaneOfRays, width: int, threads: int | None
) -> CSRWeights:
    """Return the weights with which each pixel sums voxels of each tile, for the forward.

    They are the entries of `weights_by_voxel` in another order.

    Entries read from ``voxel * width + n - reach[0]``; rows are added to ``i * pixels + s``.
    """
    pixels = len(plane.grids) * plane.pixels
    shift = plane.reach[1] - plane.reach[0]
    indices, weights = np.empty_like(matrix.indices), np.empty_like(matrix.weights)

    def sort(tile: int) -> NDArray[np.int64]:
        starts = matrix.starts[matrix.tiles[tile] : matrix.tiles[tile + 1] + 1]
        own = slice(starts[0], starts[-1])
        old = matrix.indices[own].astype(np.int64)
        order, rows = np.empty((2, len(old)), np.int64), np.empty((2, pixels), np.int64)
        places = np.zeros(pixels, np.int64)
        count = sort_by_pixel(width, shift, places, starts - starts[0], old, order, rows)
        indices[own], weights[own] = order[1], matrix.weights[own][order[0]]
        rows[0] += starts[0]
        return rows[:, :count]

    found = list(run_each(sort, range(len(matrix.tiles) - 1), threads))
    starts, targets = np.concatenate(found, axis=1)
    tiles = np.cumsum([0, *(rows.shape[1] for rows in found)])
    return CSRWeights(indices, weights, np.append(starts, len(indices)), targets, tiles)
