"""The command line: ``libtilt`` and ``python -m libtilt``."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

# Exit codes as in a shell: 128 plus the number of the signal.
_INTERRUPTED = 130
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_PIPE_CLOSED = 141


class Terminated(BaseException):
    """A signal asked the process to end; temporary files are removed as it propagates."""


def main() -> None:
    """Run the command line; every failure ends with one line on stderr and an exit code."""
    try:
        for number in _SIGNALS[1:]:
            signal.signal(number, _stop)
        code = _run()
        # The work is done; a late signal must not report a failure.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(code)
    except KeyboardInterrupt:
        _end("interrupted", _INTERRUPTED)
    except Terminated as terminated:
        _end("stopped", int(terminated.args[0]) + 128)
    except BrokenPipeError:
        # The reader has closed the pipe; Python's last flush must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_PIPE_CLOSED)


def _run() -> int:
    try:
        import click
    except ImportError:
        sys.exit("error: the command line requires click: pip install 'libtilt[cli]'")
    from libtilt.cli import app
    from libtilt.cli.messages import PipeClosed, echo_error

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
        echo_error(f"unexpected {kind}: {error}; set LIBTILT_DEBUG=1 for details, please report it")
        return 1
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    raise Terminated(number)


def _end(message: str, code: int) -> None:
    print(f"\n{message}", file=sys.stderr, flush=True)  # noqa: T201
    # Not sys.exit, which can end by the signal itself in place of the code.
    os._exit(code)


if __name__ == "__main__":
    main()
