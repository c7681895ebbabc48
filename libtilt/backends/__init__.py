"""Sampling backends: one file or folder each, and their registry."""

from typing import Any

from libtilt.backends.auto import AutoBackend
from libtilt.backends.base import Backend, Plan, PlannedBackend, SamplingSpec
from libtilt.backends.cache import PlanCache, plan_cache
from libtilt.backends.registry import available_backends, load_backend, resolve_backend
from libtilt.backends.scipy import SciPyBackend
from libtilt.backends.sparse import SparseBackend

_WITH_EXTRAS = {"FourierBackend": "fourier", "NumbaBackend": "numba"}

__all__ = [
    "AutoBackend",
    "Backend",
    "Plan",
    "PlanCache",
    "PlannedBackend",
    "SamplingSpec",
    "SciPyBackend",
    "SparseBackend",
    "available_backends",
    "plan_cache",
    "resolve_backend",
]


def __getattr__(name: str) -> Any:
    """Import a backend that needs an extra on first access."""
    if name in _WITH_EXTRAS:
        return load_backend(_WITH_EXTRAS[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
