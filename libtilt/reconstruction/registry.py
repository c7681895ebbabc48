"""The registry of reconstruction methods."""

from __future__ import annotations

from libtilt.errors.options import resolve
from libtilt.reconstruction.cgls import CGLS
from libtilt.reconstruction.method import Method
from libtilt.reconstruction.sirt import SIRT
from libtilt.reconstruction.tv import TV
from libtilt.reconstruction.wbp import WBP

METHODS: dict[str, type[Method]] = {method.name: method for method in (WBP, SIRT, CGLS, TV)}
"""Methods of this package by name."""


def resolve_method(method: str | type[Method] | Method) -> Method:
    """Return a method from its name, class or instance.

    Parameters
    ----------
    method : str, type or Method
        "wbp", "sirt", "cgls" or "tv", a class with defaults for all options, or an instance.

    Raises
    ------
    ValueError
        If there is no method of that name.
    TypeError
        If `method` is of another type.

    Examples
    --------
    >>> from libtilt.reconstruction import resolve_method
    >>> resolve_method("cgls")
    CGLS(iterations=10, damping=0.0, tolerance=1e-06)
    """
    return resolve(method, METHODS, Method, "method")
