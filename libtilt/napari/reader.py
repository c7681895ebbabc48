"""Image files as layers of napari, in angstroms."""

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
    """Return the function that opens a file, or None where it is not ours.

    Parameters
    ----------
    path : path or list of str
        What napari was asked to open.

    Returns
    -------
    callable or None
        Takes the path, and returns a list of layer data.

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
    """Open files as layers: a stack with its angles beside it as a tilt series, else as a volume.

    Parameters
    ----------
    path : path or list of str
        MRC, TIFF or HDF5 files.

    Returns
    -------
    list of tuple
        Layer data: array, options, kind.

    Raises
    ------
    ValueError
        If a file is not a sound image file.

    Examples
    --------
    >>> import tempfile
    >>> from libtilt import GaussianBlobs
    >>> from libtilt.napari.reader import read
    >>> volume = GaussianBlobs.ribosome_like().volume((8, 8, 8), voxel_size=40.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     data, options, kind = read(str(volume.save(f"{folder}/map.mrc")))[0]
    >>> options["name"], options["scale"]
    ('map', (40.0, 40.0, 40.0))
    """
    layers = []
    for one in _paths(path):
        tilts = find_tilt_geometry(one, read_image_header(one)) is not None
        opened: Volume | TiltSeries = TiltSeries.open(one) if tilts else Volume.open(one)
        data, options, kind = opened.to_layer_data()
        layers.append((data, options | {"name": sibling_path(one, "").name}, kind))
    return layers


def _paths(path: Paths) -> list[str | Path]:
    return [path] if isinstance(path, str | Path) else list(path)
