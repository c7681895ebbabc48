"""Validated fields of the CryoET Data Portal's ``alignment_metadata.json``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from libtilt.alignment.json_text import abbreviate
from libtilt.alignment.plausible import parse_tilt_angle
from libtilt.errors.checks import Float64Array

SECTIONS = "per_section_alignment_parameters"
# Fields that would move the tomogram, but whose sense is not documented.
AMBIGUOUS = ("tilt_offset", "x_rotation_offset", "volume_offset", "affine_transformation_matrix")
_SOURCES = {".xf": "IMOD", ".aln": "ARETOMO3"}
_ROTATION = 1e-3


@attrs.frozen(eq=False)
class Sections:
    """Columns of the sections, one row per used image; offsets (n, 2), in_plane (n, 2, 2)."""

    views: list[int]
    tilt_angles: Float64Array
    x_tilts: Float64Array
    in_plane: Float64Array
    offsets: Float64Array


def read_sections(content: dict[str, Any], name: str) -> Sections:
    """Return the sections; raise a ValueError that names an invalid one."""
    rows = content.get(SECTIONS)
    if not isinstance(rows, list) or not rows:
        raise ValueError(
            f"{name}: expected a list of sections in {SECTIONS}, got {abbreviate(rows)}"
        )
    views, numbers, matrices = [], [], []
    for place, row in enumerate(rows):
        where = f"{name}, {SECTIONS}[{place}]"
        if not isinstance(row, dict):
            raise ValueError(f"{where}: expected an object, got {abbreviate(row)}")
        view = row.get("z_index")
        if isinstance(view, float) and view.is_integer():
            view = int(view)
        if not isinstance(view, int) or isinstance(view, bool) or view < 0:
            raise ValueError(
                f"{where}, z_index: expected an integer from 0, got {abbreviate(view)}"
            )
        views.append(view)
        angles = [
            parse_tilt_angle(number_of(row, key, where), f"{where}, {key}")
            for key in ("tilt_angle", "volume_x_rotation")
        ]
        numbers.append([*angles, *(number_of(row, key, where) for key in ("x_offset", "y_offset"))])
        matrices.append(_matrix(row, where))
    _require_once(views, name)
    table = np.array(numbers, dtype=np.float64)
    return Sections(views, table[:, 0], table[:, 1], np.array(matrices), table[:, 2:])


def number_of(row: dict[str, Any], key: str, where: str) -> float:
    """Return a number in an object."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        what = "is missing" if key not in row else f"got {abbreviate(value)}"
        raise ValueError(f"{where}, {key}: expected a number, {what}")
    return float(value)


def _matrix(row: dict[str, Any], where: str) -> Float64Array:
    value = row.get("in_plane_rotation")
    square = isinstance(value, list) and [
        len(line) for line in value if isinstance(line, list)
    ] == [2, 2]
    if not isinstance(value, list) or not square or len(value) != 2:
        raise ValueError(
            f"{where}, in_plane_rotation: expected two rows of two numbers, got {abbreviate(value)}"
        )
    numbers = [
        number_of({"in_plane_rotation": entry}, "in_plane_rotation", where)
        for line in value
        for entry in line
    ]
    matrix = np.array(numbers).reshape(2, 2)
    if not np.abs(matrix).max() < 10 or not 0.1 < np.linalg.det(matrix) < 10:
        raise ValueError(
            f"{where}, in_plane_rotation: expected a rotation, got {abbreviate(value)}"
        )
    return matrix


def _require_once(views: list[int], name: str) -> None:
    seen: dict[int, int] = {}
    for place, view in enumerate(views):
        if view in seen:
            raise ValueError(
                f"{name}, {SECTIONS}[{place}]: z_index {view} is already at [{seen[view]}]"
            )
        seen[view] = place


def require_rotations(sections: Sections, name: str) -> None:
    """Raise a ValueError if a matrix stretches, which is valid only for IMOD."""
    gram = sections.in_plane @ sections.in_plane.transpose(0, 2, 1)
    off = np.abs(gram - np.eye(2)).max(axis=(1, 2))
    if off.max() > _ROTATION:
        place = int(off.argmax())
        raise ValueError(
            f"{name}, {SECTIONS}[{place}], in_plane_rotation: expected a rotation, got "
            f"{abbreviate(sections.in_plane[place].tolist())}, which also stretches; stretches "
            "are documented for IMOD only, so convert the original files instead"
        )


def source_program(content: dict[str, Any], name: str) -> str | None:
    """Return the program whose files were converted, None if unknown."""
    value = content.get("format")
    if isinstance(value, str):
        return value.upper()
    if value is not None:
        raise ValueError(
            f"{name}, format: expected a string like ARETOMO3, got {abbreviate(value)}"
        )
    path = content.get("alignment_path")
    suffix = path[path.rfind(".") :].lower() if isinstance(path, str) and "." in path else ""
    return _SOURCES.get(suffix)


def ambiguous_fields(content: dict[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of those `AMBIGUOUS` fields that are not neutral."""
    for key in AMBIGUOUS[:2]:
        if content.get(key) is not None and number_of(content, key, name) != 0:
            yield key, abbreviate(content[key])
    offset = content.get("volume_offset")
    if offset is not None and any(_xyz(offset, f"{name}, volume_offset")):
        yield "volume_offset", abbreviate(offset)
    matrix = content.get("affine_transformation_matrix")
    if matrix is not None and matrix != np.eye(4).tolist():
        yield "affine_transformation_matrix", abbreviate(matrix)


def volume_dimension(content: dict[str, Any], name: str) -> list[float] | None:
    """Return the extent of the tomogram along x, y, z in angstroms, None if unknown."""
    value = content.get("volume_dimension")
    if value is None:
        return None
    numbers = _xyz(value, f"{name}, volume_dimension")
    if min(numbers) < 0:
        raise ValueError(f"{name}, volume_dimension: expected lengths, got {abbreviate(value)}")
    return numbers if min(numbers) > 0 else None


def _xyz(value: Any, where: str) -> list[float]:
    if not isinstance(value, dict) or not {"x", "y", "z"} <= set(value):
        raise ValueError(f"{where}: expected x, y and z, got {abbreviate(value)}")
    return [0.0 if value[axis] is None else number_of(value, axis, where) for axis in "xyz"]
