"""Windows: crops, paddings, binnings and strided slices of an array."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from libtilt.errors.checks import Float64Array, integers_of, positive_integer, shape_of


@attrs.frozen
class Window:
    """A new array laid over an old one: its index ``j`` lies at ``starts + steps * j`` of the old.

    All fields have one entry per axis. `starts` may be negative (padding) or fractional (binning).
    """

    old_shape: tuple[int, ...]
    shape: tuple[int, ...]
    starts: tuple[float, ...]
    steps: tuple[int, ...]

    @classmethod
    def crop(cls, old: tuple[int, ...], shape: Any, center: Any, kind: str) -> Window:
        """Return a box of `shape` about the old element `center`, by default ``old // 2``."""
        box = shape_of(shape, len(old), "shape")
        middle = (
            tuple(n // 2 for n in old)
            if center is None
            else integers_of(center, len(old), "center", kind="integers, an index")
        )
        starts = tuple(c - n // 2 for c, n in zip(middle, box, strict=True))
        stops = tuple(start + n for start, n in zip(starts, box, strict=True))
        if min(starts) < 0 or any(stop > n for stop, n in zip(stops, old, strict=True)):
            raise ValueError(
                f"shape must lie inside the {kind} {old}: the box would run from "
                f"{starts} to {stops}; use pad for a larger one"
            )
        return cls(old, box, starts, (1,) * len(old))

    @classmethod
    def pad(cls, old: tuple[int, ...], shape: Any) -> Window:
        """Return a larger array that keeps the center ``shape // 2``."""
        target = shape_of(shape, len(old), "shape")
        before = [t // 2 - n // 2 for t, n in zip(target, old, strict=True)]
        after = [t - n - b for t, n, b in zip(target, old, before, strict=True)]
        if min(before + after) < 0:
            raise ValueError(f"shape must be at least {old}, got {target}; use crop")
        return cls(old, target, tuple(-b for b in before), (1,) * len(old))

    @classmethod
    def bin(cls, old: tuple[int, ...], factor: Any) -> Window:
        """Return blocks of `factor` elements; elements left over at the end are dropped."""
        if isinstance(factor, tuple):
            factors = shape_of(factor, len(old), "factor")
        else:
            factors = (positive_integer(factor, "factor"),) * len(old)
        if any(f > n for f, n in zip(factors, old, strict=True)):
            raise ValueError(f"factor must be at most {min(old)} for {old}, got {factor}")
        shape = tuple(n // f for n, f in zip(old, factors, strict=True))
        return cls(old, shape, tuple((f - 1) / 2 for f in factors), factors)

    @classmethod
    def from_index(cls, old: tuple[int, ...], index: Any) -> Window:
        """Return the window that slices with positive steps select."""
        parts = index if isinstance(index, tuple) else (index,)
        dots = [place for place, part in enumerate(parts) if part is Ellipsis]
        if dots:
            at = dots[0]
            missing = len(old) - len(parts) + 1
            parts = (*parts[:at], *(slice(None),) * missing, *parts[at + 1 :])
        if len(parts) > len(old) or not all(isinstance(part, slice) for part in parts):
            raise IndexError(f"index must consist of slices, at most {len(old)}, got {index!r}")
        parts = (*parts, *(slice(None),) * (len(old) - len(parts)))
        ranges = [range(*part.indices(n)) for part, n in zip(parts, old, strict=True)]
        if any(r.step < 0 for r in ranges):
            raise IndexError(
                "index must have positive steps, since mirroring a grid changes its handedness; "
                f"index the array itself to mirror it, got {index!r}"
            )
        if not all(ranges):
            raise IndexError(f"index must select at least one element of {old}, got {index!r}")
        return cls(
            old,
            tuple(len(r) for r in ranges),
            tuple(r.start for r in ranges),
            tuple(r.step for r in ranges),
        )

    @property
    def slices(self) -> tuple[slice, ...]:
        """Slices that cut the new array out of the old one, where it lies inside."""
        return tuple(
            slice(int(start), int(start) + step * (n - 1) + 1, step)
            for start, step, n in zip(self.starts, self.steps, self.shape, strict=True)
        )

    @property
    def margins(self) -> list[tuple[int, int]]:
        """Elements before and after the old array, where the new one encloses it."""
        return [
            (-int(start), n - old + int(start))
            for start, n, old in zip(self.starts, self.shape, self.old_shape, strict=True)
        ]

    @property
    def center_shift(self) -> Float64Array:
        """Displacement of the center ``shape // 2``, in old elements, fastest axis (x) first."""
        places = [
            start + step * (n // 2) - old // 2
            for start, step, n, old in zip(
                self.starts, self.steps, self.shape, self.old_shape, strict=True
            )
        ]
        return np.array(places[::-1], dtype=np.float64)

    @property
    def steps_xyz(self) -> Float64Array:
        """The steps, fastest axis (x) first."""
        return np.array(self.steps[::-1], dtype=np.float64)

    def block_means(self, array: Any, dtype: Any) -> Any:
        """Return the means of blocks of the array's last axes."""
        lead = array.shape[: array.ndim - len(self.shape)]
        whole = tuple(slice(n * f) for n, f in zip(self.shape, self.steps, strict=True))
        split = [part for pair in zip(self.shape, self.steps, strict=True) for part in pair]
        blocks = array[(..., *whole)].reshape(*lead, *split)
        # In float64, because sums of many float32 values lose digits.
        axes = tuple(range(len(lead) + 1, blocks.ndim, 2))
        return blocks.mean(axis=axes, dtype=np.float64).astype(dtype, copy=False)


def slab_slices(shape: tuple[int, ...], size: Any, axis: str, axes: str) -> list[tuple[slice, ...]]:
    """Return the slices that cut an array into slabs of `size` elements along `axis`.

    `axes` names the array's axes in order, such as "zyx".
    """
    step = positive_integer(size, "size")
    if axis not in tuple(axes):
        raise ValueError(f"axis must be one of {', '.join(map(repr, axes))}, got {axis!r}")
    place = axes.index(axis)
    every = [slice(None)] * len(shape)
    return [
        (*every[:place], slice(start, min(start + step, shape[place])), *every[place + 1 :])
        for start in range(0, shape[place], step)
    ]
