"""Progress bars on stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from libtilt.cli.messages import is_quiet
from libtilt.projector import Projector

TILTS_PER_STEP = 8
"""Number of tilts computed between two steps of a progress bar."""


def progress_bar(*items: Any, **options: Any) -> Any:
    """Return click's progress bar on stderr; without a terminal it prints only its label."""
    shown = io.StringIO() if is_quiet() else sys.stderr
    return click.progressbar(*items, file=shown, **options)


class ProgressProjector(Projector):
    """A projector that computes a few tilts at a time behind a progress bar."""

    def _forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        with self._steps("projecting") as steps:
            return np.concatenate([Projector._forward(self._part(s), volume) for s in steps])

    def _adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        total: NDArray[Any] | None = None
        with self._steps("backprojecting") as steps:
            for tilts in steps:
                volume = Projector._adjoint(self._part(tilts), images[tilts])
                # In place, with one more volume at a time: one may fill half of the memory.
                if total is None:
                    total = volume
                else:
                    total += volume
                del volume
        assert total is not None
        return total

    def _part(self, tilts: slice) -> Projector:
        return self.evolve(geometry=self.geometry[tilts])

    def _steps(self, label: str) -> Any:
        starts = range(0, len(self.geometry), TILTS_PER_STEP)
        return progress_bar([slice(k, k + TILTS_PER_STEP) for k in starts], label=label)


@contextmanager
def frame_progress() -> Iterator[Callable[[int, int], None]]:
    """Yield a callback that shows on a bar how many frames of an animation are written."""
    with ExitStack() as stack:
        bars: list[Any] = []

        def show(done: int, count: int) -> None:
            if not bars:
                bar = progress_bar(length=count, label="frames")
                bars.append(stack.enter_context(bar))
            bars[0].length = count
            # Counts restart when the picture is scaled down.
            bars[0].update(done - bars[0].pos)

        yield show
