"""The napari plugin (extra ``napari``), which opens maps, tomograms and tilt series."""

from libtilt.napari.reader import get_reader

__all__ = ["get_reader"]
