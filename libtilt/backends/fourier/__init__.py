"""Central slices by non-uniform fast Fourier transforms."""

from libtilt.backends.fourier.backend import FourierBackend

__all__ = ["FourierBackend"]
