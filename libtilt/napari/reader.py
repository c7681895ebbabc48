"""Reader of image files as napari layers, scaled in angstroms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from libtilt.alignment.beside_stack import find_tilt_geometry, sibling_path
from libtilt.errors import UnmappableImageError
from libtilt.io.image_files import has_image_suffix, read_image_header
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

Paths = str | Path | list[str]
Layers = list[tuple[Any, dict[str, Any], str]]


def get_reader(path: Paths) -> Callable[[Paths], Layers] | None:
    """Return the function that reads files as layers, or None for other file types.

    Parameters
    ----------
    path : path or list of str
        Files to open: MRC, TIFF or HDF5.

    Returns
    -------
    callable or None
        Takes `path`, and returns a list of layer data: array, options, kind.

    Examples
    --------
    >>> from libtilt.napari import get_reader
    >>> get_reader("picture.jpg") is None
    True
    >>> get_reader("tomogram.mrc").__name__
    'read'
    """
    return read if all(has_image_suffix(one) for one in _paths(path)) else None


def read(path: Paths) -> Layers:
    """Read files as layers: stacks with tilt angles beside them as series, others as volumes.

    Files are memory-mapped where their format allows it: napari then reads the slices it shows.
    """
    layers = []
    for one in _paths(path):
        data, options, kind = _open(one).to_layer_data()
        layers.append((data, options | {"name": sibling_path(one, "").name}, kind))
    return layers


def _open(path: str | Path) -> Volume | TiltSeries:
    has_tilts = find_tilt_geometry(path, read_image_header(path)) is not None
    kind: type[Volume] | type[TiltSeries] = TiltSeries if has_tilts else Volume
    try:
        return kind.open(path, memmap=True)
    except UnmappableImageError:
        return kind.open(path)


def _paths(path: Paths) -> list[str | Path]:
    return [path] if isinstance(path, str | Path) else list(path)
