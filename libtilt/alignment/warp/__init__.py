"""Warp and M: the ``.xml`` of a tilt series."""
