"""Change the package in small ways, one at a time, and see whether the tests notice.

Run by hand, in the root of the repository, with the extra ``mutation``; not part of CI::

    python -m pip install -e '.[dev,mutation]'
    python tests/mutation/run.py --mutants 310 --seed 1 --save mutants.json
    python tests/mutation/run.py --again mutants.json      # only what survived, after new tests

The changes are those of Cosmic Ray: another operator or comparison, a number one up or down,
``not`` before a condition, True for False, a loop that never runs, an exception that is not caught,
a decorator that is gone. Each room gets mutants in proportion to its lines of code. A place is
drawn first and one of its mutants second, so that a sum, which has many, counts once. Left out:

- type hints, ``raise`` statements (messages), ``__repr__``, and what does not compile;
- a bit operator for an arithmetic one and the other way, which is a TypeError wherever it runs;
- ``is`` for ``==``, whose answer depends on which numbers the interpreter shares.

A mutant meets the tests of its own room that run its lines, the fastest first, in a copy of the
tree; the working tree is never touched, and may not change meanwhile. Lines that run on import meet
all tests of the room, and a signature those that run its function. A mutant is killed when a test
fails or the tests take several times as long as they should. Uses ``fork``: Linux and macOS only.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]

# The modules of a room, in the package, and its tests.
ROOMS = {
    "geometry": (
        ("geometry/*.py",),
        (
            "geometry/test_*.py",
            "test_places.py",
        ),
    ),
    "mrc": (("io/mrc*.py",), ("io/test_mrc*.py",)),
    "resampling": (
        ("resampling/*.py", "tilt_series.py", "volume.py"),
        ("resampling/test_*.py", "test_tilt_series*.py", "test_volume*.py"),
    ),
    "reconstruction": (
        ("reconstruction/*.py",),
        ("reconstruction/test_*.py",),
    ),
    "quality": (("quality/*.py",), ("quality/test_*.py",)),
    "alignment": (("alignment/**/*.py",), ("alignment/**/test_*.py",)),
}
LIVING = ("survived", "not run")
ARITHMETIC = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}
# Imported before the fork, because each mutant would pay for them.
HEAVY = ("numpy.testing", "scipy.ndimage", "scipy.optimize", "scipy.spatial.transform", "h5py")
HEAVY += ("imageio", "mrcfile", "numba", "pytest", "scipy.sparse.linalg", "tifffile")


def files(room, folder, which):
    patterns = ROOMS[room][which]
    found = sorted(path for pattern in patterns for path in folder.glob(pattern))
    if not all(any(folder.glob(pattern)) for pattern in patterns):
        raise ValueError(f"a pattern of {patterns} matches no file in {folder}")
    return found


# Mutants ---------------------------------------------------------------------------------------


def wanted(operator):
    """Whether an operator of Cosmic Ray is among those that are used."""
    kind, *names = operator.removeprefix("core/").split("_")
    if kind in ("VariableReplacer", "VariableInserter"):
        return False
    if kind == "ReplaceBinaryOperator":
        return len(ARITHMETIC & set(names)) != 1
    if kind == "ReplaceComparisonOperator":
        return len({"Is", "IsNot"} & set(names)) != 1
    return True


def span(node):
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def left_out(tree):
    """Spans of the source that are not changed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) or getattr(node, "name", None) == "__repr__":
            yield span(node)
        for name in ("annotation", "returns"):
            if getattr(node, name, None) is not None:
                yield span(getattr(node, name))


def places(path):
    """Each place of a module that can be changed, with its mutants: operator and occurrence."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    source = path.read_text()
    kept_out = list(left_out(ast.parse(source)))
    nodes = list(ast_nodes(get_ast(source)))
    found = defaultdict(list)
    for name in filter(wanted, operator_names()):
        operator = get_operator(name)()
        spans = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (start, stop) in enumerate(spans):
            if not any(first <= start and stop <= last for first, last in kept_out):
                found[start].append((name, occurrence))
    return dict(sorted(found.items()))


def shares(lines, number):
    """A number split in proportion to lines of code."""
    total = sum(lines.values())
    return {room: max(1, round(number * count / total)) for room, count in lines.items()}


def code_lines(path):
    """How many lines statements start on, docstrings aside."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return len(
        {
            node.lineno
            for node in nodes
            if isinstance(node, ast.stmt)
            and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        }
    )


def draw(rooms, number, seed):
    """Mutants, as dicts that JSON holds."""
    package = ROOT / "libtilt"
    lines = {room: sum(map(code_lines, files(room, package, 0))) for room in rooms}
    mutants = []
    for room, share in shares(lines, number).items():
        random_ = random.Random(f"{seed} {room}")
        sites = [
            (path, place, choices)
            for path in files(room, package, 0)
            for place, choices in places(path).items()
        ]
        random_.shuffle(sites)
        drawn = (mutant_of(room, path, place[0], *random_.choice(c)) for path, place, c in sites)
        mutants += itertools.islice(filter(compiles, drawn), share)
    return mutants


def mutant_of(room, path, line, operator, occurrence):
    return {
        "room": room,
        "module": str(path.relative_to(ROOT)),
        "line": line,
        "operator": operator,
        "occurrence": occurrence,
    }


def compiles(mutant):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(mutated((ROOT / mutant["module"]).read_text(), mutant), "mutant", "exec")
    except SyntaxError:
        return False
    return True


def mutated(source, mutant):
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    return mutate_code(source, get_operator(mutant["operator"])(), mutant["occurrence"])


def change(source, changed):
    """The first line that differs, before and after."""
    before, after = source.splitlines(), changed.splitlines()
    for old, new in zip(before, after, strict=False):
        if old != new:
            return f"{old.strip()}  ->  {new.strip()}"
    return "a line is gone"


# Tests -----------------------------------------------------------------------------------------


class Chosen:
    """A plugin of pytest: runs the tests that are named, the fastest first, and notes times."""

    def __init__(self, seconds=None):
        self.seconds = seconds
        self.measured = defaultdict(float)

    def pytest_collection_modifyitems(self, items):
        if self.seconds is not None:
            items[:] = sorted(
                (item for item in items if item.nodeid in self.seconds),
                key=lambda item: self.seconds[item.nodeid],
            )

    def pytest_runtest_logreport(self, report):
        self.measured[report.nodeid] += report.duration


def in_a_child(work, limit, log=os.devnull):
    """The exit status of work() in a process of its own; None when it took too long."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            os.setsid()
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(output, stream)
            status = int(work())
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def run_tests(tree, paths, plugin, *options):
    import pytest

    os.chdir(tree)
    sys.path.insert(0, str(tree))
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", *options, *paths], plugins=[plugin])


class Room:
    """The tests of a room in a copy of the tree: how long each takes, and which lines it runs."""

    def __init__(self, name, tree):
        from coverage import CoverageData

        self.tree = tree
        self.tests = [str(path.relative_to(tree)) for path in files(name, tree / "tests", 1)]
        times, settings = tree / "times.json", tree / "coverage.ini"
        settings.write_text("[run]\nsource = libtilt\n")

        def work():
            plugin = Chosen()
            options = ["--cov=libtilt", f"--cov-config={settings}", "--cov-context=test"]
            status = run_tests(tree, self.tests, plugin, *options, "--cov-report=")
            times.write_text(json.dumps(plugin.measured))
            return status

        log = tree / "tests.log"
        if in_a_child(work, 1800, log) != 0:
            raise SystemExit(f"{log.read_text()}\n{name}: tests fail before anything is changed")
        self.seconds = json.loads(times.read_text())
        self.covered = CoverageData(str(tree / ".coverage"))
        self.covered.read()

    def tests_of(self, module, line):
        """The tests that run the statement of a line, with the seconds that each took."""
        by_line = self.covered.contexts_by_lineno(str((self.tree / module).resolve()))
        lines = lines_run(ast.parse((ROOT / module).read_text()), line)
        contexts = {context for number in lines for context in by_line.get(number, ())}
        if "" in contexts:
            return self.seconds
        names = {context.rpartition("|")[0] for context in contexts}
        return {name: time_ for name, time_ in self.seconds.items() if name in names}

    def status(self, mutant):
        """How it went: killed, slow (killed by the clock), survived, or not run by any test."""
        chosen = self.tests_of(mutant["module"], mutant["line"])
        if not chosen:
            return "not run"
        paths = sorted({name.partition("::")[0] for name in chosen})
        limit = 20 + 4 * sum(chosen.values())
        code = in_a_child(lambda: run_tests(self.tree, paths, Chosen(chosen)), limit)
        return {None: "slow", 0: "survived"}.get(code, "killed")


def lines_run(tree, line):
    """The lines of the innermost statement about a line; a function's body for its signature."""
    lines = range(line, line + 1)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and first_line(node) <= line <= node.end_lineno:
            body = getattr(node, "body", None)
            last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
            if line <= last:
                lines = range(first_line(node), last + 1)
                if isinstance(node, ast.FunctionDef):
                    lines = range(body[0].lineno, node.end_lineno + 1)
    return lines


def first_line(node):
    return min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", ()))])


def judge(mutants, report):
    """Set the status of each mutant."""
    for name in HEAVY:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder).resolve() / "tree"
        leave = shutil.ignore_patterns(".*", "__pycache__", "docs", "build")
        shutil.copytree(ROOT, tree, ignore=leave)
        rooms, touched = {}, time.time()
        for mutant in mutants:
            room = mutant["room"]
            rooms.setdefault(room, None)
            if rooms[room] is None:
                rooms[room] = Room(room, tree)
            path = tree / mutant["module"]
            source = path.read_text()
            changed = mutated(source, mutant)
            mutant["change"] = change(source, changed)
            try:
                for text in (changed, source):
                    path.write_text(text)
                    # Compiled files know a source by its size and the second it was written.
                    touched += 2
                    os.utime(path, (touched, touched))
                    if text is changed:
                        mutant["status"] = rooms[room].status(mutant)
            finally:
                path.write_text(source)
                os.utime(path, (touched + 1, touched + 1))
            report(mutant)


# Reports ---------------------------------------------------------------------------------------


def line_of(mutant):
    return f"{mutant['module']}:{mutant['line']}: {mutant['change']}"


def table(mutants):
    """Killed and survived, by room."""
    mutants = [mutant for mutant in mutants if "status" in mutant]
    count = Counter((mutant["room"], mutant["status"] in ("killed", "slow")) for mutant in mutants)
    yield "| room | mutants | killed | survived | killed, % |"
    yield "| --- | --- | --- | --- | --- |"
    for room in [*ROOMS, "all"]:
        killed, lived = (
            sum(
                number
                for (name, is_), number in count.items()
                if room in (name, "all") and is_ is k
            )
            for k in (True, False)
        )
        if killed + lived:
            share = 100 * killed / (killed + lived)
            yield f"| {room} | {killed + lived} | {killed} | {lived} | {share:.1f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=310, help="how many, over all rooms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--room", choices=ROOMS, action="append", help="only this one; repeatable")
    parser.add_argument("--save", type=Path, help="write the mutants and how they fared, as JSON")
    parser.add_argument("--again", type=Path, metavar="SAVED", help="judge the survivors of SAVED")
    chosen = parser.parse_args()

    rooms = chosen.room or list(ROOMS)
    if chosen.again:
        mutants = json.loads(chosen.again.read_text())
        to_judge = [
            mutant
            for mutant in mutants
            if mutant.get("status") in LIVING and mutant["room"] in rooms
        ]
    else:
        to_judge = mutants = draw(rooms, chosen.mutants, chosen.seed)
    judged = []

    def report(mutant):
        judged.append(mutant)
        print(f"{len(judged)}/{len(to_judge)} {mutant['status']}: {line_of(mutant)}", flush=True)
        if chosen.save:
            chosen.save.write_text(json.dumps(mutants, indent=1))

    judge(to_judge, report)
    print("", *table(mutants), "", "Survivors:", sep="\n")
    for mutant in mutants:
        if mutant.get("status") in LIVING:
            print(f"- {line_of(mutant)} ({mutant['status']})")


if __name__ == "__main__":
    main()
