"""The napari plugin (extra ``napari``): reader, writer and sample data."""

from libtilt.napari.reader import get_reader
from libtilt.napari.samples import sample_tilt_series, sample_volume
from libtilt.napari.writer import write_image

__all__ = ["get_reader", "sample_tilt_series", "sample_volume", "write_image"]
