"""`AutoBackend`: the fastest installed backend that computes the plain trilinear operator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import attrs

from libtilt.backends.base import Backend, Plan, PlannedBackend, SamplingSpec
from libtilt.backends.registry import resolve_backend

PREFERENCE = ("numba", "sparse", "scipy")


@attrs.frozen
class AutoBackend(PlannedBackend):
    """Hand each spec to the fastest installed backend that computes the plain operator on it.

    That is numba, else sparse where it applies, else scipy.

    Examples
    --------
    >>> from libtilt import Projector, TiltGeometry
    >>> Projector(TiltGeometry.from_tilt_angles([0])).backend
    AutoBackend()
    """

    name: ClassVar[str] = "auto"

    def choose(self, spec: SamplingSpec) -> Backend:
        """Return the backend that `plan` would use.

        Parameters
        ----------
        spec : SamplingSpec
            What to compute.

        Returns
        -------
        Backend

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt.backends import AutoBackend, SamplingSpec
        >>> grids = np.eye(3, 4)[None]
        >>> spec = SamplingSpec(grids=grids, volume_shape=(4, 4, 4), image_shape=(4, 4))
        >>> AutoBackend().choose(spec).trilinear
        True
        """
        return next(backend for backend in _installed() if not backend.unsupported(spec))

    def explain(self, spec: SamplingSpec) -> str:
        """Return which backend is taken."""
        return self.choose(spec).name

    def plan(self, spec: SamplingSpec) -> Plan:
        """Return the plan of the chosen backend."""
        return self.choose(spec).plan(spec)


def _installed() -> Iterator[Backend]:
    for name in PREFERENCE:
        try:
            yield resolve_backend(name)
        except ImportError:
            continue
