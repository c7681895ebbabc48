"""The stack beside an alignment, and the sizes in its header."""

from __future__ import annotations

from pathlib import Path

from libtilt.alignment import Sizes
from libtilt.alignment.beside_stack import sibling_path
from libtilt.alignment.opening import SUFFIXES
from libtilt.alignment.stack_geometry import pixel_size_from_header
from libtilt.io.image_files import read_image_header
from libtilt.io.mrc_writing import SUFFIXES as STACK_SUFFIXES


def stack_beside(path: Path) -> Path | None:
    """Return the stack with the name of an alignment file, in a folder the only one, or None."""
    named = [path]
    if path.is_dir():
        named = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES]
    found = (_stack_named_as(file) for file in named)
    stacks = {stack for stack in found if stack is not None}
    return stacks.pop() if len(stacks) == 1 else None


def sizes_of(stack: Path) -> Sizes:
    """Return the size of a stack and its pixel size, None if its header has none."""
    header = read_image_header(stack)
    return Sizes(stack_shape=header.data.shape, pixel_size=pixel_size_from_header(stack, header))


def _stack_named_as(file: Path) -> Path | None:
    found = (sibling_path(file, suffix) for suffix in STACK_SUFFIXES)
    return next((stack for stack in found if stack.is_file()), None)
