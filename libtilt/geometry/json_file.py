"""The JSON form of a geometry: its fields by name, numbers written so that they keep every bit."""

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
SERIES = "series"


def write(geometry: Any, path: str | Path | None, *, overwrite: bool) -> str:
    """Return the JSON text of `geometry` and write it to `path` where one is given."""
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


def with_series(text: str) -> tuple[str, str]:
    """Return the JSON of a geometry with a mark of the series that it is saved with, and the mark.

    The stack of the series bears the same mark. It is made from the geometry: series with equal
    geometries may share it, since then it makes no difference which of them is taken.
    """
    series = hashlib.sha256(text.encode()).hexdigest()[:16]
    return json.dumps(json.loads(text) | {SERIES: series}, indent=1) + "\n", series


def series_from_json(text: str) -> str | None:
    """Return the mark of the series that a geometry was saved with, None where it has none."""
    try:
        series = json.loads(text).get(SERIES)
    except (ValueError, AttributeError, RecursionError):
        return None
    return series if isinstance(series, str) else None


def read(kind: type[Geometry], source: str | Path) -> Geometry:
    """Return the geometry of class `kind` that the JSON text or file `source` holds."""
    is_text = isinstance(source, str) and source.lstrip().startswith("{")
    where = "JSON text" if is_text else str(source)
    try:
        text = str(source) if is_text else read_input(source).decode("utf-8-sig")
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON: {error}") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ValueError(f'{where} does not hold a geometry: expected "format": "{FORMAT}"')
    if (version := content.pop("version", None)) != VERSION:
        raise ValueError(f"{where} has version {version!r}, this libtilt reads version {VERSION}")
    content.pop(SERIES, None)
    known = {field.name for field in attrs.fields(kind) if field.init}
    if unknown := sorted(set(content) - known):
        raise ValueError(
            f"{where} has fields that the class lacks: {', '.join(unknown)}; read it by the "
            "subclass that has them, from_json, and pass it as geometry=..."
        )
    if "rotation_matrices" not in content:
        raise ValueError(f"{where} lacks rotation_matrices")
    try:
        return kind(**content)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} does not hold a sound geometry: {error}") from error


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
