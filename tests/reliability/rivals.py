"""Processes that write one series at once, and one that reads it meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from isolated import environment
from tally import Tally

from libtilt import TiltGeometry, TiltSeries

MIXED = "the stack of one writer with the angles of the same one"
ROUND = "one winner where nothing may be replaced, a whole series, no partial files"
COUNT = 5


def series(number: int) -> TiltSeries:
    """Return the series of a writer: every value and every angle tells whose it is."""
    images = np.full((COUNT, 64, 64), number, np.float32)
    # Steps of a hundredth of a degree: angles that the text of .rawtlt holds, too.
    return TiltSeries(images, TiltGeometry.from_tilt_angles(_angles(number)), pixel_size=2.0)


def _angles(number: int) -> np.ndarray:
    return np.arange(COUNT) + number * 0.01


def _owner(found: TiltSeries) -> list[str]:
    number = int(found.images[0, 0, 0])
    faults = []
    if not (found.images == number).all():
        faults.append("values of two writers in one stack")
    if not np.allclose(found.geometry.tilt_angles, _angles(number), atol=1e-4):
        faults.append(f"the stack of {number} with angles {found.geometry.tilt_angles.tolist()}")
    return faults


def _start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def compete(folder: Path, rounds: int) -> Tally:
    """Let two processes save one series at the same moment, with and without overwrite."""
    tally, path, won = Tally("rounds of competing writers"), folder / "tilts.mrc", [0, 0]
    writers = [_start("write", path) for _ in range(2)]
    for number in range(rounds):
        overwrite = bool(number % 2)
        for old in folder.iterdir():
            old.unlink()
        if overwrite:
            series(9000).save(path)
        # The clock is theirs alike; both wait for the same moment.
        moment = time.time() + 0.02
        for index, writer in enumerate(writers):
            print(2 * number + index + 1, int(overwrite), moment, file=writer.stdin, flush=True)
        said = [writer.stdout.readline().strip() for writer in writers]
        for index in range(2):
            won[index] += said[index] == "won"
        found = _after(folder, path, said, overwrite)
        tally.add(f"round {number}, overwrite {overwrite}", found, ROUND)
    for writer in writers:
        writer.stdin.close()
        writer.wait(timeout=60)
        writer.stdout.close()
    tally.notes.append(f"won {won[0]} and {won[1]}")
    return tally


def _after(folder: Path, path: Path, said: list[str], overwrite: bool) -> list[str]:
    found = []
    if said.count("won") != (2 if overwrite else 1):
        found.append(f"writers said {said}")
    if not all(word in ("won", "OutputExistsError") for word in said):
        found.append(f"writers said {said}")
    names = sorted(one.name for one in folder.iterdir())
    if names != ["tilts.json", "tilts.mrc", "tilts.rawtlt"]:
        found.append(f"left {names}")
    try:
        opened = TiltSeries.open(path)
        found += _owner(opened)
        angles = np.loadtxt(folder / "tilts.rawtlt")
        if not np.allclose(angles, opened.geometry.tilt_angles, atol=1e-4):
            found.append(f"the .rawtlt of another: {angles.tolist()}")
    except (OSError, ValueError) as error:
        found.append(f"{type(error).__name__}: {error}")
    return found


def read_beside(folder: Path, reads: int) -> Tally:
    """Read a series again and again that another process replaces meanwhile."""
    tally, path, seen = Tally("reads beside a writer"), folder / "tilts.mrc", set()
    series(1).save(path, overwrite=True)
    writer = _start("replace", path)
    writer.stdout.readline()
    refused = 0
    for number in range(reads):
        # The writer works on; the reader need not be quick.
        time.sleep(0.002)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                opened = TiltSeries.open(path)
            found = _owner(opened)
            seen.add(int(opened.images[0, 0, 0]))
        except (OSError, ValueError) as error:
            refused += 1
            found = [f"{type(error).__name__}: {error}"]
        tally.add(f"read {number}", found, MIXED)
    alive = writer.poll() is None
    writer.stdin.close()
    writer.wait(timeout=60)
    writer.stdout.close()
    assert alive, "the writer ended before the reader"
    tally.notes.append(f"{len(seen)} series seen, {refused} refused")
    return tally


def _write(path: str) -> None:
    for line in sys.stdin:
        number, overwrite, moment = line.split()
        made = series(int(number))
        time.sleep(max(0.0, float(moment) - time.time()))
        try:
            made.save(path, overwrite=overwrite == "1")
            print("won", flush=True)
        except Exception as error:
            print(type(error).__name__, flush=True)


def _replace(path: str) -> None:
    # Until its stdin is closed, which a process of its own tells by a read that does not wait.
    os.set_blocking(0, False)
    print("ready", flush=True)
    number = 1
    while os_read() is None:
        number += 1
        series(number).save(path, overwrite=True)


def os_read() -> bytes | None:
    """Return what stdin has, None where there is nothing yet."""
    try:
        return os.read(0, 1)
    except BlockingIOError:
        return None


if __name__ == "__main__":
    {"write": _write, "replace": _replace}[sys.argv[1]](sys.argv[2])
