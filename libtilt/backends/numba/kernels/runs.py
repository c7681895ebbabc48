"""Weights of a plane of rays, listed tile by tile.

A tile is a square of voxels of the plane, so small that its rows stay in the processor's cache
while every tilt uses them. A run is a list of entries that add to one row: for the adjoint what one
voxel takes from all images, for the forward what one pixel takes from a tile.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.numba.kernels.entries import (
    TILE,
    TILTS,
    VOXELS,
    count_entries,
    count_pixels,
    fill_entries,
    sort_by_pixel,
)
from libtilt.backends.threads import run_all
from libtilt.errors.checks import Float64Array

_TILES_AT_ONCE = 8
_ALIGNED = 16


@attrs.frozen(eq=False)
class PlaneOfRays:
    """How the rays of each tilt run through the plane of two volume axes, and along the third.

    Attributes
    ----------
    grids : ndarray, shape (n, 2, 3)
        Matrices from ``(s, k, 1)``, pixel across the axis and depth step, to plane row and column.
    shears : ndarray, shape (n, 2)
        Voxels that a ray moves along the axis in a depth step, and an offset: row y of an image
        samples the volume at ``y + shear[0] * k + shear[1]``.
    plane_shape : tuple of int
        Rows and columns of the plane.
    pixels : int
        Across the axis, of each image.
    driven : {"ray", "voxel"}
        Which pair.
    """

    grids: Float64Array
    shears: Float64Array
    plane_shape: tuple[int, int]
    pixels: int
    driven: str

    @property
    def inverse(self) -> Float64Array:
        """Matrices (n, 2, 3) from ``(row, column, 1)`` to pixel across and depth step."""
        linear = np.linalg.inv(self.grids[:, :, :2])
        return np.concatenate([linear, -(linear @ self.grids[:, :, 2:])], axis=2)

    @property
    def reach(self) -> tuple[int, int]:
        """The least and the greatest offset along the axis between a voxel and its pixels.

        Rounded outwards, so that an offset of zero begins where a vector register does.
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
class Runs:
    """Runs of entries: run r has the entries from ``starts[r]`` to ``starts[r + 1]``.

    Attributes
    ----------
    indices : ndarray of uint32, or uint64 where that is too small
        Of an entry: where the values that it reads begin.
    weights : ndarray
        Of an entry.
    starts : ndarray of int64
        First entry of each run, and the end of the last.
    targets : ndarray of int64
        The row that each run adds to.
    tiles : ndarray of int64
        First run of each tile, and the end of the last.
    """

    indices: NDArray[np.uint32 | np.uint64]
    weights: NDArray[Any]
    starts: NDArray[np.int64]
    targets: NDArray[np.int64]
    tiles: NDArray[np.int64]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All of it, in the order in which kernels take it."""
        return self.indices, self.weights, self.starts, self.targets, self.tiles


def runs_by_voxel(
    plane: PlaneOfRays, width: int, *, dtype: np.dtype[Any], threads: int | None
) -> Runs:
    """List what each voxel takes from all images, for the adjoint.

    Parameters
    ----------
    plane : PlaneOfRays
        The rays.
    width : int
        Values of an image row as they lie in memory; entries of pixel ``s`` of tilt i that are n
        voxels along the axis read from ``(i * pixels + s) * width + reach[1] - n``.
    dtype : dtype
        Of the weights.
    threads : int or None
        How many work on it.

    Returns
    -------
    Runs
        Rows added to are voxels within their tile; a voxel has a run for every `TILTS` tilts.
    """
    runs_of_tile = -(-len(plane.grids) // TILTS) * VOXELS
    tiles = np.arange(math.prod(plane.tile_counts) + 1) * runs_of_tile
    counts = np.zeros(tiles[-1] + 1, np.int64)
    pieces = [
        (first, min(first + _TILES_AT_ONCE, len(tiles) - 1))
        for first in range(0, len(tiles) - 1, _TILES_AT_ONCE)
    ]
    sizes = np.array(
        [*plane.plane_shape, plane.tile_counts[1], plane.pixels, width, plane.reach[1]]
    )
    rays = plane.grids, plane.inverse, plane.shears, sizes, plane.driven == "ray"

    def count(piece: tuple[int, int]) -> None:
        count_entries(*piece, rays, counts)

    def fill(piece: tuple[int, int]) -> None:
        fill_entries(*piece, rays, starts, indices, weights)

    run_all(count, pieces, threads)
    starts = np.cumsum(counts)
    values = len(plane.grids) * plane.pixels * width
    index = np.uint32 if values < 2**32 else np.uint64
    indices, weights = np.empty(starts[-1], index), np.empty(starts[-1], dtype)
    run_all(fill, pieces, threads)
    return Runs(indices, weights, starts, np.arange(tiles[-1]) % VOXELS, tiles)


def runs_by_pixel(by_voxel: Runs, plane: PlaneOfRays, width: int, threads: int | None) -> Runs:
    """List what each pixel takes from each tile, for the forward.

    Parameters
    ----------
    by_voxel : Runs
        The same entries, sorted by voxel.
    plane, width
        As in `runs_by_voxel`; entries read from ``voxel * width + n - reach[0]``.
    threads : int or None
        How many work on it.

    Returns
    -------
    Runs
        Rows added to are ``i * pixels + s``.
    """
    count = len(by_voxel.tiles) - 1
    rows = len(plane.grids) * plane.pixels
    shift = plane.reach[1] - plane.reach[0]
    tiles = np.zeros(count + 1, np.int64)
    old = by_voxel.indices, by_voxel.weights, by_voxel.starts

    def count_runs(tile: int) -> None:
        first, end = by_voxel.tiles[tile], by_voxel.tiles[tile + 1]
        tiles[tile + 1] = count_pixels(first, end, rows, width, by_voxel.indices, by_voxel.starts)

    def sort(tile: int) -> None:
        first, end = by_voxel.tiles[tile], by_voxel.tiles[tile + 1]
        sort_by_pixel(first, end, rows, width, shift, old, tiles[tile], new)

    run_all(count_runs, range(count), threads)
    tiles = np.cumsum(tiles)
    indices, weights = np.empty_like(by_voxel.indices), np.empty_like(by_voxel.weights)
    starts, targets = np.empty(tiles[-1] + 1, np.int64), np.empty(tiles[-1], np.int64)
    starts[-1] = len(indices)
    new = indices, weights, starts, targets
    run_all(sort, range(count), threads)
    return Runs(indices, weights, starts, targets, tiles)
