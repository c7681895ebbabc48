"""How far work is, as bars on stderr."""

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
from libtilt.geometry import TiltGeometry
from libtilt.projector import Projector
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

GROUP = 8
"""Tilts that are computed between two steps of a progress bar."""


def progress_bar(*items: Any, **options: Any) -> Any:
    """Return click's bar on stderr; where that is no terminal it is one line with its label."""
    shown = io.StringIO() if is_quiet() else sys.stderr
    return click.progressbar(*items, file=shown, **options)


def forward_with_progress(projector: Projector, volume: Volume) -> TiltSeries:
    """Project a volume, a few tilts at a time, behind a progress bar."""
    # Fixed for all tilts, so that no group of them is another operator.
    projector = projector.between(volume)
    groups = _groups(projector.geometry)
    with progress_bar(groups, label="projecting") as bar:
        parts = [projector.evolve(geometry=group).forward(volume) for group in bar]
    images = np.concatenate([part.images for part in parts])
    return TiltSeries(images, projector.geometry, pixel_size=parts[0].pixel_size)


def adjoint_with_progress(projector: Projector, tilt_series: TiltSeries) -> Volume:
    """Backproject a tilt series, a few tilts at a time, behind a progress bar."""
    projector = projector.between(None, tilt_series)
    groups = list(range(0, len(tilt_series), GROUP))
    total: NDArray[Any] | None = None
    with progress_bar(groups, label="backprojecting") as bar:
        for start in bar:
            some = slice(start, start + GROUP)
            part = projector.evolve(geometry=projector.geometry[some])
            volume = part.adjoint(tilt_series[some])
            # In place, and one volume beside it at a time: a tomogram may fill half of the memory.
            if total is None:
                total = np.zeros(volume.shape, volume.dtype)
            total += volume.data
            if start != groups[-1]:
                del volume
    assert total is not None
    return volume.evolve(data=total)


@contextmanager
def progress_of_frames() -> Iterator[Callable[[int, int], None]]:
    """Give what shows on a bar how many frames of an animation are written."""
    with ExitStack() as stack:
        bars: list[Any] = []

        def show(done: int, count: int) -> None:
            if not bars:
                bar = progress_bar(length=count, label="frames")
                bars.append(stack.enter_context(bar))
            bars[0].length = count
            # A file that has to be made smaller begins again.
            bars[0].update(done - bars[0].pos)

        yield show


def _groups(geometry: TiltGeometry) -> list[TiltGeometry]:
    return [geometry[start : start + GROUP] for start in range(0, len(geometry), GROUP)]
