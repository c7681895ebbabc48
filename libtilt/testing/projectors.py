"""`check_projector`: the laws of a projector with its own model."""

from __future__ import annotations

from typing import Any

import attrs
from numpy.typing import NDArray

from libtilt.backends.base import Backend, SamplingSpec
from libtilt.errors.checks import require_kind
from libtilt.projector import Projector
from libtilt.testing.cases import TOLERANCES
from libtilt.testing.laws import LAWS, require_laws

PROJECTOR_LAWS = {name: LAWS[name] for name in ("shapes and dtypes", "adjoint", "linear")}
"""The laws of `check_projector` by name."""


def check_projector(projector: Projector) -> tuple[str, ...]:
    """Check that a projector is linear and that its adjoint is exact, for both dtypes.

    Parameters
    ----------
    projector : Projector
        Projector of any class that knows both grids, as `Projector.between` makes it.

    Returns
    -------
    tuple of str
        Names of the laws that were checked, of those in `libtilt.testing.LAWS`.

    Raises
    ------
    AssertionError
        If the projector breaks a law, naming the law, the dtype and the error.
    TypeError
        If `projector` is not a `Projector`.
    ValueError
        If the projector does not know its grids.

    Examples
    --------
    >>> from libtilt import Projector, TiltGeometry
    >>> from libtilt.testing import check_projector
    >>> geometry = TiltGeometry.from_tilt_angles([-40, 0, 40])
    >>> check_projector(Projector(geometry, volume_shape=(8, 9, 10)))
    ('shapes and dtypes', 'adjoint', 'linear')
    """
    require_kind(projector, Projector, "projector")
    operator = projector.between()
    for dtype in TOLERANCES:
        spec = operator.spec(dtype)
        require_laws(PROJECTOR_LAWS, _Model(operator), spec, dtype)
    return tuple(PROJECTOR_LAWS)


@attrs.frozen(repr=False)
class _Model(Backend):
    """A projector as a backend of its own spec, which the laws check."""

    name = "model"

    projector: Projector

    def __repr__(self) -> str:
        return type(self.projector).__name__

    def forward(self, spec: SamplingSpec, volume: NDArray[Any]) -> NDArray[Any]:
        return self.projector._forward(volume)

    def adjoint(self, spec: SamplingSpec, images: NDArray[Any]) -> NDArray[Any]:
        return self.projector._adjoint(images)
