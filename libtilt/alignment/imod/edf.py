"""Etomo's ``.edf``: the views that its user excluded, to compare with the command files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from libtilt.alignment.imod.options import parse_list
from libtilt.alignment.text import read_text
from libtilt.errors import LibtiltWarning

_EXCLUDED = re.compile(r"^\s*Setup\.Axis([AB])\.ExcludeProjections\s*=(.*)$", re.MULTILINE)


def edf_warnings(alignment: Path, used: list[int]) -> Iterator[LibtiltWarning]:
    """Yield a warning if the ``.edf`` beside an alignment excludes views that are used.

    `used` are views from 0. The file is that of the alignment's name, else the only one.
    """
    folder = alignment if alignment.is_dir() else alignment.parent
    found = [alignment.with_suffix(".edf")] if alignment.suffix.lower() == ".xf" else []
    files = [edf for edf in found if edf.is_file()] or sorted(folder.glob("*.edf"))
    if len(files) != 1:
        return
    (edf,) = files
    axis = "B" if re.fullmatch(r"tiltb\.com|.+b\.xf", alignment.name, re.IGNORECASE) else "A"
    texts = dict(_EXCLUDED.findall(read_text(edf)))
    # A name that ends with b may be that of a series with one axis.
    text = (texts.get(axis) or texts.get("A") or "").strip()
    try:
        excluded = (text and parse_list(text, f"{edf}, ExcludeProjections")) or []
    except ValueError as error:
        yield LibtiltWarning(f"{error}; ignoring it")
        return
    if left := sorted({view for view in excluded if view - 1 in used}):
        listed = ",".join(map(str, left))
        from_zero = ",".join(str(view - 1) for view in left)
        text = (
            f"{edf.name} excludes views {listed} (from 1), but the command files do not, so they "
            f"are used. To exclude them, add EXCLUDELIST {listed} to tilt.com, or exclude views "
            f"{from_zero} (from 0) by libtilt.preparation.exclude_views"
        )
        yield LibtiltWarning(text, arguments=("exclude_views",))
