"""Compiled kernels: one plan a file, and the loops that they run in `kernels`."""

from libtilt.backends.numba.backend import NumbaBackend

__all__ = ["NumbaBackend"]
