"""A plugin for napari (extra ``napari``): it opens maps, tomograms and tilt series as MRC files."""

from libtilt.napari.reader import get_reader

__all__ = ["get_reader"]
