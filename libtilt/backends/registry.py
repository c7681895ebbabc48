"""Registry of backends, which are selected by name, class or instance."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from libtilt.backends.base import Backend
from libtilt.errors.installing import pip_install

GROUP = "libtilt.backends"
"""Entry-point group in which other packages register their backends."""

BUILT_IN = {
    "auto": "libtilt.backends.auto:AutoBackend",
    "scipy": "libtilt.backends.scipy:SciPyBackend",
    "sparse": "libtilt.backends.sparse:SparseBackend",
    "numba": "libtilt.backends.numba:NumbaBackend",
    "fourier": "libtilt.backends.fourier:FourierBackend",
}
EXTRAS = {"numba": "fast", "fourier": "fourier"}
"""Extra that installs the dependencies of a built-in backend."""


def available_backends() -> tuple[str, ...]:
    """Return the names of all backends.

    Returns
    -------
    tuple of str
        Built-in backends, some of which need an extra, then those that other packages register.
        Built-in names take precedence.

    Examples
    --------
    >>> from libtilt.backends import available_backends
    >>> available_backends()[:4]
    ('auto', 'scipy', 'sparse', 'numba')
    """
    return (*BUILT_IN, *(name for name in sorted(_registered()) if name not in BUILT_IN))


def resolve_backend(backend: str | type[Backend] | Backend) -> Backend:
    """Return a backend from its name, class or instance.

    Parameters
    ----------
    backend : str, type or Backend
        A name in `available_backends`, a class that needs no arguments, or an instance.

    Returns
    -------
    Backend

    Raises
    ------
    ValueError
        If no backend has the name.
    ImportError
        If the backend needs a package that is not installed; the message names the extra.
    TypeError
        If `backend` is none of these.

    Examples
    --------
    >>> from libtilt.backends import resolve_backend
    >>> resolve_backend("scipy")
    SciPyBackend(order=1, threads=None)
    """
    if isinstance(backend, str):
        backend = load_backend(backend)
    if inspect.isclass(backend) and issubclass(backend, Backend):
        backend = backend()
    if not isinstance(backend, Backend):
        raise TypeError(
            f"backend must be a name, a Backend class or a Backend instance, got {backend!r}; "
            f"names are {_choices()}"
        )
    return backend


def _choices() -> str:
    """Return all names, with the extra that a backend needs."""
    return ", ".join(
        f"{name} (extra {EXTRAS[name]!r})" if name in EXTRAS else name
        for name in available_backends()
    )


def _registered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def load_backend(name: str) -> Any:
    """Return the class of a backend by name; raise the errors of `resolve_backend`."""
    try:
        if name in BUILT_IN:
            module, _, attribute = BUILT_IN[name].partition(":")
            return getattr(import_module(module), attribute)
        if point := _registered().get(name):
            return point.load()
    except ImportError as error:
        if error.name is None:
            raise ImportError(f"backend {name!r} cannot be imported: {error}") from error
        extra = EXTRAS.get(name)
        remedy = f"install it with: {pip_install(extra)}" if extra else "install it first"
        raise ImportError(
            f"backend {name!r} needs the package {error.name!r}: {remedy}", name=error.name
        ) from error
    raise ValueError(
        f"backend {name!r} is not known: choose from {_choices()}, pass a Backend class or "
        f"instance, or register the name as an entry point of the group {GROUP!r}"
    )
