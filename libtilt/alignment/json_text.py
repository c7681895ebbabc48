"""Reading JSON strictly, with errors that name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from libtilt.alignment.text import file_text

_LARGEST = 2**53


def read_json(path: str | Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises
    ------
    ValueError
        If it is not JSON, not an object, has a key twice, a number that is not finite or too
        large for exact arithmetic, or is nested too deep; the message names the file.
    """
    try:
        content = json.loads(
            file_text(path),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_exact,
        )
    except RecursionError:
        raise ValueError(f"{path} is not read: its JSON is nested too deep") from None
    except ValueError as error:
        named = str(path) in str(error)
        raise ValueError(str(error) if named else f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a JSON object, {{...}}, got {short(content)}")
    return content


def short(value: Any) -> str:
    """Return what a message shows of a value."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise ValueError(f"the key {short(twice)} stands twice in one object")
    return made


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not abs(value) < float("inf"):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _exact(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _LARGEST:
        raise ValueError(f"{text[:40]} is too large a whole number")
    return int(text)
