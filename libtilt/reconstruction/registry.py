"""Which methods there are, and how one is picked by name, class or instance."""

from __future__ import annotations

from libtilt.errors.options import resolve
from libtilt.reconstruction.cgls import CGLS
from libtilt.reconstruction.method import Method
from libtilt.reconstruction.sirt import SIRT
from libtilt.reconstruction.tv import TV
from libtilt.reconstruction.wbp import WBP

METHODS: dict[str, type[Method]] = {method.name: method for method in (WBP, SIRT, CGLS, TV)}
"""The methods of this package by name."""


def resolve_method(method: str | type[Method] | Method) -> Method:
    """Return a method from its name, its class or itself.

    Parameters
    ----------
    method : str, type or Method
        One of "wbp", "sirt", "cgls" and "tv", a class that needs no arguments, or an instance.

    Raises
    ------
    ValueError
        If there is no method of that name.
    TypeError
        If it is none of the three.

    Examples
    --------
    >>> from libtilt.reconstruction import resolve_method
    >>> resolve_method("cgls")
    CGLS(iterations=10, damping=0.0, tolerance=1e-06)
    """
    return resolve(method, METHODS, Method, "method")
