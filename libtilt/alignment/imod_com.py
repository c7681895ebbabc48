"""IMOD's command files: the keywords of one program in ``tilt.com`` or ``newst.com``."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from libtilt.alignment.text import integer, number, numbered_lines


@attrs.frozen
class Entry:
    """One keyword of a command file with its value and the line that it stands on.

    IMOD does not tell small letters of keywords from capitals.
    """

    keyword: str
    value: str
    line: int

    def has(self, *keywords: str) -> bool:
        """Whether the keyword is one of some."""
        return self.keyword.lower() in {keyword.lower() for keyword in keywords}


@attrs.frozen
class CommandFile:
    """What a command file tells one program.

    Parameters
    ----------
    path : str
        For messages.
    entries : tuple of Entry
        In their order.

    Examples
    --------
    >>> from libtilt.alignment.imod_com import CommandFile, Entry
    >>> command = CommandFile("tilt.com", (Entry("shift", "3.5, -2", 4),))
    >>> command.numbers("SHIFT", 2)
    [3.5, -2.0]
    """

    path: str
    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, path: str | Path, program: str) -> CommandFile:
        """Read what a command file gives to a program on its standard input.

        Parameters
        ----------
        path : path
            The command file.
        program : str
            ``tilt`` or ``newstack``.

        Returns
        -------
        CommandFile

        Raises
        ------
        ValueError
            If the file does not run the program.
        """
        entries, inside, found = [], False, False
        for line, text in numbered_lines(path):
            if text.startswith("$"):
                words = text[1:].split()
                inside = bool(words) and Path(words[0]).name.lower() == program
                found = found or inside
            elif inside and not text.startswith("#"):
                if text.upper() == "DONE":
                    inside = False
                    continue
                # A blank or = ends the keyword, and a # behind a blank begins a comment.
                keyword, *rest = re.split(r"[\s=]+", re.sub(r"\s#.*", "", text), maxsplit=1)
                entries.append(Entry(keyword, rest[0].strip() if rest else "", line))
        if not found:
            raise ValueError(f"{path} does not run {program}: no line begins with ${program}")
        return cls(str(path), tuple(entries))

    def find(self, keyword: str) -> Entry | None:
        """Return the last entry of a keyword, which is the one that counts, or None."""
        found = [entry for entry in self.entries if entry.has(keyword)]
        return found[-1] if found else None

    def require_whole(self, *keywords: str) -> None:
        """Raise a ValueError where one of some keywords is abbreviated, as IMOD allows it."""
        for entry in self.entries:
            for keyword in keywords:
                if not entry.has(*keywords) and keyword.lower().startswith(entry.keyword.lower()):
                    raise ValueError(
                        f"{self.where(entry)}: may mean {keyword}, write the keyword in full"
                    )

    def others(self, *keywords: str) -> tuple[str, ...]:
        """Return the lines of all other keywords, as they stand."""
        rest = (entry for entry in self.entries if not entry.has(*keywords))
        return tuple(f"{entry.keyword} {entry.value}".rstrip() for entry in rest)

    def where(self, entry: Entry) -> str:
        """Return the file and line of an entry, for messages."""
        return f"{self.path}, line {entry.line}, {entry.keyword.upper()}"

    def text(self, keyword: str) -> str | None:
        """Return the value of a keyword as it stands, or None."""
        entry = self.find(keyword)
        return entry.value if entry is not None and entry.value else None

    def numbers(self, keyword: str, count: int, default: float = 0.0) -> list[float]:
        """Return up to `count` numbers of a keyword, filled up with the default."""
        entry = self.find(keyword)
        if entry is None:
            return [default] * count
        words = split_values(entry.value)
        if not 1 <= len(words) <= count:
            raise ValueError(
                f"{self.where(entry)}: expected 1 to {count} numbers, got {entry.value!r}"
            )
        values = [number(word, self.where(entry)) for word in words]
        return values + [default] * (count - len(values))

    def integers(self, keyword: str, count: int) -> tuple[int, ...] | None:
        """Return exactly `count` integers of a keyword, or None where it is missing."""
        entry = self.find(keyword)
        if entry is None:
            return None
        words = split_values(entry.value)
        if len(words) != count:
            raise ValueError(f"{self.where(entry)}: expected {count} integers, got {entry.value!r}")
        return tuple(integer(word, self.where(entry)) for word in words)

    def positive(self, keyword: str, count: int) -> tuple[int, ...] | None:
        """Return exactly `count` integers of at least 1, or None where the keyword is missing."""
        values = self.integers(keyword, count)
        entry = self.find(keyword)
        if values is not None and entry is not None and min(values) < 1:
            raise ValueError(
                f"{self.where(entry)}: expected {count} positive integers, got {entry.value!r}"
            )
        return values

    def view_list(self, *keywords: str) -> frozenset[int]:
        """Return the views that lists like ``1,3-5`` name, from 1, over all entries."""
        views: set[int] = set()
        for entry in self.entries:
            if entry.has(*keywords):
                for word in split_values(entry.value):
                    views.update(_range(word, self.where(entry)))
        return frozenset(views)


def split_values(text: str) -> list[str]:
    """Return the values of an entry, which commas or blanks keep apart."""
    return [word for word in re.split(r"[,\s]+", text) if word]


def _range(word: str, where: str) -> range:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
    if match is None or not 1 <= int(match[1]) <= int(match[2] or match[1]) < 1_000_000:
        raise ValueError(f"{where}: expected views like 1,3-5, got {word!r}")
    return range(int(match[1]), int(match[2] or match[1]) + 1)
