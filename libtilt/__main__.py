"""The command line: ``libtilt`` and ``python -m libtilt``."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

# As a shell counts: 128 and the number of the signal.
_INTERRUPTED = 130
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_PIPE_CLOSED = 141


class Stopped(BaseException):
    """The process was told to end; what is being written is removed on the way out."""


def main() -> None:
    """Run the command line, and end with one line and a fitting exit code whatever happens."""
    try:
        for number in _SIGNALS[1:]:
            signal.signal(number, _stop)
        code = _run()
        # The work is done: a signal from here on would change nothing but how it looks.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(code)
    except KeyboardInterrupt:
        _end("interrupted", _INTERRUPTED)
    except Stopped as stopped:
        _end("stopped", int(stopped.args[0]) + 128)
    except BrokenPipeError:
        # Whoever read has seen enough; the last flush of Python must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_PIPE_CLOSED)


def _run() -> int:
    try:
        import click
    except ImportError:
        sys.exit("error: the command line needs the package 'click': pip install 'libtilt[cli]'")
    from libtilt.cli import app
    from libtilt.cli.messages import PipeClosed, fail

    try:
        app(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.Abort as aborted:
        raise KeyboardInterrupt from aborted
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except PipeClosed as closed:
        raise BrokenPipeError from closed
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("LIBTILT_DEBUG"):
            raise
        kind = type(error).__name__
        fail(f"unforeseen {kind}: {error}; LIBTILT_DEBUG=1 shows where, please report it")
        return 1
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(number)


def _end(what: str, code: int) -> None:
    print(f"\n{what}", file=sys.stderr, flush=True)  # noqa: T201
    # Python ends by the signal itself, whatever the code, where it came while a text was executed.
    os._exit(code)


if __name__ == "__main__":
    main()
