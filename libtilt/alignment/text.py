"""Reading and writing of small text files, with errors that name the file and the line."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from libtilt.io.atomic import atomic_writes
from libtilt.io.inputs import read_input

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?(nan|inf|infinity|1\.#\w+)", re.IGNORECASE | re.ASCII)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: str | Path) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with a byte order mark."""
    content = read_input(path)
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise ValueError(f"{path} is encoded in UTF-32: save it as UTF-8")
    if content.startswith(_UTF16):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise ValueError(f"{path} is not a text file: it holds null bytes")
    return content.decode("utf-8-sig", errors="replace")


def ends_in_digit(path: str | Path) -> bool:
    """Whether the last line ends in a digit, possibly of a truncated number."""
    content = read_input(path).rstrip(b" \t\0")
    return content[-1:].isdigit()


def read_numbered_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Return the stripped lines that are not blank, each with its number from 1."""
    lines = [(n, line.strip()) for n, line in enumerate(read_text(path).splitlines(), start=1)]
    if not any(line for _, line in lines):
        raise ValueError(f"{path} is empty")
    return iter([(n, line) for n, line in lines if line])


def read_rows(path: str | Path) -> Iterator[tuple[str, str, list[str]]]:
    """Yield location, text and words of each line of a table of numbers.

    Blanks, tabs or commas separate words, a comma may end a line, and ``#`` starts a comment.
    """
    for line, text in read_numbered_lines(path):
        plain = text.split("#")[0].strip().removesuffix(",")
        words = [word for word in re.split(r"[,\s]+", plain) if word]
        if words:
            yield f"{path}, line {line}", plain, words


def parse_number(text: str, where: str) -> float:
    """Return a finite number in plain digits, or raise a ValueError that names the location.

    Unlike `float`, it rejects underscores and non-ASCII digits, which other programs do not read.
    """
    value = parse_number_or_nan(text, where)
    if not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {text!r}")
    return value


def parse_number_or_nan(text: str, where: str) -> float:
    """Return a number, NaN for any spelling of NaN or infinity."""
    if _NOT_FINITE.fullmatch(text):
        return math.nan
    if _NUMBER.fullmatch(text) is None:
        comma = "; write a decimal point, not a comma" if _is_decimal_comma(text) else ""
        raise ValueError(f"{where}: expected a number, got {text[:80]!r}{comma}")
    return float(re.sub("[dD]", "e", text))


def replace_decimal_comma(text: str) -> str:
    """Replace the decimal comma of a number by a point."""
    return text.replace(",", ".") if _is_decimal_comma(text) else text


def _is_decimal_comma(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d+,\d+", text, re.ASCII) is not None


def parse_integer(text: str, where: str) -> int:
    """Return an integer, or raise a ValueError that names the location."""
    value = parse_number(text, where)
    if value != int(value) or abs(value) > 2**53:
        raise ValueError(f"{where}: expected an integer, got {text!r}")
    return int(value)


def write_texts(texts: Mapping[Path, str], *, overwrite: bool | tuple[bool, ...]) -> None:
    """Write several text files, all or none."""
    with atomic_writes(*texts, overwrite=overwrite) as temporaries:
        for temporary, text in zip(temporaries, texts.values(), strict=True):
            temporary.write_text(text, encoding="utf-8")
