"""Time everyone on the same arrays, interleaved, and print one table.

    python tests/benchmarks/compare.py
    python tests/benchmarks/compare.py --tilt-axis-angle 85
    python tests/benchmarks/compare.py --size 168 --only "numba, rows" sparse
    python tests/benchmarks/compare.py --growth
    python tests/benchmarks/compare.py --size 168 --json docs/benchmarks/0.1.0.json

Seconds are medians of repeats, warm, on two threads, layout copies included. Those who are timed on
a few tilts are scaled to all of them (marked ~); who takes over 5 s is timed once. Memory is the
peak over what the process had before it prepared, volume and images not counted, in a process of
its own (Linux).
"""

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import attrs
import numpy as np
from contestants import all_contestants
from jobs import PHANTOMS, Job

ONCE = 5.0
"""Seconds of a forward beyond which one round is all."""

PARTS = ("set-up", "forward", "adjoint")


def main():
    options = parse()
    job = Job(options.size, options.tilts, options.tilt_axis_angle, options.driven)
    if options.memory_of:
        print(*memory(all_contestants(job.threads)[options.memory_of], job))
        return
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}\n")
    if options.growth:
        growth(options)
        return
    contestants = chosen(options, job)
    times = run(contestants, job, options.repeats)
    sides = " x ".join(map(str, job.shape))
    print(f"{sides}, {job.count} tilts, tilt axis at {job.tilt_axis_angle:g} degrees, {job.driven}")
    print("\n| | set-up s | forward s | adjoint s | memory MB | error, smooth | fine |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    kept = {}
    for name, contestant in contestants.items():
        peaks = "" if options.no_memory else in_own_process(name, options)
        cells = [seconds(times[name].get(part), contestant, job) for part in PARTS]
        wrong = errors(contestant, job)
        print("|", " | ".join([name, *cells, peaks, *wrong]), "|", flush=True)
        kept[name] = {
            "seconds": {
                part: [float(f"{t:.4g}") for t in times[name][part]] for part in times[name]
            },
            "tilts": timed_tilts(contestant, job),
            "memory MB": peaks,
            "errors": dict(zip(PHANTOMS, wrong, strict=True)),
        }
    if options.json:
        record = about_this_run() | {"job": attrs.asdict(job), "contestants": kept}
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def about_this_run():
    """Return what a measurement hangs on besides its job."""
    packages = {}
    for name in ("libtilt", "numpy", "scipy", "numba", "finufft", "astra-toolbox"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "packages": packages,
    }


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=336)
    parser.add_argument("--tilts", type=int, default=41)
    parser.add_argument("--tilt-axis-angle", type=float, default=0.0)
    parser.add_argument("--driven", choices=("ray", "voxel"), default="ray")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", nargs="+", help="names in the table")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--json", type=Path, help="keep every time, in seconds, in this file")
    parser.add_argument("--growth", action="store_true", help="time by size and number of tilts")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(options, job):
    contestants = all_contestants(job.threads)
    unknown = set(options.only or ()) - set(contestants)
    if unknown:
        sys.exit(f"not known: {', '.join(unknown)}; choose from {', '.join(contestants)}")
    names = options.only or contestants
    return {name: contestants[name] for name in names if contestants[name].takes(job)}


def run(contestants, job, repeats):
    """Return seconds by name and part: the first round warms up and counts as set-up."""
    times = {name: {} for name in contestants}
    for turn in range(repeats + 1):
        for name, contestant in contestants.items():
            taken = times[name]
            if turn > 1 and statistics.median(taken["forward"]) > ONCE:
                continue
            if turn == 0:
                start = time.perf_counter()
                contestant.prepare(job)
                taken["set-up"] = [time.perf_counter() - start]
            for part, data in (("forward", job.volume), ("adjoint", job.images)):
                if not hasattr(contestant, part):
                    continue
                start = time.perf_counter()
                getattr(contestant, part)(data)
                spent = time.perf_counter() - start
                getattr(contestant, "rest", lambda: None)()
                if turn == 0:
                    taken["set-up"][0] += spent
                else:
                    taken.setdefault(part, []).append(spent)
    for taken in times.values():
        usual = sum(statistics.median(taken[part]) for part in PARTS[1:] if part in taken)
        taken["set-up"][0] = max(0.0, taken["set-up"][0] - usual)
    return times


def seconds(samples, contestant, job):
    """Return the median, scaled to all tilts where some were timed."""
    if samples is None:
        return ""
    timed = timed_tilts(contestant, job)
    mark = "" if timed == job.count else "~"
    return f"{mark}{statistics.median(samples) * job.count / timed:.3g}"


def timed_tilts(contestant, job):
    return len(job.geometry[getattr(contestant, "tilts", slice(None))])


def errors(contestant, job):
    """Return the relative L2 error against the closed form, for each phantom."""
    cells = []
    if not getattr(contestant, "projects", True):
        return [""] * len(PHANTOMS)  # It makes no projections.
    for name in PHANTOMS:
        truth = job.truth(name)[getattr(contestant, "tilts", slice(None))]
        images = contestant.forward(job.phantom_volume(name))
        cells.append(f"{np.linalg.norm(images - truth) / np.linalg.norm(truth):.1e}")
    return cells


def memory(contestant, job):
    """Return the peak of forward and of adjoint over the baseline, in MB."""
    peaks = []
    for part, data in (("forward", job.volume), ("adjoint", job.images)):
        if not hasattr(contestant, part):
            continue
        gc.collect()
        before = high_water(reset=True)
        contestant.prepare(job)
        getattr(contestant, part)(data)
        peaks.append(f"{(high_water() - before) / 1e6:.0f}")
        contestant.__dict__.pop("plan", None)
    return peaks


def high_water(reset=False):
    """Return the most memory that the process has held, or what it holds after a reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def in_own_process(name, options):
    if not Path("/proc/self/clear_refs").exists():
        return ""
    command = [sys.executable, __file__, "--memory-of", name, "--size", str(options.size)]
    command += ["--tilts", str(options.tilts), "--driven", options.driven]
    command += ["--tilt-axis-angle", str(options.tilt_axis_angle)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return " / ".join(result.stdout.split()) or "?"


def growth(options):
    print("| | size | tilts | forward s | adjoint s |\n| --- | ---: | ---: | ---: | ---: |")
    for size, tilts in ((168, 41), (336, 41), (504, 41), (336, 410)):
        job = Job(size, tilts, options.tilt_axis_angle, options.driven)
        contestants = chosen(options, job)
        times = run(contestants, job, 3)
        for name, contestant in contestants.items():
            cells = [seconds(times[name].get(part), contestant, job) for part in PARTS[1:]]
            print("|", " | ".join([name, str(size), str(tilts), *cells]), "|", flush=True)


def machine():
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else 'processor'} x {os.cpu_count()}"


if __name__ == "__main__":
    main()
