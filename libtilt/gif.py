"""GIF animations from frames of grey values."""

from __future__ import annotations

import errno
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from libtilt._checks import positive_float, positive_integer, real_data
from libtilt.files import atomic_write
from libtilt.overlays import Overlay

Frames = NDArray[np.uint8]

_SMALLEST_WIDTH = 64


def save_gif(
    path: str | Path,
    frames: ArrayLike,
    *,
    fps: float = 15.0,
    loop: int = 0,
    ping_pong: bool = False,
    percentiles: tuple[float, float] = (0.5, 99.8),
    width: int | None = None,
    max_bytes: int | None = None,
    labels: str | Sequence[str] | None = None,
    dial: ArrayLike | None = None,
    pixel_size: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Write frames of grey values as an animated GIF, all or nothing.

    Parameters
    ----------
    path : path
        Ends with ``.gif``.
    frames : array_like, shape (n, h, w)
        Real numbers; row 0 is at the top. NaN is drawn black.
    fps : float, optional
        Frames per second. GIF counts in hundredths of a second, so 50 is the most.
    loop : int, optional
        How often it plays; 0 is for ever.
    ping_pong : bool, optional
        Whether the frames then run back to the first.
    percentiles : (float, float), optional
        Of all finite values, to be drawn black and white.
    width : int, optional
        Pixels of the picture; by default that of the frames.
    max_bytes : int, optional
        The largest file. The picture shrinks until it fits, down to 64 pixels, then every second
        frame is dropped as often as it takes.
    labels : str or sequence of str, optional
        A text for all frames or one for each, written at the upper left.
    dial : array_like, shape (n,), optional
        Tilt angles in degrees, drawn as a disc with the specimen in it, at the lower right.
    pixel_size : float, optional
        Angstroms of a pixel of the frames: draws a scale bar at the lower left.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    ValueError
        If the frames are empty or hold nothing finite, an option does not fit, or not even two
        small frames keep to `max_bytes`.
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If the file cannot be written, or reads back other than it was written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt.gif import save_gif
    >>> ramp = np.linspace(0, 1, 4)[:, None, None] * np.ones((4, 8, 8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_gif(f"{folder}/ramp.gif", ramp, fps=4).stat().st_size > 0
    True
    """
    if Path(path).suffix.lower() != ".gif":
        raise ValueError(f"path must end with .gif, got {path}")
    duration = _frame_milliseconds(fps)
    if loop < 0:
        raise ValueError(f"loop must be 0 (for ever) or positive, got {loop}")
    limit = None if max_bytes is None else positive_integer(max_bytes, "max_bytes")
    overlay = Overlay(labels=labels, dial=dial, pixel_size=pixel_size)
    grey = to_grey(frames, percentiles=percentiles)
    overlay.require_count(len(grey))
    shown = grey.shape[2] if width is None else positive_integer(width, "width")
    with atomic_write(path, overwrite=overwrite) as temporary:
        while True:
            sequence = overlay.draw(_resized(grey, shown), shrunk=shown / grey.shape[2])
            _encode(temporary, _there_and_back(sequence) if ping_pong else sequence, duration, loop)
            size = temporary.stat().st_size
            if limit is None or size <= limit:
                break
            if shown > _SMALLEST_WIDTH:
                shown = _narrower(shown, size, limit)
            elif len(grey) > 2:
                grey, overlay, duration = grey[::2], overlay.every(2), 2 * duration
            else:
                raise ValueError(
                    f"max_bytes={limit} is too small: {len(grey)} frames of {shown} pixels "
                    f"still need {size} bytes"
                )
    return Path(path)


def to_grey(frames: ArrayLike, *, percentiles: tuple[float, float] = (0.5, 99.8)) -> Frames:
    """Map values to 0..255 by percentiles over the whole stack.

    Parameters
    ----------
    frames : array_like, shape (n, h, w)
        Real numbers.
    percentiles : (float, float), optional
        Of all finite values, to become 0 and 255.

    Returns
    -------
    ndarray of uint8, shape (n, h, w)
        NaN becomes 0; infinities 0 and 255; a stack with one value throughout mid-grey.

    Raises
    ------
    ValueError
        If the stack is empty or holds nothing finite, or the percentiles do not rise.

    Examples
    --------
    >>> from libtilt.gif import to_grey
    >>> to_grey([[[0.0, 0.5, 1.0]]], percentiles=(0, 100)).tolist()
    [[[0, 128, 255]]]
    """
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise ValueError(f"percentiles must rise within 0 and 100, got {percentiles}")
    values = real_data(frames, "frames", 3)
    sample = _sample(values).astype(np.float64)
    finite = sample[np.isfinite(sample)]
    if finite.size == 0:
        finite = values[np.isfinite(values)].astype(np.float64)
    if finite.size == 0:
        raise ValueError("frames must hold finite values, all of them are NaN or infinite")
    black, white = np.percentile(finite, [low, high])
    if not black < white:
        black, white = finite.min(), finite.max()
    grey = np.empty(values.shape, np.uint8)
    for index, frame in enumerate(values):
        grey[index] = _levels(frame, black, white)
    return grey


def _sample(values: NDArray[Any], count: int = 1_000_000) -> NDArray[Any]:
    """Return all values, or a million of many: at random places, since a stride has blind spots."""
    if values.size <= count:
        return values.ravel()
    rng = np.random.default_rng(0)
    return values[tuple(rng.integers(0, n, count) for n in values.shape)]


def _levels(frame: NDArray[Any], black: float, white: float) -> Frames:
    """Return one frame in 0..255; halved first, so that no difference can overflow."""
    half = frame.astype(np.float64) / 2
    if black < white:
        scaled = (np.clip(half, black / 2, white / 2) - black / 2) / (white / 2 - black / 2)
    else:
        scaled = np.where(half == black / 2, 0.5, half > black / 2)
    scaled = np.where(np.isnan(half), 0.0, scaled)
    return np.rint(scaled * 255).astype(np.uint8)


def _frame_milliseconds(fps: float) -> int:
    if positive_float(fps, "fps") > 50:
        raise ValueError(f"fps must be at most 50, viewers do not show more: got {fps}")
    return max(20, round(100 / fps) * 10)


def _resized(grey: Frames, width: int) -> Frames:
    _, h, w = grey.shape
    if width == w:
        return grey
    height = max(1, round(h * width / w))
    if width < w:  # Averaging first keeps fine detail from turning into speckle.
        grey = ndimage.uniform_filter(grey, (1, round(h / height), round(w / width)))
    zoom = (1, height / h, width / w)
    resized: Frames = ndimage.zoom(grey, zoom, order=1, grid_mode=True, mode="nearest")
    return resized


def _narrower(width: int, size: int, limit: int) -> int:
    """Return a width that should come closer to `limit`: the size goes with the area."""
    return max(_SMALLEST_WIDTH, int(width * min(0.9, 0.97 * math.sqrt(limit / size))))


def _there_and_back(grey: Frames) -> Frames:
    return np.concatenate([grey, grey[-2:0:-1]])


def _encode(path: Path, grey: Frames, duration: int, loop: int) -> None:
    """Write the file and check what it reads back as."""
    # Indices count down from white: readers take the usual palette, black first, for a picture
    # without one, and some then fail on frames that store only what changes.
    palette = bytes(255 - index // 3 for index in range(768))
    iio.imwrite(
        path,
        255 - grey,
        extension=".gif",
        plugin="pillow",
        is_batch=True,  # Else frames of 2 to 4 columns pass for one picture in colour.
        duration=duration,
        loop=loop,
        palette=palette,
    )
    _check_encoded(path, grey, duration)


def _check_encoded(path: Path, grey: Frames, duration: int) -> None:
    """Raise an OSError where a file does not read back as its frames and their time."""
    opened: Any = iio.imopen(path, "r", plugin="pillow")
    with opened as file:
        count = file.properties(index=...).shape[0]
        # The encoder joins equal neighbours into one longer frame, so only the time must add up.
        time = sum(file.metadata(index=i, exclude_applied=False)["duration"] for i in range(count))
        ends = file.read(index=0, mode="L"), file.read(index=count - 1, mode="L")
    same = np.array_equal(ends[0], grey[0]) and np.array_equal(ends[1], grey[-1])
    if not same or time != duration * len(grey):
        raise OSError(errno.EIO, "it reads back other than it was written")
