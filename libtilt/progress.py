"""Progress of long calls, as a bar, as lines of text, or by calls of a function.

The argument ``progress=`` of such calls is False, True or a callable. True shows a bar on stderr:
that of tqdm (extra ``progress``) in a terminal or a notebook if it is installed, else one line that
is rewritten. Without a terminal, a call of more than five seconds prints a line, then at most one a
minute, and one at its end. A callable is called as
``progress(done, total)`` after each piece of work. `total` is the number of pieces known so far:
it grows where a call works in several stages. Pieces are counted where the work is distributed to
threads, so that progress changes neither results nor memory, and takes almost no time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from shutil import get_terminal_size
from typing import Any, TextIO, TypeVar

__all__ = ["counting_pieces", "reporting"]

Report = Callable[[int, int], object]
ProgressOption = bool | Report | None
"""Type of ``progress=``: False or None, True, or a callable that takes ``(done, total)``."""

Result = TypeVar("Result")

FIRST_LINE_SECONDS = 5.0
"""Time until the first line without a terminal."""

LINE_SECONDS = 60.0
"""Least time between two lines without a terminal."""

_REWRITE_SECONDS = 0.2
# Writing to a stream that is closed, or whose reader is: no reason to lose the work.
_CLOSED = (OSError, ValueError)


@contextmanager
def reporting(progress: ProgressOption, label: str) -> Iterator[Report | None]:
    """Yield the function that takes ``(done, total)``, or None; on leaving, close the bar.

    Parameters
    ----------
    progress : bool or callable
        False, or True for a bar, or a callable that takes ``(done, total)``.
    label : str
        Text before the bar, such as "projecting".

    Raises
    ------
    TypeError
        If `progress` is neither a bool nor callable.

    Examples
    --------
    >>> from libtilt.progress import reporting
    >>> with reporting(print, "counting") as report:
    ...     for done in (1, 2):
    ...         report(done, 2)
    1 2
    2 2
    """
    if progress is None or progress is False:
        yield None
    elif progress is True:
        display = _display(label)
        try:
            yield display.show
        finally:
            display.close()
    elif callable(progress):
        yield progress
    else:
        raise TypeError(
            "progress must be True, False or a callable that takes (done, total), got "
            f"{type(progress).__name__}"
        )


@contextmanager
def counting_pieces(progress: ProgressOption, label: str) -> Iterator[None]:
    """Report the pieces of work that this thread distributes to others inside the context.

    Parameters and errors are those of `reporting`. Methods such as `Projector.forward` call it; a
    backend that uses `libtilt.backends.threads.run_each` is counted without further code.

    Examples
    --------
    >>> from libtilt.backends.threads import run_all
    >>> from libtilt.progress import counting_pieces
    >>> with counting_pieces(print, "squaring"):
    ...     run_all(lambda number: number**2, range(3), threads=1)
    1 3
    2 3
    3 3
    """
    with reporting(progress, label) as report:
        if report is None:
            yield
            return
        with _counting(report) as counter:
            yield
        counter.finish()


@contextmanager
def counting_iterations(
    progress: ProgressOption, label: str, count: int
) -> Iterator[Callable[[int], object] | None]:
    """Yield the function that takes the number of finished iterations, or None.

    What is shown, though not told to a callable, includes the pieces of the iteration at work.

    Parameters and errors are those of `reporting`; `count` is the number of iterations.

    Examples
    --------
    >>> from libtilt.progress import counting_iterations
    >>> with counting_iterations(print, "solving", 2) as report:
    ...     for done in (1, 2):
    ...         report(done)
    1 2
    2 2
    """
    if progress is not True:
        with reporting(progress, label) as report:
            yield None if report is None else lambda done: report(done, count)
        return
    display = _display(label)
    try:
        shown = _Iterations(display, count)
        with _counting(shown.show_pieces) as counter:
            yield lambda done: shown.show(done, counter.done)
    finally:
        display.close()


@contextmanager
def _counting(report: Report) -> Iterator[PieceCounter]:
    """Report the pieces that this thread shares out inside the context."""
    counter = PieceCounter(report)
    token = _counter.set(counter)
    try:
        yield counter
    finally:
        _counter.reset(token)


def piece_counter() -> PieceCounter | None:
    """Return the counter of the `counting_pieces` around this call, if there is one."""
    return _counter.get()


class PieceCounter:
    """Counts of finished and of known pieces, over all stages of a call. Mutable."""

    def __init__(self, report: Report) -> None:
        self._report, self._done, self._total, self._busy = report, 0, 0, False

    def count(self, results: Iterator[Result], number: int) -> Iterator[Result]:
        """Yield the results of a stage of `number` pieces, and report each."""
        if self._busy:  # Work inside a piece belongs to it.
            yield from results
            return
        self._busy = True
        self._total += number
        try:
            for result in results:
                yield result
                self._done += 1
                # Another stage may follow: only `finish` knows that all is done.
                if self._done < self._total:
                    self._report(self._done, self._total)
        finally:
            self._busy = False

    @property
    def done(self) -> int:
        """Number of finished pieces."""
        return self._done

    def finish(self) -> None:
        """Report that all is done."""
        total = max(self._total, 1)
        self._report(total, total)


_counter: ContextVar[PieceCounter | None] = ContextVar("libtilt_piece_counter", default=None)


def _display(label: str) -> _Bar | _Lines:
    try:
        terminal = sys.stderr.isatty()
    except (AttributeError, ValueError):  # None, an object that only writes, or closed.
        terminal = False
    rewritable = terminal or "ipykernel" in sys.modules
    if rewritable:
        try:
            return _Bar(label, get_terminal_size() if terminal else None)
        except (ImportError, *_CLOSED):
            pass
    return _Lines(label, sys.stderr, rewrite=rewritable)


class _Iterations:
    """Iterations on a display, with the pieces of the one at work. Mutable."""

    def __init__(self, display: _Bar | _Lines, count: int) -> None:
        self._display, self._count, self._done, self._before = display, count, 0, 0
        self._next = time.monotonic()

    def show(self, done: int, pieces: int) -> None:
        self._done, self._before = done, pieces
        self._display.show(done, self._count)

    def show_pieces(self, pieces: int, _: int) -> None:
        now, new = time.monotonic(), pieces - self._before
        if now < self._next or self._done >= self._count:
            return
        self._next = now + _REWRITE_SECONDS
        # All iterations have as many pieces, to the precision of a guess of the time left.
        share = min(1.0, new * self._done / self._before) if self._before else 0.0
        detail = f"{new} piece{'s' if new > 1 else ''} of the next"
        self._display.show(self._done, self._count, share, detail)


class _Forgiving:
    """A stream whose writing does not fail: tqdm can wait forever after an error."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(AttributeError, *_CLOSED):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(AttributeError, *_CLOSED):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Bar:
    """The bar of tqdm that fits a terminal or a notebook."""

    def __init__(self, label: str, size: tuple[int, int] | None) -> None:
        from tqdm.auto import tqdm

        # Left to itself, tqdm writes nothing to a terminal that does not know its size.
        columns, rows = size or (None, None)
        self._bar: Any = tqdm(desc=label, ncols=columns, nrows=rows, file=_Forgiving(sys.stderr))

    def show(self, done: int, total: int, share: float = 0.0, detail: str = "") -> None:
        self._bar.total = total
        with suppress(*_CLOSED):
            self._bar.set_postfix_str(detail, refresh=bool(detail))
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        with suppress(*_CLOSED):
            self._bar.close()


class _Lines:
    """A line that is rewritten, or lines with a minute between them."""

    def __init__(self, label: str, stream: TextIO | None, *, rewrite: bool) -> None:
        self._label, self._stream, self._rewrite = label, stream, rewrite
        self._text, self._start = f"{label} ...", time.monotonic()
        self._next, self._width = self._start + FIRST_LINE_SECONDS, 0
        self._finished = False
        if rewrite:
            self._write(self._start)

    def show(self, done: int, total: int, share: float = 0.0, detail: str = "") -> None:
        now = time.monotonic()
        seconds, self._finished = now - self._start, done >= total
        self._text = f"{self._label}: {done} of {total} ({100 * done // total} %), {seconds:.0f} s"
        if 0 < done < total:
            finished = done + share
            self._text += f", about {seconds * (total - finished) / finished:.0f} s left"
        if detail:
            self._text += f", {detail}"
        # The last line is that of `close`.
        if now >= self._next and (self._rewrite or not self._finished):
            self._write(now)

    def close(self) -> None:
        # Only a call that printed a line also prints its end, unless it fails.
        if self._rewrite or (self._width and self._finished):
            self._write(time.monotonic(), "\n")

    def _write(self, now: float, end: str = "") -> None:
        self._next = now + (_REWRITE_SECONDS if self._rewrite else LINE_SECONDS)
        # Spaces cover the end of a longer line.
        text = f"\r{self._text.ljust(self._width)}{end}" if self._rewrite else f"{self._text}\n"
        self._width = len(self._text)
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (AttributeError, *_CLOSED):
            self._stream = None
