"""IMOD's command files: the options of one program in ``tilt.com`` or ``newst.com``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from libtilt.alignment.imod.options import Option, Program, parse_length, parse_list, split_values
from libtilt.alignment.imod.runs import Run, find_runs
from libtilt.alignment.text import parse_integer, parse_number


@attrs.frozen
class Entry:
    """One option: long name, value, line, and the name as written."""

    keyword: str
    value: str
    line: int
    written: str = ""


@attrs.frozen
class CommandFile:
    """The options of one program in a command file, in order, with their long names."""

    path: str
    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, path: str | Path, program: Program) -> CommandFile:
        """Read the options of a program from its command line and its standard input.

        Several runs of the program must agree in all options that affect the geometry. Raises a
        ValueError if the file does not run the program, or has unsupported options.
        """
        runs = find_runs(path, program)
        files = [cls(str(path), tuple(_entries(run, program, path))) for run in runs]
        places = [file._geometry_entries(program) for file in files]
        for run, other in zip(runs[1:], places[1:], strict=True):
            if other != places[0]:
                names = sorted({keyword for keyword, _ in other ^ places[0]})
                raise ValueError(
                    f"{path} runs {program.name} on line {runs[0].line} and on line {run.line} "
                    f"with different values of {', '.join(names)}; pass a file with only one of "
                    "these runs"
                )
        return files[-1]

    def _geometry_entries(self, program: Program) -> frozenset[tuple[str, str]]:
        """Return the entries that affect the geometry."""
        read = {option.name for option in program.read} - {"OutputFile"}
        last = {entry.keyword: entry for entry in self.entries if entry.keyword in read}
        lists = [e for e in self.entries if e.keyword in ("EXCLUDELIST2", "INCLUDE", "ANGLES")]
        return frozenset((entry.keyword, entry.value) for entry in (*last.values(), *lists))

    def find(self, keyword: str) -> Entry | None:
        """Return the last entry of a keyword, which overrides earlier ones, or None."""
        found = self.all(keyword)
        return found[-1] if found else None

    def all(self, keyword: str) -> list[Entry]:
        """Return all entries of a keyword."""
        return [entry for entry in self.entries if entry.keyword == keyword]

    def others(self, program: Program) -> tuple[str, ...]:
        """Return the options that do not affect the geometry, verbatim."""
        kept = {option.name for option in program.ignored} - {"DONE"}
        rest = (entry for entry in self.entries if entry.keyword in kept)
        return tuple(f"{entry.keyword} {entry.value}".rstrip() for entry in rest)

    def where(self, entry: Entry) -> str:
        """Return the file and line of an entry, for messages."""
        return f"{self.path}, line {entry.line}, {(entry.written or entry.keyword).upper()}"

    def text(self, keyword: str) -> str | None:
        """Return the value of a keyword, or None."""
        entry = self.find(keyword)
        return entry.value if entry is not None and entry.value else None

    def is_on(self, keyword: str) -> bool:
        """Whether a switch is on."""
        entry = self.find(keyword)
        return entry is not None and _is_on(entry, self.where(entry))

    def numbers(self, keyword: str, count: int, default: float = 0.0) -> list[float]:
        """Return up to `count` numbers of a keyword, padded with the default."""
        entry = self.find(keyword)
        if entry is None:
            return [default] * count
        values = self.all_numbers(entry)
        if not 1 <= len(values) <= count:
            raise ValueError(
                f"{self.where(entry)}: expected 1 to {count} numbers, got {entry.value!r}"
            )
        return values + [default] * (count - len(values))

    def all_numbers(self, entry: Entry) -> list[float]:
        """Return all numbers of an entry that has no defaults."""
        where = self.where(entry)
        values = split_values(entry.value, where)
        if None in values:
            raise ValueError(
                f"{where}: expected all values, since they have no defaults, got {entry.value!r}"
            )
        return [parse_length(value, where) for value in values if value is not None]

    def integers(self, keyword: str, count: int) -> tuple[int | None, ...] | None:
        """Return `count` integers of a keyword, or None if it is missing.

        Values left to the program, by a comma alone or a slash, are None.
        """
        entry = self.find(keyword)
        if entry is None:
            return None
        where = self.where(entry)
        values = split_values(entry.value, where, count)
        if len(values) != count:
            raise ValueError(f"{where}: expected {count} integers, got {entry.value!r}")
        return tuple(None if value is None else parse_integer(value, where) for value in values)

    def positive_integers(self, keyword: str, count: int) -> tuple[int, ...] | None:
        """Return exactly `count` integers of at least 1, or None if the keyword is missing."""
        values, entry = self.integers(keyword, count), self.find(keyword)
        if values is None or entry is None:
            return None
        given = tuple(value for value in values if value is not None and value > 0)
        if len(given) < count:
            raise ValueError(
                f"{self.where(entry)}: expected {count} positive integers, got {entry.value!r}"
            )
        return given

    def view_list(self, keyword: str) -> frozenset[int]:
        """Return the views in lists like ``1,3-5``, from 1, of all entries."""
        views: set[int] = set()
        for entry in self.all(keyword):
            where = self.where(entry)
            listed = parse_list(entry.value, where)
            if listed is None or 0 in listed:
                raise ValueError(f"{where}: expected views like 1,3-5, from 1, got {entry.value!r}")
            views.update(listed)
        return frozenset(views)


def _entries(run: Run, program: Program, path: str | Path) -> Iterator[Entry]:
    """Yield the options of one run, with long names."""
    input_option, output_option = program.read[:2]
    has_input = False
    for word in run.words:
        where = f"{path}, line {word.line}, {word.name.upper()}"
        option = _option(word.name, program, where)
        entry = Entry(option.name, word.value or "", word.line, word.name)
        if option.switch:
            _is_on(entry, where)
        elif not entry.value:
            raise ValueError(f"{where}: expected a value, got none")
        if option in program.refused and not _is_neutral(entry, option, program, where):
            advice = program.advice.get(option.name, program.advice[""])
            raise ValueError(f"{where}: not supported; {advice}")
        has_input = has_input or option is input_option
        yield entry
    inputs, outputs = run.files(program, has_input=has_input)
    yield from (Entry(input_option.name, name, run.line) for name in inputs)
    yield from (Entry(output_option.name, name, run.line) for name in outputs)


def _option(word: str, program: Program, where: str) -> Option:
    found = program.find(word) if word else []
    if not found:
        raise ValueError(f"{where}: {program.name} has no such option")
    if len(found) > 1:
        names = ", ".join(option.name for option in found)
        raise ValueError(f"{where}: the option is ambiguous, it may be {names}; write it in full")
    return found[0]


def _is_on(entry: Entry, where: str) -> bool:
    value = entry.value.lower()
    if value not in ("", "1", "t", "true", "on", "0", "f", "false", "off"):
        raise ValueError(f"{where}: expected 1 or 0 for a switch, got {entry.value!r}")
    return value in ("", "1", "t", "true", "on")


def _is_neutral(entry: Entry, option: Option, program: Program, where: str) -> bool:
    """Whether an unsupported option has a value without effect."""
    if option.switch:
        return not _is_on(entry, where)
    neutral = program.neutral.get(option.name, ())
    values = split_values(entry.value, where) if neutral else [None]
    return all(value is not None and parse_number(value, where) in neutral for value in values)
