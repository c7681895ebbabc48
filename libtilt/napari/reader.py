"""Reader of image files as napari layers, scaled in angstroms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from libtilt.alignment.beside_stack import find_tilt_geometry, sibling_path
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
    """Read files as layers: stacks with tilt angles beside them as series, others as volumes."""
    layers = []
    for one in _paths(path):
        tilts = find_tilt_geometry(one, read_image_header(one)) is not None
        opened: Volume | TiltSeries = TiltSeries.open(one) if tilts else Volume.open(one)
        data, options, kind = opened.to_layer_data()
        layers.append((data, options | {"name": sibling_path(one, "").name}, kind))
    return layers


def _paths(path: Paths) -> list[str | Path]:
    return [path] if isinstance(path, str | Path) else list(path)
