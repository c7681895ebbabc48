"""The command line in a process of its own for each call, without the wait for imports.

A server imports the package once and forks a child for each call, which has limits of time and
memory. `CommandLine` is its other end; run as a script this file is the server.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import libtilt

MOST_SECONDS = 60
MOST_MEMORY = 4 * 2**30


@dataclasses.dataclass(frozen=True)
class Result:
    """How a call ended: a negative code is the signal that ended it."""

    code: int
    out: str
    err: str
    seconds: float
    """Of a processor: how busy the machine is does not count."""
    memory: int
    """Bytes over what a call needs that does nothing."""

    @property
    def hung(self) -> bool:
        return self.code == -signal.SIGALRM


def environment(threads: int = 1) -> dict[str, str]:
    """Return the environment of a process that imports the same package as this one."""
    home = str(Path(libtilt.__file__).parents[1])
    told = {"LIBTILT_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": home}
    return dict(os.environ) | told


class CommandLine:
    """Call ``libtilt`` with arguments; use it in a with statement."""

    def __enter__(self) -> CommandLine:
        self._server = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self._baseline = 0
        self._baseline = max(self.call(Path.cwd(), "--version").memory for _ in range(3))
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stdin.close()
        self._server.wait(timeout=60)
        self._server.stdout.close()

    def call(self, folder: Path, *arguments: object, seconds: int = MOST_SECONDS) -> Result:
        request = {"arguments": list(map(str, arguments)), "folder": str(folder)}
        print(json.dumps(request | {"seconds": seconds}), file=self._server.stdin, flush=True)
        reply = json.loads(self._server.stdout.readline())
        return Result(**reply | {"memory": reply["memory"] - self._baseline})


def serve() -> None:
    """Answer each line on stdin, a call, by a line on stdout, its end."""
    import matplotlib.pyplot  # noqa: F401

    import libtilt.plot  # noqa: F401
    from libtilt.cli import app

    # What a call would import itself counts as memory of the server, not of the call.
    for command in app.list_commands(None):
        app.get_command(None, command)
    extras = ("h5py", "tifffile", "numba", "imageio.v3", "libtilt.backends.numba")
    for name in ("PIL.Image", "mrcfile", "scipy.ndimage", "scipy.sparse.linalg", *extras):
        try:
            __import__(name)
        except ImportError:
            continue
    replies = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        print(json.dumps(_fork(**json.loads(line))), file=replies, flush=True)


def _fork(arguments: list[str], folder: str, seconds: int) -> dict[str, object]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _child(arguments, folder, seconds, (out.fileno(), err.fileno()))
        _, status, usage = os.wait4(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read(2**20).decode(errors="backslashreplace"))
    code = os.waitstatus_to_exitcode(status)
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "code": code,
        "out": texts[0],
        "err": texts[1],
        "seconds": usage.ru_utime + usage.ru_stime,
        "memory": memory,
    }


def _child(arguments: list[str], folder: str, seconds: int, outputs: tuple[int, int]) -> None:
    import resource
    import traceback

    from libtilt.__main__ import main

    code = 1
    try:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, output in enumerate(outputs, start=1):
            os.dup2(output, number)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(  # noqa: SIM115
            2, "w", encoding="utf-8", errors="backslashreplace", closefd=False
        )
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MOST_MEMORY,) * 2)
        # Its default ends the process, whatever that is doing.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        sys.argv = ["libtilt", *arguments]
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _address_space() -> int:
    statm = Path("/proc/self/statm")
    pages = int(statm.read_text().split()[0]) if statm.exists() else 2**20
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    serve()
