"""Central slices of a volume's Fourier transform: points, phases and scales."""

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
    """Non-uniform FFTs between modes and points, and their adjoints."""

    def to_points(self, modes: NDArray[Any]) -> NDArray[Any]:
        """Transform modes to values at the points."""

    def to_modes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Transform values at the points to modes by the adjoint of `to_points`."""


@attrs.frozen(eq=False)
class Slices:
    """The points of the slices of some tilts, and the transform to and from them.

    For each tilt, `kept` marks the frequencies of its slice that are points (the others are zero),
    and `places` locates its points among those of `nufft`.
    """

    tilts: list[int]
    kept: list[NDArray[np.bool_]]
    places: list[slice]
    nufft: Nufft

    @property
    def size(self) -> int:
        """Number of points."""
        return self.places[-1].stop if self.places else 0

    def pieces(self) -> Iterator[Piece]:
        """Return the number, `kept` and place of each tilt."""
        return zip(self.tilts, self.kept, self.places, strict=True)


class FourierPlan(Plan):
    """Base of both ways to take slices: frequencies, points and factors.

    `volume_axes` and `detector_axes` are the axes (0 x or u, 1 y or v, 2 z) along which slices lie,
    in array order; `eps` is the relative error of the transforms.
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
        # An image that the volume misses stays zero, even if the volume's next period is close.
        visible = ((low < last) & (high > 0)).all(axis=1)
        self.visible = np.flatnonzero(visible)
        nearest = np.concatenate([last - low[visible], high[visible], [last + 1]]).max(axis=0)
        self.periods = [2 * fft.next_fast_len(math.ceil((p - _DRIFT) / 2)) for p in nearest]
        self.frequencies = [fft.fftfreq(self.periods[axis]) for axis in detector_axes]
        inverse = np.linalg.inv(spec.grids[:, :, :3])
        self.slopes = [inverse[:, axis, volume_axes] for axis in detector_axes]
        self.offsets = spec.grids[:, volume_axes, 3]
        # Rays sum over depth steps, splats over voxels.
        self.scales = np.abs(np.linalg.det(inverse))
        if spec.driven == "voxel":
            self.scales = np.ones_like(self.scales)

    def _slices(
        self, tilts: NDArray[np.intp], shape: tuple[int, ...], nufft: Callable[..., Nufft]
    ) -> Slices:
        """Return the slices of some tilts through arrays of `shape`, by one kind of transform."""
        most = len(tilts) * math.prod(len(f) for f in self.frequencies)
        points = np.empty((len(shape), most), self.spec.dtype)
        kept, places, stop = [], [], 0
        # The highest frequency of an even period has no positive counterpart.
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
        """Return the phases of a slice that shift the volume by ``-shift``."""
        lines = zip(self.frequencies, self.slopes, strict=True)
        turns = (np.exp(2j * np.pi * (slopes[tilt] @ shift) * f) for f, slopes in lines)
        phases: NDArray[Any] = reduce(np.multiply.outer, (t.astype(self.dtype) for t in turns))
        return phases


def footprints(spec: SamplingSpec) -> tuple[Float64Array, Float64Array]:
    """Return the least and the greatest pixel (u, v) of the volume and a voxel around it."""
    corners = np.array(list(itertools.product(*((-1, n) for n in reversed(spec.volume_shape)))))
    to_pixels = invert_affine(spec.grids)[:, :2]
    pixels = corners @ to_pixels[:, :, :3].swapaxes(1, 2) + to_pixels[:, np.newaxis, :, 3]
    return pixels.min(axis=1), pixels.max(axis=1)
