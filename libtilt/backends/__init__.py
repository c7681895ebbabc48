"""The sampling backends: one file each, one registry."""

from libtilt.backends.auto import AutoBackend
from libtilt.backends.base import Backend, Plan, SamplingSpec, UnsupportedSpecError
from libtilt.backends.registry import available_backends, resolve_backend
from libtilt.backends.scipy import SciPyBackend
from libtilt.backends.sparse import SparseBackend

__all__ = [
    "AutoBackend",
    "Backend",
    "Plan",
    "SamplingSpec",
    "SciPyBackend",
    "SparseBackend",
    "UnsupportedSpecError",
    "available_backends",
    "resolve_backend",
]
