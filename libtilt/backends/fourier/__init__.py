"""Central slices by non-uniform fast Fourier transforms: one kind of slice a file."""

from libtilt.backends.fourier.backend import FourierBackend

__all__ = ["FourierBackend"]
