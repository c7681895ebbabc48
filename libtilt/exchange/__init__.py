"""Volumes and tilt series in the forms of other libraries: napari and xarray."""
