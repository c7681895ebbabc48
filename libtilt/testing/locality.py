"""The law on `Backend.local`: the operator on a block is the whole operator, restricted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Backend, Plan, SamplingSpec
from libtilt.testing.cases import TOLERANCES, random_arrays

_BOX = (3, 2, 4)
_TILTS = 2
_NEGLIGIBLE = 1e-3


@attrs.frozen(eq=False)
class Block:
    """Some tilts, a box (z, y, x) of the volume and a window (v, u) of the images."""

    tilts: slice
    box: tuple[slice, ...]
    window: tuple[slice, ...]

    def restrict(self, spec: SamplingSpec) -> SamplingSpec:
        """Return the spec of the block: grids of the whole with another last column."""
        grids = spec.grids[self.tilts].copy()
        origin = [cut.start for cut in reversed(self.box)]
        v, u = (cut.start for cut in self.window)
        grids[:, :, 3] += u * grids[:, :, 0] + v * grids[:, :, 1] - origin
        return attrs.evolve(
            spec,
            grids=grids,
            volume_shape=tuple(cut.stop - cut.start for cut in self.box),
            image_shape=tuple(cut.stop - cut.start for cut in self.window),
        )


def law_local(backend: Backend, spec: SamplingSpec) -> None:
    """Check `Backend.local` on a few blocks, to `TOLERANCES`.

    On each block the operator must equal the whole operator, applied to a volume that is zero
    outside the box and to images that are zero outside the tilts and the window. By linearity, the
    operators on blocks that cover the whole then sum to the whole operator.
    """
    local = backend.local
    assert local in ("none", "tilts", "full"), (
        f"local must be 'none', 'tilts' or 'full', got {local!r}"
    )
    if local == "none":
        return
    volume, images = random_arrays(spec)
    whole = backend.plan(spec)
    least = [
        _NEGLIGIBLE * float(np.linalg.norm(result))
        for result in (whole.forward(volume), whole.adjoint(images))
    ]
    for block in _tilt_blocks(spec) if local == "tilts" else _box_blocks(spec):
        _check(backend, spec, block, whole, (volume, images), least)


def _tilt_blocks(spec: SamplingSpec) -> Iterator[Block]:
    """Yield blocks of all of the volume and the images, a few tilts each."""
    box, window = _full_slices(spec.volume_shape), _full_slices(spec.image_shape)
    for first in range(0, len(spec.grids), _TILTS):
        yield Block(slice(first, first + _TILTS), box, window)


def _box_blocks(spec: SamplingSpec) -> Iterator[Block]:
    """Yield boxes at both ends of the volume and in its middle, with windows of several kinds."""
    height, width = spec.image_shape
    windows = [
        _full_slices(spec.image_shape),
        (slice(height // 4, height - height // 5), slice(width // 5, width - width // 4)),
        (slice(0, -(-height // 2)), slice(width // 2, width)),
    ]
    for part, window in enumerate(windows):
        box = []
        for n, size in zip(spec.volume_shape, _BOX, strict=True):
            start = max(0, n - size) * part // 2
            box.append(slice(start, min(start + size, n)))
        first = max(0, len(spec.grids) - _TILTS) * part // 2
        yield Block(slice(first, first + _TILTS), tuple(box), window)


def _full_slices(shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(0, n) for n in shape)


def _check(
    backend: Backend,
    spec: SamplingSpec,
    block: Block,
    whole: Plan,
    arrays: tuple[NDArray[Any], NDArray[Any]],
    least: list[float],
) -> None:
    plan = backend.plan(block.restrict(spec))
    places = block.box, (block.tilts, *block.window)
    for direction, given, taken in (("forward", 0, 1), ("adjoint", 1, 0)):
        data = np.zeros_like(arrays[given])
        data[places[given]] = arrays[given][places[given]]
        part = np.ascontiguousarray(data[places[given]])
        got = getattr(plan, direction)(part).astype(np.float64)
        expected = getattr(whole, direction)(data)[places[taken]]
        size = max(float(np.linalg.norm(expected)), least[given])
        error = float(np.linalg.norm(got - expected))
        tolerance = TOLERANCES[spec.dtype.name]
        assert error <= tolerance * size, (
            f"{direction}: local is {backend.local!r}, but the result on {block} differs from the "
            f"whole by {error / max(size, 1e-300):.2g} (relative), allowed {tolerance:g}"
        )
