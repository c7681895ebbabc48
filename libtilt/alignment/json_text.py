"""Strict reading of JSON, with errors that name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from libtilt.alignment.text import read_text

_LARGEST = 2**53


def read_json(path: str | Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises a ValueError that names the file for invalid JSON, other types, duplicate keys, numbers
    that are not finite or not exact in float64, and nesting too deep.
    """
    try:
        content = json.loads(
            read_text(path),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_exact_integer,
        )
    except RecursionError:
        raise ValueError(f"{path} cannot be read: its JSON is nested too deeply") from None
    except ValueError as error:
        named = str(path) in str(error)
        raise ValueError(str(error) if named else f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a JSON object, {{...}}, got {abbreviate(content)}")
    return content


def abbreviate(value: Any) -> str:
    """Return the representation of a value for messages, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise ValueError(f"the key {abbreviate(twice)} appears twice in one object")
    return made


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _finite_float(text: str) -> float:
    value = float(text)
    if not abs(value) < float("inf"):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _exact_integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _LARGEST:
        raise ValueError(f"{text[:40]} is too large an integer")
    return int(text)
