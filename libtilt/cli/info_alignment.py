"""``libtilt info`` of an alignment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from libtilt.alignment import Alignment, AlignmentFile, Sizes, read_alignment_file
from libtilt.alignment.opening import ARETOMO_ANGLES, SUFFIXES, note_truncated_number
from libtilt.cli.stack_beside import sizes_of, stack_beside
from libtilt.errors import MissingArgumentError

# Sizes for which angles are computed where neither the file nor a stack beside it has them.
_PLACEHOLDERS = {"pixel_size": 1.0, "tilt_axis_angle": 0.0}
_SIDES = 4096, 32768
# Degrees above the digits of files.
_LEVEL = 1e-3
# Facts that depend on a size.
_DEPENDENT = {
    "stack_shape": ("images", "tomogram", "shifts"),
    "pixel_size": ("images", "tomogram", "shifts"),
    "volume_shape": ("tomogram", "shifts"),
    "tilt_axis_angle": ("tilt axis angle",),
}


def is_alignment(path: Path) -> bool:
    """Whether a path is a folder, or has the suffix of an alignment."""
    return (
        path.is_dir()
        or path.suffix.lower() in SUFFIXES
        or path.name.lower().endswith(ARETOMO_ANGLES)
    )


def alignment_rows(path: Path, options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and descriptions of what an alignment holds; `options` are those of readers."""
    file = read_alignment_file(path, **options)
    stack, mismatch = stack_beside(path), ""
    sizes = Sizes()
    try:
        made, missing = _open(file, sizes if stack is None else sizes_of(stack))
    except ValueError as error:
        if stack is None:
            raise
        stack, mismatch = None, str(error)
        made, missing = _open(file, sizes)
    notes = _notes(note_truncated_number(made, path))
    if missing:
        # Notes that depend on a placeholder differ with another one.
        other, _ = _open(file, sizes, side=_SIDES[1])
        notes = [note for note in notes if note in _notes(note_truncated_number(other, path))]
    left = {fact for name in missing for fact in _DEPENDENT[name]}
    yield "file", str(path)
    yield "kind", f"alignment of {len(made.views)} of {made.stack_shape[0]} images, {file.format}"
    facts = made._summary()
    yield from ((name, fact) for name, fact in facts.items() if fact and name not in left)
    if (largest := abs(made.geometry.x_tilts).max()) > _LEVEL:
        yield "x-tilts", f"up to {largest:.3g}°"
    if stack is not None:
        yield "sizes", f"of the images by {stack.name}, beside it"
    if missing:
        yield "not in the file", ", ".join(missing).replace("_", " ")
    for item in made.unsupported:
        yield "ignored", f"{item} (not supported)"
    for note in filter(None, (*notes, mismatch)):
        yield "note", note


def _notes(alignment: Alignment) -> list[str]:
    return [*alignment.notes, *map(str, alignment.warnings)]


def _open(
    file: AlignmentFile, sizes: Sizes, *, side: int = _SIDES[0]
) -> tuple[Alignment, list[str]]:
    """Return an alignment with placeholders for sizes that are missing, and their names."""
    missing: list[str] = []
    while True:
        try:
            return file.alignment(sizes), missing
        except MissingArgumentError as error:
            (name,) = error.arguments
            if name in missing:
                raise
            missing.append(name)
            count = file.image_count or max(file.views) + 1
            shapes = {"stack_shape": (count, side, side), "volume_shape": (side, side, side)}
            value = (_PLACEHOLDERS | shapes)[name]
            sizes = attrs.evolve(sizes, **{name: value})
