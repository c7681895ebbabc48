"""The laws of backends and projectors, to test your own.

Examples
--------
>>> from libtilt.backends import SciPyBackend
>>> from libtilt.testing import check_backend
>>> check_backend(SciPyBackend(), cases=["single axis, odd sizes"])[:3]
('shapes and dtypes', 'adjoint', 'linear')
"""

from libtilt.testing.cases import CASES, TOLERANCES, make_spec
from libtilt.testing.laws import LAWS, check_backend
from libtilt.testing.projectors import PROJECTOR_LAWS, check_projector

__all__ = [
    "CASES",
    "LAWS",
    "PROJECTOR_LAWS",
    "TOLERANCES",
    "check_backend",
    "check_projector",
    "make_spec",
]
