"""Runs of one program in a command file: its command line and standard input."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from libtilt.alignment.imod.options import Program
from libtilt.alignment.text import read_numbered_lines


@attrs.frozen
class Word:
    """An option as written, with its value, None for a switch."""

    name: str
    value: str | None
    line: int


class Run:
    """One run of a program: parses its words, and the lines that follow."""

    def __init__(self, program: Program, path: str, line: int) -> None:
        self.program = program
        self.path = path
        self.line = line
        self.words: list[Word] = []
        self.loose: list[str] = []
        self.takes_lines = program.any_case

    def parse_words(self, words: list[str]) -> None:
        """Parse the words after the program's name on its line."""
        rest = iter(words)
        where = f"{self.path}, line {self.line}"
        if words:
            self.takes_lines = False
        for word in rest:
            name = re.sub("^--?", "", word)
            if name == word:
                self.loose.append(word)
            elif not name:
                raise ValueError(f"{where}: expected an option, got {word!r}")
            elif self._is_standard_input(name):
                self.takes_lines = True
            elif all(option.switch for option in self.program.find(name)):
                self.words.append(Word(name, None, self.line))
            else:
                value = next(rest, None)
                if value is None:
                    raise ValueError(f"{where}, {name.upper()}: expected a value, got none")
                self.words.append(Word(name, value, self.line))

    def _is_standard_input(self, name: str) -> bool:
        whole = "StandardInput"
        if self.program.any_case:
            return whole.lower().startswith(name.lower())
        return whole.startswith(name)

    def parse_line(self, line: int, text: str) -> bool:
        """Parse a line of the standard input; return whether more may follow."""
        plain = text.split("#")[0].strip()
        if not plain:
            return True
        if plain.split()[0] == "EndInput" or (self.program.any_case and plain.upper() == "DONE"):
            return False
        if not self.takes_lines:
            raise ValueError(
                f"{self.path}, line {line}: {self.program.name} reads no options from the "
                f"following lines; write ${self.program.name} -StandardInput on line {self.line}"
            )
        name, *rest = re.split(r"[\s=]+", plain, maxsplit=1)
        first = not self.words and len(self.loose) < self.program.leading_files
        if first and name and not self.program.find(name):
            self.loose.append(plain)
        else:
            self.words.append(Word(name, rest[0].strip() if rest else None, line))
        return True

    def files(self, program: Program, *, has_input: bool) -> tuple[list[str], list[str]]:
        """Return the input files and the output files that are named without an option.

        For ``newstack`` the last one is the output; ``tilt`` takes an input, then an output.
        """
        if not program.leading_files:
            return self.loose[:-1], self.loose[-1:]
        if len(self.loose) > program.leading_files:
            raise ValueError(
                f"{self.path}, line {self.line}: expected at most one input and one output file "
                f"without an option, got {' '.join(self.loose)[:80]!r}"
            )
        return [] if has_input else self.loose[:1], self.loose[1:]


def find_runs(path: str | Path, program: Program) -> list[Run]:
    """Return the runs of a program in a command file; raise a ValueError if there are none."""
    runs: list[Run] = []
    current: Run | None = None
    for line, text in read_numbered_lines(path):
        if text.startswith("$"):
            name, *words = _words(text[1:]) or [""]
            current = None
            if program_name(name) in program.aliases:
                current = Run(program, str(path), line)
                current.parse_words(words)
                runs.append(current)
        elif (
            current is not None and not text.startswith("#") and not current.parse_line(line, text)
        ):
            current = None
    if not runs:
        raise ValueError(
            f"{path} does not run {program.name}: no line starts with ${program.name}"
            + _other_program_hint(path)
        )
    return runs


def _words(text: str) -> list[str]:
    """Return the words of a command line, respecting quotes."""
    plain = re.sub(r"(^|\s)#.*", "", text)
    return [word.strip("\"'") for word in re.findall(r"\"[^\"]*\"|'[^']*'|\S+", plain)]


def program_name(text: str) -> str:
    """Return a program's name in lowercase, without its folder."""
    return re.split(r"[/\\]", text)[-1].lower().removesuffix(".exe")


def _other_program_hint(path: str | Path) -> str:
    """Return a hint on the other program of an alignment that a file runs."""
    names = {"newstack": "newst.com", "newst": "newst.com", "blendmont": "blend.com"}
    for _, text in read_numbered_lines(path):
        name = program_name((_words(text[1:]) or [""])[0]) if text.startswith("$") else ""
        if name in names or name == "tilt":
            kind = names.get(name, "tilt.com")
            hint = "" if kind == "tilt.com" else "; pass the tilt.com beside it"
            return f", but the file runs {name}, as {kind} does{hint}"
    return ""
