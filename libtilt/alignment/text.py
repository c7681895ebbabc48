"""Reading and writing small text files, with errors that name the file and the line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from libtilt.files import atomic_write


def numbered_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Return the lines of a file that are not blank, stripped, each with its number from 1."""
    content = Path(path).read_bytes()
    if b"\0" in content:
        raise ValueError(f"{path} is not a text file: it holds zero bytes")
    text = content.decode("utf-8-sig", errors="replace")
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), start=1)]
    if not any(line for _, line in lines):
        raise ValueError(f"{path} is empty")
    return iter([(n, line) for n, line in lines if line])


def number(text: str, where: str) -> float:
    """Return one finite number, or raise a ValueError that says where it stands."""
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"{where}: expected a number, got {text!r}") from error
    if not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {text!r}")
    return value


def integer(text: str, where: str) -> int:
    """Return one integer, or raise a ValueError that says where it stands."""
    value = number(text, where)
    if value != int(value):
        raise ValueError(f"{where}: expected an integer, got {text!r}")
    return int(value)


def save_text(path: str | Path, text: str, *, overwrite: bool) -> Path:
    """Write text, all or nothing."""
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)
