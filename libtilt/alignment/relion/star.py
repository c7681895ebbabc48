"""STAR files as RELION writes them: blocks with single values or one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import attrs

from libtilt.alignment.text import parse_integer, read_numbered_lines

Value = TypeVar("Value")

_WORD = re.compile(r"""'([^']*)'(?=\s|$)|"([^"]*)"(?=\s|$)|(\#.*)|(\S+)""")


@attrs.frozen
class StarBlock:
    """One ``data_`` block: a table, or single values stored as a table of one row.

    `labels` have no leading underscore; `rows` hold one string per label; `lines` are those of the
    rows.
    """

    name: str
    labels: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    path: str = "STAR file"
    _places: dict[str, int] = attrs.field(init=False, repr=False, eq=False)

    @_places.default
    def _default_places(self) -> dict[str, int]:
        return {label: place for place, label in enumerate(self.labels)}

    def __contains__(self, label: str) -> bool:
        return label in self._places

    def column(self, label: str) -> list[str]:
        """Return the strings of a column; raise a ValueError if it is missing."""
        if label not in self._places:
            raise ValueError(f"{self.path} has no _{label} in data_{self.name}")
        place = self._places[label]
        return [row[place] for row in self.rows]

    def where(self, row: int, label: str | None = None) -> str:
        """Return the location of a row, for messages."""
        return f"{self.path}, line {self.lines[row]}" + (f", {label}" if label else "")

    def integers(self, label: str) -> list[int]:
        """Return the integers of a column; raise a ValueError that names the line."""
        return self.values(label, parse_integer)

    def values(self, label: str, convert: Callable[[str, str], Value]) -> list[Value]:
        """Return a column converted by a function of string and location."""
        return [
            convert(text, f"{self.path}, line {line}, {label}")
            for text, line in zip(self.column(label), self.lines, strict=True)
        ]


def read_star(path: str | Path) -> dict[str, StarBlock]:
    """Read all blocks of a STAR file, by name; errors name the file and the line."""
    blocks: dict[str, StarBlock] = {}
    open_block: _OpenBlock | None = None
    for line, text in read_numbered_lines(path):
        where = f"{path}, line {line}"
        words = _words(text)
        if not words:
            continue
        if words[0].lower().startswith("data_"):
            name = words[0][5:]
            if name in blocks or (open_block is not None and open_block.name == name):
                raise ValueError(f"{where}: block data_{name} appears twice")
            if open_block is not None:
                blocks[open_block.name] = open_block.close()
            open_block = _OpenBlock(name, str(path))
        elif open_block is None:
            raise ValueError(f"{where}: expected data_..., got {text[:80]!r}: not a STAR file")
        else:
            open_block.parse_line(words, line, where)
    if open_block is None:
        raise ValueError(f"{path} is not a STAR file: it has no data_ block")
    blocks[open_block.name] = open_block.close()
    return blocks


def star_text(blocks: Iterable[StarBlock], *, version: bool = False) -> str:
    """Return the text of a STAR file with tables, optionally with RELION-5's `version` lines."""
    lines = ["# made by libtilt"]
    for block in blocks:
        lines += ["", "# version 50001"] if version else []
        lines += ["", f"data_{block.name}", "", "loop_"]
        lines += [f"_{label} #{place}" for place, label in enumerate(block.labels, start=1)]
        lines += [" ".join(map(_quoted, row)) + " " for row in block.rows]
    return "\n".join(lines) + "\n"


def block_from_columns(name: str, columns: Mapping[str, Sequence[str]]) -> StarBlock:
    """Return a block from its columns."""
    rows = tuple(zip(*columns.values(), strict=True))
    return StarBlock(name, tuple(columns), rows, tuple(range(len(rows))))


class _OpenBlock:
    """A block during parsing."""

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path
        self.is_table = False
        # A dict as an ordered set.
        self.labels: dict[str, None] = {}
        self.rows: list[tuple[str, ...]] = []
        self.lines: list[int] = []
        self.single: list[str] = []

    def parse_line(self, words: list[str], line: int, where: str) -> None:
        if words[0].lower() == "loop_":
            if self.is_table or self.labels:
                raise ValueError(
                    f"{where}: expected one loop_ or single values in a block, got both or a "
                    "second loop_"
                )
            self.is_table = True
        elif words[0].startswith("_") and not self.rows:
            self._label(words, line, where)
        elif not self.is_table or not self.labels:
            raise ValueError(f"{where}: expected a label like _rlnTomoName, got {words[0]!r}")
        elif len(words) != len(self.labels):
            raise ValueError(
                f"{where}: expected {len(self.labels)} values in data_{self.name}, got {len(words)}"
            )
        else:
            self.rows.append(tuple(words))
            self.lines.append(line)

    def _label(self, words: list[str], line: int, where: str) -> None:
        label = words[0][1:]
        if not label or label in self.labels:
            raise ValueError(f"{where}: label _{label} appears twice in data_{self.name}")
        self.labels[label] = None
        if not self.is_table:
            if len(words) != 2:
                raise ValueError(f"{where}: expected one value after _{label}")
            self.single.append(words[1])
            self.lines = [line]

    def close(self) -> StarBlock:
        rows = tuple(self.rows) if self.is_table else (tuple(self.single),)
        lines = self.lines if self.is_table or self.lines else [0]
        return StarBlock(self.name, tuple(self.labels), rows, tuple(lines), self.path)


def _words(text: str) -> list[str]:
    """Return the values of a line, respecting quotes and comments."""
    words: list[str] = []
    for match in _WORD.finditer(text):
        if match[4] is not None:
            words.append(match[4])
        elif match[3] is not None:
            break
        else:
            words.append(match[1] if match[1] is not None else match[2])
    return words


def _quoted(text: str) -> str:
    return f'"{text}"' if not text or re.search(r"[\s#]", text) or text[0] in "_'\"" else text
