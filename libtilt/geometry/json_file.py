"""JSON files of geometries and of extra fields beside a stack, exact to the last bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import attrs
import numpy as np

from libtilt.errors.warning import warn
from libtilt.geometry.per_tilt import required_fields
from libtilt.io.atomic import atomic_write
from libtilt.io.inputs import read_input

Geometry = TypeVar("Geometry", bound=attrs.AttrsInstance)

FORMAT = "libtilt geometry"
VERSION = 1
SERIES_ID = "series"
SERIES_FIELDS = "series_fields"
OPEN_WITH_ITS_CLASS = ": open it with the class that saved it"

NOT_SAVED = {"libtilt.geometry.not_saved": True}
"""Metadata that excludes an attrs field from files; pass the field again on opening.

Examples
--------
>>> import attrs
>>> from libtilt import TiltGeometry, frozen
>>> from libtilt.geometry.json_file import NOT_SAVED
>>> @frozen
... class LoggedGeometry(TiltGeometry):
...     log: object = attrs.field(default=None, kw_only=True, metadata=NOT_SAVED)
>>> "log" in LoggedGeometry.from_tilt_angles([0], log=print).to_json()
False
"""


def write(geometry: Any, path: str | Path | None, *, overwrite: bool) -> str:
    """Return the JSON text of `geometry`, and write it to `path` if given."""
    fields = plain_fields(geometry)
    text = json.dumps({"format": FORMAT, "version": VERSION} | fields, indent=1) + "\n"
    if path is not None:
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return text


def plain_fields(instance: Any, *, exclude: Iterable[str] = ()) -> dict[str, Any]:
    """Return the fields of an attrs instance by argument name, as JSON holds them.

    Fields that `NOT_SAVED` marks are left out. Raises a TypeError that names a field that JSON
    cannot hold, or could not give back.
    """
    fields = {}
    for field in attrs.fields(type(instance)):
        if (
            not field.init
            or field.name in exclude
            or field.metadata.get("libtilt.geometry.not_saved")
        ):
            continue
        value = getattr(instance, field.name)
        name = f"{type(instance).__name__}.{field.name}"
        if field.converter is None and isinstance(value, np.ndarray | tuple | Path):
            back, kind = "a list", "numpy.asarray" if isinstance(value, np.ndarray) else "tuple"
            if isinstance(value, Path):
                back, kind = "text", "pathlib.Path"
            raise TypeError(
                f"{name} cannot be saved: JSON gives back {back}, not the {type(value).__name__}; "
                f"declare the field with a converter, such as converter={kind}"
            )
        fields[field.alias] = _plain(value, name)
    return fields


def add_series(text: str, fields: dict[str, Any]) -> tuple[str, str]:
    """Add a series' plain fields and its ID to the JSON text of its geometry; return text and ID.

    The stack of the series stores the same ID. It is a digest of the geometry and the fields:
    series that agree in both share it, and the file of either then fits the stack.
    """
    added = {SERIES_FIELDS: fields} if fields else {}
    digested = text + (json.dumps(fields) if fields else "")
    series_id = hashlib.sha256(digested.encode()).hexdigest()[:16]
    return json.dumps(json.loads(text) | added | {SERIES_ID: series_id}, indent=1) + "\n", series_id


def read_series_fields(text: str) -> dict[str, Any]:
    """Return the fields of a series saved with a valid geometry."""
    fields = json.loads(text).get(SERIES_FIELDS, {})
    if not isinstance(fields, dict):
        raise ValueError(f'"{SERIES_FIELDS}" must be an object, got {fields!r}')
    return fields


def read_series_id(text: str) -> str | None:
    """Return the ID of the series saved with a geometry, or None if it has none."""
    try:
        series_id = json.loads(text).get(SERIES_ID)
    except (ValueError, AttributeError, RecursionError):
        return None
    return series_id if isinstance(series_id, str) else None


def read(kind: type[Geometry], source: str | Path) -> Geometry:
    """Return the geometry of class `kind` from a JSON text or file.

    A LibtiltWarning names fields of the file that `kind` lacks.
    """
    geometry, unread = read_known(kind, source)
    if unread:
        name = "JSON text" if _is_text(source) else str(source)
        message = f"{name} also has {describe_unread(unread, kind)}"
        warn(message + OPEN_WITH_ITS_CLASS)
    return geometry


def describe_unread(names: Iterable[str], kind: type) -> str:
    """Return the part of a warning that names the fields that a class lacks."""
    return f"{', '.join(sorted(names))}, which {kind.__name__} has no field for"


def _is_text(source: str | Path) -> bool:
    return isinstance(source, str) and source.lstrip().startswith("{")


def read_known(kind: type[Geometry], source: str | Path) -> tuple[Geometry, list[str]]:
    """Return the geometry, and the fields of the text or file that `kind` lacks."""
    is_text = _is_text(source)
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
    for key in (SERIES_ID, SERIES_FIELDS):
        content.pop(key, None)
    known = {field.alias for field in attrs.fields(kind) if field.init}
    unread = sorted(set(content) - known)
    if "rotation_matrices" not in content:
        raise ValueError(f"{name} lacks rotation_matrices")
    if unread and (absent := sorted({"shifts", "magnifications"} - set(content))):
        # A geometry of any class is saved with these: a damaged name must not mean their defaults.
        raise ValueError(
            f"{name} lacks {', '.join(absent)}, and has {', '.join(unread)}, which "
            f"{kind.__name__} has no field for: the names in the file are damaged"
        )
    if missing := required_fields(kind, content):
        raise ValueError(
            f"{name} does not hold {', '.join(missing)}, required by {kind.__name__}: read it "
            f"with TiltGeometry.from_json, and make {from_geometry_call(kind, missing)}, which "
            "open takes as geometry=..."
        )
    try:
        return kind(**{key: value for key, value in content.items() if key in known}), unread
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} does not hold a valid geometry: {error}") from error


def from_geometry_call(kind: type, missing: Iterable[str]) -> str:
    """Return the call that makes a geometry of class `kind` from another one, for messages."""
    given = "".join(f", {name}=..." for name in missing)
    return f"{kind.__name__}.from_geometry(geometry{given})"


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufU":
        return value.tolist()
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(entry, name) for entry in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(entry, name) for key, entry in value.items()}
    what = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(
        f"{name} cannot be saved: expected None, numbers, text, arrays, or lists and dicts of "
        f"them, got {what}; to leave the field out, declare it with metadata=NOT_SAVED of "
        "libtilt.geometry.json_file, and pass it again on opening"
    )
