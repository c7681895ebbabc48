"""The command line: ``libtilt`` and ``python -m libtilt``."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_PIPE_CLOSED = 141
# A signal that comes sooner after another is taken for the same: keys are pressed repeatedly.
_REPEAT_SECONDS = 1.0
_received: list[int] = []
_times: list[float] = []


class Stopped(KeyboardInterrupt):
    """A signal asked the process to end; temporary files are removed as it propagates."""


def main() -> None:
    """Run the command line; every failure ends with one line on stderr and an exit code."""
    try:
        for number in _SIGNALS:
            # A shell may have told its background jobs to ignore Ctrl-C.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _stop)
        code = _run()
    except BrokenPipeError:
        # The reader has closed the pipe; Python's last flush must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _PIPE_CLOSED
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not _received:
            _received.append(signal.SIGINT)
        if not _received:
            raise
        code = 1
    _ignore_signals()  # The work is done; a late one must not report a failure.
    if _received:
        _end_by_signal(code)
    sys.exit(code)


def _run() -> int:
    try:
        import click
    except ImportError:
        from libtilt.errors.installing import pip_install

        sys.exit(f"error: the command line requires click: {pip_install('cli')}")
    from libtilt.cli import app, messages

    messages.signals_received = _received
    try:
        app(standalone_mode=False)
        if sys.stdout is not None:  # As where a shell closed it.
            sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.Abort as aborted:
        raise KeyboardInterrupt from aborted
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except messages.PipeClosed as closed:
        raise BrokenPipeError from closed
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("LIBTILT_DEBUG"):
            raise
        kind = type(error).__name__
        messages.echo_error(
            f"unexpected {kind}: {error}; please report it (LIBTILT_DEBUG=1 shows the traceback)"
        )
        return 1
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    now = time.monotonic()
    # It must not cut short the removal of files; but one that a library swallowed can be repeated.
    if _times and now - _times[-1] < _REPEAT_SECONDS:
        return
    _times.append(now)
    _received.append(number)
    if len(_received) == 1:
        # Not threading.Thread, whose locks the interrupted code may hold.
        with suppress(RuntimeError):
            _thread.start_new_thread(_announce_stop, ())
    raise Stopped(number)


def _announce_stop() -> None:
    """Print that the process ends once its threads have finished their pieces of work."""
    time.sleep(0.5)
    with suppress(OSError):
        os.write(2, b"\nstopping ...")


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end_by_signal(code: int) -> None:
    """End at once: a library whose import was cut short can crash while Python shuts down.

    Such a library may also have turned the signal into an error of its own.
    """
    if code:
        number = _received[0]
        message = "interrupted" if number == signal.SIGINT else "stopped"
        print(f"\n{message}", file=sys.stderr, flush=True)  # noqa: T201
        code = number + 128
    os._exit(code)


if __name__ == "__main__":
    main()
