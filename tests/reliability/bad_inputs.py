"""Bad inputs through the command line: each one refused in one line that names it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bad_files
import bad_values
import known
from isolated import CommandLine, Result, environment
from tally import Tally

SHOULD = (
    "code 1 or 2, one line on stderr (or click's usage) that names the argument or the file, "
    "nothing new on the disk, less than 200 MB or twice the file, within 10 s"
)
MOST_MEMORY, MOST_SECONDS = 200 * 10**6, 10
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]|\udcff")
_BESIDE = ("warning: ", "note: ")
_BARS = ("projecting", "backprojecting", "sirt", "cgls", "tv", "frames", "compiling kernels")


@dataclasses.dataclass(frozen=True)
class Case:
    """Arguments, what the error must name, one of several by |, and a file to make first."""

    arguments: tuple[object, ...]
    names: str
    file: str = ""
    make: object = None
    what: str = ""
    may_pass: bool = False

    def __str__(self) -> str:
        words = " ".join(ascii(str(word))[1:-1] or "''" for word in self.arguments)
        words = words if len(words) < 300 else words[:300] + "..."
        return f"libtilt {words}" + (f"  [{self.file!r} is: {self.what}]" if self.what else "")


def cases() -> Iterator[Case]:
    """Give every case."""
    for arguments, names in (*bad_values.values(), *bad_values.outputs()):
        yield Case(arguments, names)
    yield from _images()
    yield from _angles()
    yield from _alignments()
    for what, name in bad_files.ODD_NAMES.items():
        for make, kind in ((bad_files.FOREIGN["a line of text"], "text"), (None, "absent")):
            for arguments in _of_images(name):
                yield Case(arguments, "odd", name if make else "", make, f"{what}, {kind}")


def _images() -> Iterator[Case]:
    for what, (suffix, make) in bad_files.IMAGES.items():
        for arguments in _of_images(f"bad{suffix}"):
            yield Case(arguments, _named(arguments), f"bad{suffix}", make, what)
    for what, (suffix, make) in bad_files.BOMBS.items():
        for arguments in _of_images(f"bad{suffix}"):
            yield Case(arguments, _named(arguments), f"bad{suffix}", make, what, may_pass=True)
    for what, make in bad_files.BAD_VALUES.items():
        for arguments in (
            (*bad_values.DEMO, "--map", "bad.mrc"),
            ("project", "bad.mrc", *bad_values.PROJECT[2:]),
            ("reconstruct", "bad.mrc", *bad_values.RECONSTRUCT[2:], "--tlt", "good.tlt"),
        ):
            yield Case(arguments, "", "bad.mrc", make, what)


def _named(arguments: tuple[object, ...]) -> str:
    # Where the header of a stack is all that is read, it is sound and has another count of images.
    return "bad|good.aln is for a stack" if arguments[0] == "convert" else "bad"


def _angles() -> Iterator[Case]:
    for what, make in (bad_files.NO_FILES | bad_files.SIDECARS).items():
        for command in (bad_values.PROJECT, bad_values.BACKPROJECT, bad_values.RECONSTRUCT):
            if what in ("too few", "too many") and command[0] == "project":
                continue  # As many images as there are angles.
            yield Case((*command, "--tlt", "bad.tlt"), "bad.tlt", "bad.tlt", make, what)
    for what, make in bad_files.SIDECARS.items():
        for suffix in (".json", ".rawtlt"):
            # Beside the stack: the sidecars of the other kind are not there.
            file = f"beside{suffix}"
            yield Case(("reconstruct", "beside.mrc", "-o", "out/a.mrc"), "beside", file, make, what)


def _alignments() -> Iterator[Case]:
    for what, (suffix, make) in bad_files.ALIGNMENTS.items():
        file = f"bad{suffix}"
        convert = ("convert", file, "out/a.aln", "--stack", "tilts.mrc")
        yield Case(convert, "bad", file, make, what)
        if "noise" in what or " as " not in what:
            yield Case((*bad_values.RECONSTRUCT, "--alignment", file), "bad", file, make, what)
            if suffix in (".xml", ".star"):
                like = ("convert", "good.aln", f"out/a{suffix}", "--stack", "tilts.mrc", "--like")
                yield Case((*like, file), "bad", file, make, what)


def _of_images(file: str) -> Iterator[tuple[object, ...]]:
    for command in bad_values.COMMANDS:
        if command[0] == "convert":
            yield (*command[:-1], file)
        elif command[0] == "demo":
            yield (*command, "--map", file)
        else:
            yield (command[0], file, *command[2:])


@contextlib.contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """Fill a folder with what the cases need, and be in it meanwhile."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        bad_files.good_files(folder)
        (folder / "out").mkdir()
        shutil.copy("tilts.mrc", "beside.mrc")
        # A stack that belongs to no saved series: its label is blank.
        content = bytearray(Path("beside.mrc").read_bytes())
        content[224:304] = bytes(80)
        Path("beside.mrc").write_bytes(content)
        for suffix in (".mrc", ".gif", ".png", ".star"):
            (folder / f"taken{suffix}").write_text("here first")
            bad_files.pipe(folder / f"pipe{suffix}")
            bad_files.bound_socket(folder / f"socket{suffix}")
            (folder / f"link{suffix}").symlink_to(f"pipe{suffix}")
            (folder / f"dangling{suffix}").symlink_to(f"nowhere/a{suffix}")
        yield folder
    finally:
        os.chdir(before)


def faults(case: Case, result: Result, size: int) -> list[str]:
    """Return what is wrong with how a call ended."""
    if result.hung:
        return ["hangs"]
    if result.code < 0:
        return [f"killed by signal {-result.code}"]
    found = _measured(case, result, size)
    err, last = result.err, " / ".join(result.err.strip().splitlines()[-2:])[-300:]
    if _CONTROL.search(err + result.out):
        found.append(f"raw control characters: {last!r}")
    if result.code == 0 and case.may_pass:
        return found
    if result.code not in (1, 2):
        return [*found, f"code {result.code}, taken: {(result.out.strip() or last)[:120]!r}"]
    if "Traceback" in err or "LIBTILT_DEBUG=1" in err:
        found.append(f"unexpected: {last!r}")
    if (lines := _told(err)) != 1:
        found.append(f"{lines} lines of errors: {err[-400:]!r}")
    if not any(_plain(name) in _plain(err) for name in case.names.split("|")):
        found.append(f"does not name {case.names!r}: {last!r}")
    return found


def _measured(case: Case, result: Result, size: int) -> list[str]:
    """Return what is too much; calls that compute may take what they need."""
    found = []
    if (result.code or case.may_pass) and result.memory > max(MOST_MEMORY, 2 * size):
        found.append(f"{result.memory / 1e6:.0f} MB for a file of {size / 1e6:.2f} MB")
    if result.seconds > MOST_SECONDS:
        found.append(f"{result.seconds:.0f} s")
    return found


def _told(err: str) -> int:
    """Return how many lines say an error; at least two if others stand beside them."""
    lines = err.splitlines()
    lines = [line for line in lines if line.strip() and not line.startswith((*_BESIDE, *_BARS))]
    return len(lines) if all(line.startswith("error: ") for line in lines) else max(len(lines), 2)


def _plain(text: str) -> str:
    text = re.sub(r"[-_ ]+", " ", re.sub(r"^-+", "", text.lower())).strip()
    return text.replace("pixel size", "voxel size")


def _listing(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            state = path.lstat()
            # Folders change their times where something was made and removed.
            found[str(path)] = (0, 0) if path.is_dir() else (state.st_size, state.st_mtime_ns)
    return found


def as_process(folder: Path, chosen: slice) -> Tally:
    """Compare cases in processes of their own with the same ones in forked children."""
    tally = Tally("bad inputs as processes")
    command = [sys.executable, "-m", "libtilt"]
    with workshop(folder), CommandLine() as line:
        for case in list(cases())[chosen]:
            if str(case) in known.BAD_INPUTS:
                continue  # Without the limits of the other, some take all memory.
            before = _listing(folder)
            if case.make is not None:
                case.make(folder / case.file)
            forked = line.call(folder, *case.arguments)
            ended = subprocess.run(
                [*command, *map(str, case.arguments)],
                cwd=folder,
                env=environment(),
                capture_output=True,
                timeout=60,
            )
            err = ended.stderr.decode(errors="backslashreplace").replace("python -m ", "")
            same = (forked.code, forked.err) == (ended.returncode, err)
            found = (
                []
                if same
                else [f"{ended.returncode} {err[-300:]!r}, {forked.code} {forked.err[-300:]!r}"]
            )
            tally.add(str(case), found, "the same code and words in both")
            _restore(folder, before, case)
    return tally


def run(folder: Path, chosen: slice = slice(None)) -> Tally:
    """Try the cases that are chosen."""
    tally, slowest, largest = Tally("bad inputs"), (0.0, ""), (0, "")
    with workshop(folder), CommandLine() as line:
        for case in list(cases())[chosen]:
            path = folder / case.file
            if case.make is not None:
                case.make(path)
            size = path.stat().st_size if case.file and path.is_file() else 0
            before = _listing(folder)
            result = line.call(folder, *case.arguments)
            found = faults(case, result, size)
            after = _listing(folder)
            if result.code and after != before:
                changed = sorted(after.items() ^ before.items())
                found.append(f"left on the disk: {[name for name, _ in changed][:4]}")
            tally.add(str(case), found, SHOULD)
            slowest = max(slowest, (result.seconds, str(case)))
            if result.code:
                largest = max(largest, (result.memory, str(case)))
            _restore(folder, before, case)
    tally.notes.append(f"slowest {slowest[0]:.1f} s: {slowest[1][:120]}")
    tally.notes.append(f"largest {largest[0] / 1e6:.0f} MB: {largest[1][:120]}")
    return tally


def _restore(folder: Path, before: dict[str, tuple[int, int]], case: Case) -> None:
    for name in set(_listing(folder)) - set(before):
        path = Path(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if case.file:
        for path in (folder / case.file, *folder.glob("pipe-of-*")):
            if os.path.lexists(path):  # Also where its name is too long for one with more.
                (path.rmdir if path.is_dir() and not path.is_symlink() else path.unlink)()
