"""`Writer`: base class of the writers of animation files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from libtilt.drawing.colors import Colors
from libtilt.errors.checks import positive_float

FPS = 15.0

# Pillow refuses larger pictures as decompression bombs.
_LARGEST_AREA = Image.MAX_IMAGE_PIXELS or 2**27


def _to_fps(value: Any) -> float:
    return positive_float(value, "fps")


@attrs.frozen
class Writer(ABC):
    """Writer of one file format, with frames per second and number of plays (0 is endless)."""

    suffixes: ClassVar[tuple[str, ...]]
    slowest: ClassVar[float]
    fastest: ClassVar[float]
    largest_side: ClassVar[int] = 65535
    even_sides: ClassVar[bool] = False
    full_color: ClassVar[bool] = True

    fps: float = attrs.field(converter=_to_fps)
    loop: int = attrs.field()

    @fps.validator
    def _check_fps(self, _: Any, fps: float) -> None:
        if not self.slowest <= fps <= self.fastest:
            raise ValueError(
                f"fps must be {self.slowest:g} to {self.fastest:g} in a {self.suffixes[0]} file, "
                f"got {fps:g}"
            )

    @loop.validator
    def _check_loop(self, _: Any, loop: int) -> None:
        whole = isinstance(loop, int | np.integer) and not isinstance(loop, bool)
        if not whole or not 0 <= loop <= 65535:
            raise ValueError(f"loop must be 0 (forever) to 65535, got {loop!r}")

    def require_sides(self, height: int, width: int) -> None:
        """Raise a ValueError if a picture is too large for the file format or for Pillow."""
        if max(height, width) > self.largest_side or height * width > _LARGEST_AREA:
            raise ValueError(
                f"width must keep both sides within {self.largest_side} pixels in a "
                f"{self.suffixes[0]} file, and their product within {_LARGEST_AREA}: the picture "
                f"is {width} x {height}; set max_size"
            )

    @abstractmethod
    def write(self, path: Path, frames: Iterator[NDArray[np.uint8]], colors: Colors) -> None:
        """Write at least one frame of `colors`, and check that the file reads back unchanged."""
