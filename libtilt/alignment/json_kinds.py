"""Which kind of alignment a JSON file holds."""

from __future__ import annotations

from pathlib import Path

from libtilt.alignment.geometry_file import GeometryFile
from libtilt.alignment.json_text import read_json
from libtilt.alignment.portal import PortalAlignment
from libtilt.alignment.portal_rows import SECTIONS


def json_kind(path: Path) -> type[GeometryFile] | type[PortalAlignment]:
    """Return the format of a JSON file, by what it holds; refuse other JSON by name."""
    content = read_json(path)
    if SECTIONS in content:
        return PortalAlignment
    if "format" not in content and "rotation_matrices" not in content:
        raise ValueError(
            f'{path} is no alignment: expected the JSON of a libtilt geometry ("format": "libtilt '
            f'geometry") or of the CryoET Data Portal ("{SECTIONS}")'
        )
    return GeometryFile
