"""Commands that are told to end at any time: with the code of the signal, and nothing half done."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from bad_files import good_files
from isolated import environment
from tally import Tally

SHOULD = "code 130, 143 or 129 and no new file, or 0 and all files; no traceback, no .partial"
CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
DEMO_FILES = (
    *("volume.mrc", "tilt_series.mrc", "tilt_series.json", "tilt_series.rawtlt", "tomogram.mrc"),
    *("volume.gif", "tilt_series.gif", "tomogram.gif"),
)
# A command that takes a second or so, and all that it writes.
WRITERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "project": (
        ("project", "map.mrc", "--backend", "scipy", "--tilt-range", "-60", "60", "0.05"),
        ("a.mrc", "a.json", "a.rawtlt"),
    ),
    "reconstruct": (
        (
            *("reconstruct", "tilts.mrc", "--method", "sirt", "--iterations", "60"),
            *("--backend", "scipy", "--gif", "out/a.gif", "--iteration-gif", "out/iterations.gif"),
        ),
        ("a.mrc", "a.gif", "iterations.gif"),
    ),
    "demo": (("demo", "--size", "24", "--backend", "scipy"), DEMO_FILES),
    "gif": (("gif", "map.mrc", "--look", "spin", "--count", "300", "--width", "200"), ("a.gif",)),
    "convert": (
        ("convert", "good.aln", "out/tomograms.star", "--stack", "tilts.mrc"),
        ("tomograms.star", "tilt_series/tilts.star"),
    ),
    "show": (("show", "map.mrc", "--dpi", "600"), ("a.png",)),
}
OUTPUTS = {"demo": "out", "gif": "out/a.gif", "show": "out/a.png", "convert": None}
# A signal before Python has come to the entry point ends the process in the way of the system.
EARLIEST, LATEST_START = 0.1, 0.5


def run(folder: Path, count: int, seed: int = 0, names: tuple[str, ...] = tuple(WRITERS)) -> Tally:
    """Send so many signals, each at a random time of a command that writes."""
    tally, rng, ended = Tally("signals"), random.Random(seed), [0, 0, 0]
    good_files(folder)
    whole = {name: _whole(folder, name) for name in names}
    for number in range(count):
        name = names[number % len(names)]
        sent = rng.choice(sorted(CODES))
        delay = rng.uniform(EARLIEST, whole[name])
        process = _start(folder, name)
        time.sleep(delay)
        process.send_signal(getattr(signal, sent))
        try:
            _, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            _, err = process.communicate()
        found = _faults(folder / "out", name, sent, process.returncode, err, delay)
        ended[0 if process.returncode > 0 else 1 if process.returncode == 0 else 2] += 1
        tally.add(f"{sent} after {delay:.2f} s into {name}, seed {seed}", found, SHOULD)
    tally.notes.append(
        f"{ended[0]} ended with a code, {ended[1]} had ended, {ended[2]} behind the last line"
    )
    return tally


def _start(folder: Path, name: str) -> subprocess.Popen[str]:
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    arguments = [*WRITERS[name][0]]
    if (output := OUTPUTS.get(name, "out/a.mrc")) is not None:
        arguments += ["-o", output]
    return subprocess.Popen(
        [sys.executable, "-m", "libtilt", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_restore_signals,
    )


def _restore_signals() -> None:
    """Undo the ignoring of signals that nohup, shells and test runners hand down."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in CODES.keys() - {"SIGINT"}:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def _whole(folder: Path, name: str) -> float:
    """Return how long a command takes that nobody stops."""
    start = time.perf_counter()
    process = _start(folder, name)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert _written(folder / "out") == set(WRITERS[name][1]), _written(folder / "out")
    return time.perf_counter() - start


def _written(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if not path.is_dir())
    return {str(path.relative_to(folder)) for path in files}


def _faults(out: Path, name: str, sent: str, code: int, err: str, delay: float) -> list[str]:
    found, written = [], _written(out)
    if code == 0:
        if written != set(WRITERS[name][1]):
            found.append(f"code 0 with {sorted(written)}")
    elif code == -getattr(signal, sent) and written == set(WRITERS[name][1]):
        pass  # Behind the end of Python's own work.
    elif code == -getattr(signal, sent) and delay < LATEST_START and not (written or err):
        pass  # Before the entry point.
    elif code != CODES[sent]:
        found.append(f"code {code}: {err[-300:]!r}")
    # Told behind its last step: the files are whole, and all there.
    if code and written and written != set(WRITERS[name][1]):
        found.append(f"left {sorted(written)}")
    if "Traceback" in err or "LIBTILT_DEBUG=1" in err:
        found.append(f"a traceback: {err[-300:]!r}")
    if left := [str(path) for path in out.rglob("*partial*")]:
        found.append(f"left {left}")
    return found
