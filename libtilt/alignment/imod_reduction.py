"""How an aligned stack that IMOD's ``newstack`` makes lies on the raw one."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import Float64Array


def reduced(size: int, factor: int, *, antialias: bool) -> tuple[int, float]:
    """Return how many pixels ``newstack`` makes of a row, and where the first one begins.

    With an antialias filter (``irdreduced``) whole pixels are made about the middle. Plain binning
    (``getbinnedsize.f``) keeps an even size even and an odd one odd, and reaches beyond the edges
    for it. A row of an odd remainder is then no longer about its middle.

    Parameters
    ----------
    size : int
        Raw pixels.
    factor : int
        Raw pixels in one.
    antialias : bool
        Which of the two.

    Returns
    -------
    tuple of int and float
        The count, and the first pixel's edge from that of the first raw pixel.

    Examples
    --------
    >>> from libtilt.alignment.imod_reduction import reduced
    >>> reduced(4092, 4, antialias=False), reduced(4092, 4, antialias=True)
    ((1024, -2.0), (1023, 0.0))
    """
    count, rest = divmod(size, factor)
    if antialias:
        return count, rest / 2
    if count % 2 != size % 2:
        count, rest = count + 1, rest + factor
    elif rest > 1:
        count += 2
    return count, float(rest // 2 - factor) if rest > 1 else 0.0


@attrs.frozen(eq=False)
class AlignedStack:
    """How an aligned stack lies on the raw one.

    Parameters
    ----------
    shape : tuple of int
        ``(h, w)`` of the aligned images.
    binning : int
        Raw pixels in one of theirs.
    raw_center : ndarray, shape (2,)
        x, y of the point that the transforms turn about, as a raw index.
    offsets : ndarray, shape (n, 2) or (1, 2)
        OffsetsInXandY, in raw pixels.
    offsets_first : bool
        Whether they are taken off before the transform.
    """

    shape: tuple[int, ...]
    binning: int
    raw_center: Float64Array
    offsets: Float64Array
    offsets_first: bool = False

    @property
    def middle(self) -> Float64Array:
        """x, y of the aligned images' middle, as an index."""
        return (np.array(self.shape[::-1]) - 1) / 2

    def to_raw(self, matrices: Float64Array, transforms: Float64Array) -> Float64Array:
        """Return matrices to the raw images from those to the aligned ones.

        ``b (X' - c') = A (X - c) + d - o``, with `b` the binning and `o` the offsets.
        """
        before, after = self._offsets()
        moved = matrices.copy()
        moved[:, :, 3] -= self.middle
        moved *= self.binning
        moved[:, :, 3] += after - transforms[:, :, 2]
        raw = np.linalg.inv(transforms[:, :, :2]) @ moved
        raw[:, :, 3] += self.raw_center + before
        return raw

    def transforms(
        self, raw: Float64Array, aligned: Float64Array, views: NDArray[np.int64]
    ) -> Float64Array:
        """Return the transforms between matrices to raw and to aligned images of some views."""
        before, after = (
            offsets if len(offsets) == 1 else offsets[views] for offsets in self._offsets()
        )
        there = aligned[:, :, 3] - self.middle
        here = raw[:, :, 3] - self.raw_center - before
        linear = np.linalg.inv((raw[:, :, :3] @ np.linalg.pinv(aligned[:, :, :3])) / self.binning)
        moved = (linear @ here[:, :, np.newaxis])[:, :, 0]
        found = self.binning * there + after - moved
        return np.concatenate([linear, found[:, :, np.newaxis]], axis=2)

    def _offsets(self) -> tuple[Float64Array, Float64Array]:
        none = np.zeros_like(self.offsets)
        return (self.offsets, none) if self.offsets_first else (none, self.offsets)
