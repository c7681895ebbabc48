"""Sums over shells of equal spatial frequency, from the half-spectrum of real data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from libtilt.errors.checks import Float64Array


@attrs.frozen(eq=False)
class Shells:
    """Shells (rings) of the Fourier transform of an array `(d, h, w)` or `(h, w)`.

    `spacing` holds angstroms in the order of `shape`. Shell k is centered on k Fourier voxels of
    the longest side and one such voxel wide, up to the Nyquist frequency of the coarsest spacing.
    Components on a border belong to the outer shell. Axes of one sample are ignored.
    """

    shape: tuple[int, ...]
    spacing: Sequence[float]

    @property
    def frequencies(self) -> Float64Array:
        """Centers of the shells in 1/angstrom, `(m,)`."""
        axes = [(n * s, s) for n, s in zip(self.shape, self.spacing, strict=True) if n > 1]
        if not axes:
            return np.zeros(1)
        side = max(length for length, _ in axes)
        # The offset keeps rounding from losing the last shell.
        count = int(side / (2 * max(step for _, step in axes)) + 1e-9) + 1
        centers: Float64Array = np.arange(count) / side
        return centers

    def planes(self, excluded: NDArray[np.bool_] | None = None) -> Iterator[_Plane]:
        """Iterate over planes of the half-spectrum along its first axis; an image is one plane.

        `excluded` marks components to ignore, `(d, h, w)`, with zero frequency at ``shape // 2``.
        """
        frequencies = self.frequencies
        count = len(frequencies)
        width = frequencies[1] if count > 1 else 1.0
        depth, height, columns = (1, *self.shape)[-3:]
        kept = None if excluded is None else fft.ifftshift(~excluded)
        *first, y, x = self.squares()
        z = first[0] if first else np.zeros(1)
        in_plane = y[:, np.newaxis] + x
        weights = np.broadcast_to(_column_weights(columns), in_plane.shape)
        for plane in range(depth):
            radii = np.sqrt(in_plane + z[plane]) / width
            # The offset puts equal frequencies on a border into the same shell despite rounding.
            labels = np.minimum((radii + (0.5 + 1e-9)).astype(np.intp), count)
            if kept is not None:
                opposite = kept[-plane][_mirrored(height)][:, _mirrored(columns)[: len(x)]]
                weights = kept[plane, :, : len(x)] + opposite * (_column_weights(columns) - 1)
            yield _Plane(labels.ravel(), weights.ravel(), count)

    def squares(self) -> list[Float64Array]:
        """Return the squared frequency along each axis, the last one cut to its half."""
        axes = [fft.fftfreq(n, s) ** 2 for n, s in zip(self.shape, self.spacing, strict=True)]
        return [*axes[:-1], axes[-1][: self.shape[-1] // 2 + 1]]


@attrs.frozen(eq=False)
class _Plane:
    """Shell and multiplicity in the full transform of each component of a plane."""

    labels: NDArray[np.intp]
    weights: Float64Array
    count: int

    def sums(self, first: NDArray[Any], second: NDArray[Any]) -> Float64Array:
        """Return cross power, both powers and component counts per shell, `(4, m)`."""
        a, b = (part.ravel().astype(np.complex128, copy=False) for part in (first, second))
        cross = a.real * b.real + a.imag * b.imag
        powers = (part.real**2 + part.imag**2 for part in (a, b))
        return np.stack(
            [self._sum(self.weights * values) for values in (cross, *powers)]
            + [self._sum(self.weights)]
        )

    def within(self, inside: NDArray[np.intp]) -> _Plane:
        """Return some components of the plane, by flat index."""
        return _Plane(self.labels[inside], self.weights[inside], self.count)

    def _sum(self, values: Float64Array) -> Float64Array:
        # Drops the bin of components beyond the last shell.
        sums = np.bincount(self.labels, values, minlength=self.count + 1)[: self.count]
        return sums.astype(np.float64, copy=False)


def spectrum(values: NDArray[Any]) -> NDArray[Any]:
    """Return the half-spectrum of real values, scaled by a power of two to prevent overflow.

    The mean is subtracted before the transform and added to zero frequency after it, since
    rounding would spread a large mean over all frequencies.
    """
    _, exponent = np.frexp(max(values.max(), -values.min()))
    scaled = np.ldexp(values, -exponent)
    # Rounding may move the mean out of the range of the values.
    mean = np.clip(scaled.mean(dtype=np.float64), scaled.min(), scaled.max()).astype(scaled.dtype)
    scaled -= mean
    transform: NDArray[Any] = fft.rfftn(scaled)
    transform.flat[0] += mean * scaled.size
    return transform


def correlations(sums: Float64Array) -> Float64Array:
    """Return normalized correlations from sums `(..., 4, m)`, 0 in shells without power."""
    cross, first, second, _ = np.moveaxis(sums, -2, 0)
    scale = np.sqrt(first) * np.sqrt(second)
    correlation = np.divide(cross, scale, out=np.zeros_like(cross), where=scale > 0)
    bounded: Float64Array = np.clip(correlation, -1.0, 1.0)  # rounding may exceed 1
    return bounded


def _column_weights(width: int) -> Float64Array:
    """Return the multiplicity of each column of the half-spectrum in the full one."""
    weights = np.full(width // 2 + 1, 2.0)
    weights[0] = 1.0
    if width % 2 == 0:
        weights[-1] = 1.0
    return weights


def _mirrored(size: int) -> NDArray[np.intp]:
    """Return the index of the opposite of each frequency."""
    return -np.arange(size) % size
