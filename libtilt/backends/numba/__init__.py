"""Compiled backend: one plan per file, which run the loops in `kernels`."""

from libtilt.backends.numba.backend import NumbaBackend

__all__ = ["NumbaBackend"]
