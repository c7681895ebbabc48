"""Fourier components sorted into shells of equal physical frequency, from the half-spectrum."""

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
    """Shells of the discrete Fourier transform of an array, or rings of that of an image.

    A shell is one Fourier voxel of the longest side wide; shell k is centerd on k times that, and
    the last one lies at or just below the Nyquist frequency of the coarsest spacing. A component
    on the border of two shells belongs to the outer one. Axes of a single sample have no
    frequency but zero and are left out of this.

    Parameters
    ----------
    shape : tuple of int
        Of the array, ``(d, h, w)`` or ``(h, w)``.
    spacing : sequence of float
        Angstroms between samples, in the order of `shape`.
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
        # A hair more than the quotient, which need not be a whole number where it should be one.
        count = int(side / (2 * max(step for _, step in axes)) + 1e-9) + 1
        centers: Float64Array = np.arange(count) / side
        return centers

    def planes(self, left_out: NDArray[np.bool_] | None = None) -> Iterator[_Plane]:
        """Go through the planes of the half-spectrum along its first axis; an image is one plane.

        Parameters
        ----------
        left_out : ndarray of bool, shape (d, h, w), optional
            Components that count for nothing, zero frequency at ``shape // 2``.
        """
        frequencies = self.frequencies
        count = len(frequencies)
        width = frequencies[1] if count > 1 else 1.0
        depth, height, columns = (1, *self.shape)[-3:]
        kept = None if left_out is None else fft.ifftshift(~left_out)
        *first, y, x = self.squares()
        z = first[0] if first else np.zeros(1)
        in_plane = y[:, np.newaxis] + x
        weights = np.broadcast_to(_column_weights(columns), in_plane.shape)
        for plane in range(depth):
            radii = np.sqrt(in_plane + z[plane]) / width
            # Borders are ties that rounding would break differently for equal frequencies.
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
    """The shell of each component of a plane and how often it stands in the full transform."""

    labels: NDArray[np.intp]
    weights: Float64Array
    count: int

    def sums(self, first: NDArray[Any], second: NDArray[Any]) -> Float64Array:
        """Return cross power, both powers and numbers of components per shell, `(4, m)`."""
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
        # What lies beyond the last shell has a bin of its own, which is dropped.
        sums = np.bincount(self.labels, values, minlength=self.count + 1)[: self.count]
        return sums.astype(np.float64, copy=False)


def spectrum(values: NDArray[Any]) -> NDArray[Any]:
    """Return the half-spectrum of real floating values, scaled by some power of two.

    The scale keeps powers of very large and very small values in range. The mean goes round the
    transform, whose rounding would else smear a large one over all frequencies: a constant has
    exactly no power away from zero frequency.
    """
    _, exponent = np.frexp(max(values.max(), -values.min()))
    scaled = np.ldexp(values, -exponent)
    # The mean of equal values need not be that value: it is rounded.
    mean = np.clip(scaled.mean(dtype=np.float64), scaled.min(), scaled.max()).astype(scaled.dtype)
    scaled -= mean
    transform: NDArray[Any] = fft.rfftn(scaled)
    transform.flat[0] += mean * scaled.size
    return transform


def correlations(sums: Float64Array) -> Float64Array:
    """Return cross power over the root of both powers, 0 where one is 0, from `(..., 4, m)`."""
    cross, first, second, _ = np.moveaxis(sums, -2, 0)
    scale = np.sqrt(first) * np.sqrt(second)
    correlation = np.divide(cross, scale, out=np.zeros_like(cross), where=scale > 0)
    bounded: Float64Array = np.clip(correlation, -1.0, 1.0)  # rounding may lead a hair beyond
    return bounded


def _column_weights(width: int) -> Float64Array:
    """Return how many columns of a full transform each column of its half stands for."""
    weights = np.full(width // 2 + 1, 2.0)
    weights[0] = 1.0
    if width % 2 == 0:
        weights[-1] = 1.0
    return weights


def _mirrored(size: int) -> NDArray[np.intp]:
    """Return the index of the opposite frequency for each one."""
    return -np.arange(size) % size
