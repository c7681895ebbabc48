"""`FourierCorrelation`: correlation curves by spatial frequency."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.errors.checks import Float64Array, finite_array, locked, locked_state
from libtilt.geometry.per_tilt import describe_array


def _frequencies_converter(value: ArrayLike) -> Float64Array:
    frequencies = finite_array(value, "frequencies")
    if frequencies.ndim != 1 or frequencies.size == 0:
        raise ValueError(f"frequencies must have shape (m,), got {frequencies.shape}")
    if frequencies[0] < 0 or (np.diff(frequencies) <= 0).any():
        raise ValueError("frequencies must be non-negative and strictly increasing")
    return frequencies


def _correlation_converter(value: ArrayLike, instance: Any) -> Float64Array:
    correlation, count = finite_array(value, "correlation"), len(instance.frequencies)
    if correlation.ndim not in (1, 2) or correlation.shape[-1] != count:
        raise ValueError(
            f"correlation must have one value per shell: expected ({count},) or (n, {count}), "
            f"got {correlation.shape}"
        )
    return correlation


def _counts_converter(value: ArrayLike, instance: Any) -> NDArray[np.int64]:
    counts, expected = finite_array(value, "counts"), instance.frequencies.shape
    if counts.shape != expected:
        raise ValueError(
            f"counts must have one number per shell: expected {expected}, got {counts.shape}"
        )
    if (counts < 0).any() or (counts % 1 != 0).any():
        raise ValueError("counts must be non-negative whole numbers")
    return locked(counts.astype(np.int64))


@attrs.frozen(slots=False, eq=False)
class FourierCorrelation:
    """Correlation of two measurements in each shell of Fourier space.

    Parameters
    ----------
    frequencies : array_like, shape (m,)
        Centers of the shells in 1/angstrom, increasing; shell 0 is zero frequency.
    correlation : array_like, shape (m,) or (n, m)
        Values from -1 to 1, one curve or one per image; 0, never NaN, in shells without power or
        components.
    counts : array_like of int, shape (m,)
        Number of Fourier components in each shell, Friedel pairs counted twice, so that
        independent noise correlates by about ``sqrt(2 / counts)``.

    Raises
    ------
    ValueError
        If shapes disagree, a value is not finite, or frequencies do not increase.

    Examples
    --------
    >>> from libtilt.quality import FourierCorrelation
    >>> curve = FourierCorrelation([0, 0.1, 0.2], [1, 0.9, 0.1], [1, 18, 62])
    >>> curve
    FourierCorrelation(frequencies=(3,) float64, correlation=(3,) float64, counts=(3,) int64)
    >>> round(curve.resolution(0.5), 6)
    6.666667
    """

    frequencies: Float64Array = attrs.field(converter=_frequencies_converter, repr=describe_array)
    correlation: Float64Array = attrs.field(
        converter=attrs.Converter(_correlation_converter, takes_self=True),  # type: ignore[misc]
        repr=describe_array,
    )
    counts: NDArray[np.int64] = attrs.field(
        converter=attrs.Converter(_counts_converter, takes_self=True),  # type: ignore[misc]
        repr=describe_array,
    )

    def resolution(self, threshold: float = 0.143) -> float | Float64Array:
        """Return the resolution at which the curve first falls below a threshold.

        Parameters
        ----------
        threshold : float, optional
            Between 0 and 1: 0.143 for two halves of the data [1]_, 0.5 against the truth or a
            model.

        Returns
        -------
        float or ndarray, shape (n,)
            Resolution of each curve in angstroms: one over the frequency of the crossing, which is
            interpolated linearly between shells. Infinity if the first shell after zero frequency
            is below the threshold or there is none. If no shell is below, one over the last
            frequency: sampling limits the resolution.

        Raises
        ------
        ValueError
            If `threshold` is not between 0 and 1.

        Notes
        -----
        Zero frequency and shells without components are ignored.

        References
        ----------
        .. [1] Rosenthal, P. B. and Henderson, R. (2003), J. Mol. Biol. 333, 721-745.

        Examples
        --------
        >>> from libtilt.quality import FourierCorrelation
        >>> curves = FourierCorrelation([0, 0.1, 0.2], [[1, 1, 0], [1, 0, 0]], [1, 18, 62])
        >>> curves.resolution(0.5).round(6).tolist()
        [6.666667, inf]
        """
        limit = finite_array(threshold, "threshold")
        if limit.shape != () or not 0 < limit < 1:
            raise ValueError(
                f"threshold must be one number between 0 and 1, such as 0.143 or 0.5, "
                f"got {threshold!r}"
            )
        known = (self.frequencies > 0) & (self.counts > 0)
        frequencies, level = self.frequencies[known], float(limit)
        if self.correlation.ndim == 1:
            return _crossing(frequencies, self.correlation[known], level)
        return np.array([_crossing(frequencies, row[known], level) for row in self.correlation])

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(locked_state(state))


def _crossing(frequencies: Float64Array, correlation: Float64Array, threshold: float) -> float:
    """Return one over the frequency at which a curve first falls below the threshold."""
    below = correlation < threshold
    if not below.size or below[0]:
        return math.inf
    if not below.any():
        return float(1 / frequencies[-1])
    after = int(below.argmax())
    ends = slice(after - 1, after + 1)
    # np.interp requires increasing abscissae.
    return float(1 / np.interp(threshold, correlation[ends][::-1], frequencies[ends][::-1]))
