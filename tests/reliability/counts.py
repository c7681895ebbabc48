"""Repeat the counts of reliability, and print them as a table: ``python counts.py [KIND ...]``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import bad_inputs
import forks
import long_runs
import mutations
import rivals
import stops
from tally import Tally, table

BACKENDS = ("auto", "scipy", "sparse", "numba", "fourier")
KINDS: dict[str, Callable[[Path, int], Tally]] = {
    "inputs": lambda folder, part: bad_inputs.run(folder, slice(None, None, part)),
    "processes": lambda folder, part: bad_inputs.as_process(folder, slice(7, None, 60 * part)),
    "files": lambda folder, part: mutations.run(folder, -(-580 // part)),
    "signals": lambda folder, part: stops.run(folder, -(-90 // part)),
    "rivals": lambda folder, part: rivals.compete(folder, -(-40 // part)),
    "reads": lambda folder, part: rivals.read_beside(folder, -(-300 // part)),
    "forks": lambda folder, part: forks.run(BACKENDS, seconds=20),
    "calls": lambda folder, part: long_runs.run(folder, -(-1000 // part)),
}


def main() -> None:
    """Count what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all")
    parser.add_argument("--part", type=int, default=1, help="try only one in so many")
    told = parser.parse_args()
    if unknown := set(told.kinds) - set(KINDS):
        parser.error(f"KIND must be of {', '.join(KINDS)}, got {', '.join(sorted(unknown))}")
    tallies = []
    for kind in told.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            tallies.append(KINDS[kind](Path(folder).resolve(), told.part))
    print(table(tallies))


if __name__ == "__main__":
    main()
