"""Central slices of a volume's Fourier transform: their points, phases and scales."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from libtilt.backends.base import Plan, SamplingSpec
from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import invert_affine

_DRIFT = 1e-9

Piece = tuple[int, NDArray[np.bool_], slice]


class Nufft(Protocol):
    """Non-uniform FFTs between modes and points, there and exactly back."""

    def to_points(self, modes: NDArray[Any]) -> NDArray[Any]:
        """Transform modes to values at the points."""

    def to_modes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Transform values at the points to modes, by the adjoint of `to_points`."""


@attrs.frozen(eq=False)
class Slices:
    """The points of some tilts' slices, and the transforms to and from them.

    Attributes
    ----------
    tilts : list of int
        Which tilts.
    kept : list of ndarray of bool
        For each, which frequencies of its slice are points; at the others it is zero.
    places : list of slice
        For each, where its points are among all.
    nufft : Nufft
        Between the volume and all points.
    """

    tilts: list[int]
    kept: list[NDArray[np.bool_]]
    places: list[slice]
    nufft: Nufft

    @property
    def size(self) -> int:
        """How many points there are."""
        return self.places[-1].stop if self.places else 0

    def each(self) -> Iterator[Piece]:
        """Return for each tilt its number, what is kept and its place."""
        return zip(self.tilts, self.kept, self.places, strict=True)


class FourierPlan(Plan):
    """What both ways to take slices have in common: frequencies, points and factors.

    Parameters
    ----------
    spec : SamplingSpec
        What to compute.
    eps : float
        Relative error of the transforms.
    threads : int or None
        How many share the work.
    volume_axes, detector_axes : list of int
        The axes (0 x or u, 1 y or v, 2 z) that the slices lie along, in the order of arrays.
    """

    def __init__(
        self,
        spec: SamplingSpec,
        eps: float,
        threads: int | None,
        volume_axes: list[int],
        detector_axes: list[int],
    ) -> None:
        self.spec = spec
        self.eps = eps
        self.threads = threads
        self.dtype = np.result_type(spec.dtype, np.complex64)
        low, high = footprints(spec)
        last = np.array(spec.image_shape[::-1]) - 1
        # Of what misses an image nothing may be seen, however close its next period is.
        seen = ((low < last) & (high > 0)).all(axis=1)
        self.seen = np.flatnonzero(seen)
        nearest = np.concatenate([last - low[seen], high[seen], [last + 1]]).max(axis=0)
        self.periods = [2 * fft.next_fast_len(math.ceil((p - _DRIFT) / 2)) for p in nearest]
        self.frequencies = [fft.fftfreq(self.periods[axis]) for axis in detector_axes]
        inverse = np.linalg.inv(spec.grids[:, :, :3])
        self.slopes = [inverse[:, axis, volume_axes] for axis in detector_axes]
        self.offsets = spec.grids[:, volume_axes, 3]
        # A ray counts depth steps, a splat counts voxels.
        self.scales = np.abs(np.linalg.det(inverse))
        if spec.driven == "voxel":
            self.scales = np.ones_like(self.scales)

    def _slices(
        self, tilts: NDArray[np.intp], shape: tuple[int, ...], nufft: Callable[..., Nufft]
    ) -> Slices:
        """Return the slices of some tilts through arrays of a shape, by one kind of transform."""
        most = len(tilts) * math.prod(len(f) for f in self.frequencies)
        points = np.empty((len(shape), most), self.spec.dtype)
        kept, places, stop = [], [], 0
        # The highest frequency of an even period has no counterpart of the other sign.
        paired = reduce(np.logical_and.outer, (f > -0.5 for f in self.frequencies))
        for tilt in tilts:
            lines = zip(self.frequencies, self.slopes, strict=True)
            along = [np.multiply.outer(slopes[tilt], f) for f, slopes in lines]
            cycles = np.array([reduce(np.add.outer, parts) for parts in zip(*along, strict=True)])
            inside = paired & (np.abs(cycles) < 0.5).all(axis=0)
            start, stop = stop, stop + int(np.count_nonzero(inside))
            points[:, start:stop] = 2 * np.pi * cycles[:, inside]
            kept.append(inside)
            places.append(slice(start, stop))
        transforms = nufft(points[:, :stop], shape, self.eps, self.threads)
        return Slices(tilts.tolist(), kept, places, transforms)

    def _phases(self, tilt: int, shift: Float64Array) -> NDArray[Any]:
        """Return over a slice what moving the volume by ``-shift`` multiplies it by."""
        lines = zip(self.frequencies, self.slopes, strict=True)
        turns = (np.exp(2j * np.pi * (slopes[tilt] @ shift) * f) for f, slopes in lines)
        phases: NDArray[Any] = reduce(np.multiply.outer, (t.astype(self.dtype) for t in turns))
        return phases


def footprints(spec: SamplingSpec) -> tuple[Float64Array, Float64Array]:
    """Return for each tilt between which pixels (u, v) the volume and one voxel more fall."""
    corners = np.array(list(itertools.product(*((-1, n) for n in reversed(spec.volume_shape)))))
    to_pixels = invert_affine(spec.grids)[:, :2]
    pixels = corners @ to_pixels[:, :, :3].swapaxes(1, 2) + to_pixels[:, np.newaxis, :, 3]
    return pixels.min(axis=1), pixels.max(axis=1)
