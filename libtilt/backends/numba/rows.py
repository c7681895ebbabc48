"""The plan of the numba backend for rays that stay in planes of the volume."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Plan
from libtilt.backends.numba.kernels.lanes import VECTOR_BYTES, registers_for
from libtilt.backends.numba.kernels.rows import backproject_rows, project_rows
from libtilt.backends.numba.kernels.runs import PlaneOfRays, Runs, runs_by_pixel, runs_by_voxel
from libtilt.backends.planar import PlanarLayout
from libtilt.backends.threads import once, run_all, thread_count


class RowSums:
    """Sums of weighted rows: from a volume to images whose rows follow a volume axis, and back.

    Parameters
    ----------
    plane : PlaneOfRays
        The rays.
    axis : int
        The volume axis that rows follow: 0 x, 1 y, 2 z.
    lengths : tuple of int
        Of the volume and of the images along it.
    dtype : dtype
        Of both.
    threads : int or None
        How many share the work.
    """

    def __init__(
        self,
        plane: PlaneOfRays,
        axis: int,
        lengths: tuple[int, int],
        dtype: np.dtype[Any],
        threads: int | None,
    ) -> None:
        self._plane, self._axis, self._lengths, self._threads = plane, axis, lengths, threads
        self._registers = registers_for(max(lengths), dtype.itemsize, thread_count(threads))
        self._chunk = len(self._registers) * VECTOR_BYTES // dtype.itemsize
        self._reach = plane.reach
        self._width = self._chunk + self._reach[1] - self._reach[0]
        self._dtype = dtype

    @once
    def by_voxel(self) -> Runs:
        """What each voxel takes, for the adjoint."""
        return runs_by_voxel(self._plane, self._width, dtype=self._dtype, threads=self._threads)

    @once
    def by_pixel(self) -> Runs:
        """What each pixel takes, for the forward."""
        return runs_by_pixel(self.by_voxel, self._plane, self._width, self._threads)

    def forward(self, volume: NDArray[Any], images: NDArray[Any], along: int) -> None:
        """Write the projections of `volume` into images whose axis `along` follows the rows."""
        runs = self.by_pixel.arrays

        def project(chunk: int) -> None:
            project_rows(
                self._registers, chunk, self._reach, volume, self._axis, runs, images, along
            )

        run_all(project, range(-(-self._lengths[1] // self._chunk)), self._threads)

    def adjoint(self, images: NDArray[Any], along: int, volume: NDArray[Any]) -> None:
        """Write the backprojection of `images` into `volume`."""
        runs = self.by_voxel.arrays

        def backproject(chunk: int) -> None:
            backproject_rows(
                self._registers, chunk, self._reach, images, along, runs, volume, self._axis
            )

        run_all(backproject, range(-(-self._lengths[0] // self._chunk)), self._threads)


class RowsPlan(Plan):
    """Row sums of one planar layout, and an interpolation along the rows where they need one."""

    def __init__(self, layout: PlanarLayout, threads: int | None) -> None:
        self._layout, self._spec, self._threads = layout, layout.spec, threads
        length = layout.line_length
        plane = PlaneOfRays(
            grids=layout.plane_grids,
            shears=np.zeros((len(self._spec.grids), 2)),
            plane_shape=layout.plane_shape,
            pixels=layout.detector_shape[1],
            driven=self._spec.driven,
        )
        self._sums = RowSums(plane, layout.axis, (length, length), self._spec.dtype, threads)

    @once
    def _lines(self) -> list[Any]:
        """For each tilt, pixels along the axis times voxels; None for the identity."""
        return [self._layout.line_matrix(tilt) for tilt in range(len(self._spec.grids))]

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: rows of the volume along the axis, weighted and added."""
        layout, lines = self._layout, self._lines
        images = np.empty(self._spec.images_shape, self._spec.dtype)
        if all(line is None for line in lines):
            self._sums.forward(volume, images, 2 - (layout.detector_axis == 1))
            return images
        target = layout.images_view(images)
        across = np.empty(self._lined_up, self._spec.dtype)
        self._sums.forward(volume, across, 1)

        def interpolate(tilt: int) -> None:
            line = lines[tilt]
            target[tilt] = across[tilt] if line is None else line @ across[tilt]

        run_all(interpolate, range(len(lines)), self._threads)
        return images

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject: the same weights, transposed."""
        layout, lines = self._layout, self._lines
        volume = np.empty(self._spec.volume_shape, self._spec.dtype)
        if all(line is None for line in lines):
            self._sums.adjoint(images, 2 - (layout.detector_axis == 1), volume)
            return volume
        source = layout.images_view(images)
        across = np.empty(self._lined_up, self._spec.dtype)

        def spread(tilt: int) -> None:
            line = lines[tilt]
            across[tilt] = source[tilt] if line is None else line.T @ source[tilt]

        run_all(spread, range(len(lines)), self._threads)
        self._sums.adjoint(across, 1, volume)
        return volume

    @property
    def _lined_up(self) -> tuple[int, ...]:
        """Shape of images with a row for each voxel along the axis."""
        layout = self._layout
        return len(self._spec.grids), layout.line_length, layout.detector_shape[1]
