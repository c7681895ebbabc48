"""The laws that every backend must satisfy, to test your own backend.

Examples
--------
>>> from libtilt.backends import SciPyBackend
>>> from libtilt.testing import check_backend
>>> check_backend(SciPyBackend(), cases=["single axis, odd sizes"])
"""

from libtilt.testing.cases import CASES, TOLERANCES, make_spec
from libtilt.testing.laws import LAWS, check_backend

__all__ = ["CASES", "LAWS", "TOLERANCES", "check_backend", "make_spec"]
