"""`AutoBackend`: the fastest installed backend for the grids at hand."""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib.util import find_spec
from typing import ClassVar, cast

import attrs

from libtilt.backends.base import Backend, Plan, PlannedBackend, SamplingSpec
from libtilt.backends.registry import load_backend
from libtilt.backends.scipy import SciPyBackend
from libtilt.backends.single_axis import SingleAxisLayout
from libtilt.backends.sparse import SparseBackend

_MISSING = "numba is not installed (pip install 'libtilt[fast]')"
_MEND = "pip install --force-reinstall numba llvmlite"


@attrs.frozen
class AutoBackend(PlannedBackend):
    """Hand each spec to the fastest installed backend.

    With numba: rows where rays stay in planes of the volume, else the factorized operator, which is
    as near to the line integrals as the plain one and more than ten times as fast. Without: sparse
    where it applies, else scipy. `explain` says which one, and why.

    Examples
    --------
    >>> from libtilt import Projector, TiltGeometry
    >>> Projector(TiltGeometry.from_tilt_angles([0])).backend
    AutoBackend()
    """

    name: ClassVar[str] = "auto"

    @property
    def trilinear(self) -> bool:
        """Whether it computes the plain operator on any spec: only where numba is not there."""
        return bool(_numba_fails())

    def choose(self, spec: SamplingSpec, *, local: bool = False) -> Backend:
        """Return the backend that `plan` would use.

        Parameters
        ----------
        spec : SamplingSpec
            What to compute.
        local : bool, optional
            Whether to take the fastest whose operator may be cut into blocks (``local`` is
            "full"), for who computes parts of something whole.

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
        backend, _ = _choice(spec)
        if local and backend.local != "full":
            return cast(Backend, load_backend("numba")())
        return backend

    def explain(self, spec: SamplingSpec) -> str:
        """Return a sentence that says which backend is taken for a spec, and why.

        Parameters
        ----------
        spec : SamplingSpec
            What to compute.

        Returns
        -------
        str

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt.backends import AutoBackend, SamplingSpec
        >>> grids = np.eye(3, 4)[None]
        >>> spec = SamplingSpec(grids=grids, volume_shape=(4, 4, 4), image_shape=(4, 4))
        >>> AutoBackend().explain(spec)
        'numba, rows: the tilt axis runs along y of volume and images'
        """
        _, reason = _choice(spec)
        return reason

    def plan(self, spec: SamplingSpec) -> Plan:
        """Return the plan of the chosen backend."""
        return self.choose(spec).plan(spec)


def _choice(spec: SamplingSpec) -> tuple[Backend, str]:
    """Return the backend for a spec, and why it is that one."""
    layout = SingleAxisLayout.find(spec)
    fails = _numba_fails()
    if not fails:
        numba = load_backend("numba")
        if layout is None:
            reason = "numba, factorized: rays leave the planes of the volume"
            return numba(mode="factorized"), reason
        # Its mode "auto" takes rows there, and still computes where a copy has another geometry.
        return numba(), f"numba, rows: {_along(layout)}"
    if layout is None:
        needs = "sparse needs a tilt axis along an axis of the volume"
        return SciPyBackend(), f"scipy: {fails}, and {needs}"
    return SparseBackend(), f"sparse: {fails}, and {_along(layout)}"


def _along(layout: SingleAxisLayout) -> str:
    volume, images = "xyz"[layout.axis], "xy"[layout.detector_axis]
    where = f"{volume} of volume and images"
    if volume != images:
        where = f"{volume} of the volume and {images} of the images"
    return f"the tilt axis runs along {where}"


@lru_cache(maxsize=1)
def _numba_fails() -> str:
    """Return why numba is not used, or an empty text where it is; warn where it is broken."""
    if find_spec("numba") is None:
        return _MISSING
    try:
        load_backend("numba")
    except Exception as error:  # What is broken fails in any way.
        cause = error.__cause__ or error
        fails = f"numba is installed, but its import fails ({type(cause).__name__}: {cause})"
        slower = "projections are slower without it; mend it by"
        warnings.warn(f"{fails}: {slower} {_MEND}", stacklevel=2)
        return fails
    return ""
