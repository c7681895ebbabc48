"""JSON files of geometries: fields by name, with every bit of each number."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import attrs
import numpy as np

from libtilt.io.atomic import atomic_write
from libtilt.io.inputs import read_input

Geometry = TypeVar("Geometry", bound=attrs.AttrsInstance)

FORMAT = "libtilt geometry"
VERSION = 1
SERIES_ID = "series"


def write(geometry: Any, path: str | Path | None, *, overwrite: bool) -> str:
    """Return the JSON text of `geometry`, and write it to `path` if given."""
    fields = {
        field.name: _plain(getattr(geometry, field.name))
        for field in attrs.fields(type(geometry))
        if field.init
    }
    text = json.dumps({"format": FORMAT, "version": VERSION} | fields, indent=1) + "\n"
    if path is not None:
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return text


def add_series_id(text: str) -> tuple[str, str]:
    """Add the ID of the saved series to the JSON text of its geometry; return the text and the ID.

    The stack of the series stores the same ID. It is a digest of the geometry: series with equal
    geometries share it, and either one's geometry then fits the stack.
    """
    series_id = hashlib.sha256(text.encode()).hexdigest()[:16]
    return json.dumps(json.loads(text) | {SERIES_ID: series_id}, indent=1) + "\n", series_id


def read_series_id(text: str) -> str | None:
    """Return the ID of the series saved with a geometry, or None if it has none."""
    try:
        series_id = json.loads(text).get(SERIES_ID)
    except (ValueError, AttributeError, RecursionError):
        return None
    return series_id if isinstance(series_id, str) else None


def read(kind: type[Geometry], source: str | Path) -> Geometry:
    """Return the geometry of class `kind` from a JSON text or file."""
    is_text = isinstance(source, str) and source.lstrip().startswith("{")
    name = "JSON text" if is_text else str(source)
    try:
        text = str(source) if is_text else read_input(source).decode("utf-8-sig")
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ValueError(f'{name} does not hold a geometry: expected "format": "{FORMAT}"')
    if (version := content.pop("version", None)) != VERSION:
        raise ValueError(f"{name} has version {version!r}; this libtilt reads version {VERSION}")
    content.pop(SERIES_ID, None)
    known = {field.name for field in attrs.fields(kind) if field.init}
    if unknown := sorted(set(content) - known):
        raise ValueError(
            f"{name} has fields that {kind.__name__} lacks: {', '.join(unknown)}; read it with "
            "from_json of the subclass that has them, and pass the result as geometry=..."
        )
    if "rotation_matrices" not in content:
        raise ValueError(f"{name} lacks rotation_matrices")
    try:
        return kind(**content)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} does not hold a valid geometry: {error}") from error


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
