"""Etomo's ``.edf``: the views that its user excluded, to compare with the command files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from libtilt.alignment.imod.options import parse_list
from libtilt.alignment.text import read_text
from libtilt.errors import LibtiltWarning

_EXCLUDED = re.compile(r"^\s*Setup\.Axis([AB])\.ExcludeProjections\s*=(.*)$", re.MULTILINE)


def edf_warnings(
    alignment: Path, used: list[int], *, has_commands: bool
) -> Iterator[LibtiltWarning]:
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
        text = _used_although_excluded(edf.name, left, has_commands=has_commands)
        yield LibtiltWarning(text, arguments=("exclude_views",))


def _used_although_excluded(edf: str, views: list[int], *, has_commands: bool) -> str:
    """Return the warning about views, from 1, and how to exclude them."""
    listed, from_zero = ",".join(map(str, views)), [view - 1 for view in views]
    one = len(views) == 1
    noun, used, them = ("view", "it is", "it") if one else ("views", "they are", "them")
    contrast, remedy = f"but {used} used", ""
    if has_commands:
        contrast = f"but the command files do not, so {used} used"
        remedy = f"; add EXCLUDELIST {listed} to tilt.com, or"
    return (
        f"{edf} excludes {noun} {listed} (from 1), {contrast}{remedy or ';'} exclude {them} "
        f"afterwards, counted from 0 (exclude_views(tilt_series, {from_zero}))"
    )
