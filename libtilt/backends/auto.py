"""`AutoBackend`: the fastest installed backend for a spec."""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.util import find_spec
from typing import ClassVar

import attrs

from libtilt.backends.base import Backend, Plan, PlannedBackend, SamplingSpec
from libtilt.backends.registry import load_backend
from libtilt.backends.scipy import SciPyBackend
from libtilt.backends.single_axis import SingleAxisLayout
from libtilt.backends.sparse import SparseBackend
from libtilt.errors.installing import pip_install
from libtilt.errors.log import logger
from libtilt.errors.warning import warn

_REINSTALL = "pip install --force-reinstall numba llvmlite"
# Voxels times tilts per second on two cores, and how many times as fast numba is.
_SLOW = {"scipy": (1.5e7, "tens to hundreds of"), "sparse": (3e9, "several")}
_LONG = 10.0
"""Seconds from which a slow backend is worth a warning."""

_TRILINEAR_FOR_PARTS = (
    "numba, trilinear: parts of a whole need an operator that can be cut into blocks; for a whole "
    "volume auto selects factorized, whose values differ, mostly on noise. Pass backend='numba' "
    "for equal values"
)

_warned: dict[str, object] = {}


@attrs.frozen
class AutoBackend(PlannedBackend):
    """Select the fastest installed backend for each spec.

    With numba: mode "rows" where rays stay in planes of the volume, else mode "factorized", which
    approximates line integrals as well as the trilinear operator and is more than ten times as
    fast. Without numba: sparse where it applies, else scipy, with one warning per process if it
    would take more than ten seconds for a projection. `explain` gives the choice and its reason.

    Examples
    --------
    >>> from libtilt import Projector, TiltGeometry
    >>> Projector(TiltGeometry.from_tilt_angles([0])).backend
    AutoBackend()
    """

    name: ClassVar[str] = "auto"

    @property
    def trilinear(self) -> bool:
        """Whether the backend interpolates linearly for every spec: only without numba."""
        return bool(_numba_problem())

    def choose(self, spec: SamplingSpec, *, local: bool = False) -> Backend:
        """Return the backend that `plan` uses for a spec.

        Parameters
        ----------
        spec : SamplingSpec
            Spec to compute.
        local : bool, optional
            Whether to take the fastest backend whose operator can be cut into blocks (`local` is
            "full"), for computing parts of a whole.

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
        backend, reason = _choose(spec)
        if local and backend.local != "full":
            backend, reason = load_backend("numba")(), _TRILINEAR_FOR_PARTS
        logger.info("backend: auto selects %s", reason)
        _warn_if_slow(backend, reason, spec)
        return backend

    def explain(self, spec: SamplingSpec) -> str:
        """Return the backend that `choose` takes for a spec, and the reason, as one sentence.

        Examples
        --------
        >>> from libtilt.backends import AutoBackend
        >>> from libtilt.testing import make_spec
        >>> AutoBackend().explain(make_spec("single axis, even sizes"))
        'numba, rows: the tilt axis runs along y of volume and images'
        """
        _, reason = _choose(spec)
        return reason

    def plan(self, spec: SamplingSpec) -> Plan:
        """Return the plan of the chosen backend."""
        return self.choose(spec).plan(spec)


def _choose(spec: SamplingSpec) -> tuple[Backend, str]:
    """Return the backend for a spec, and the reason."""
    layout = SingleAxisLayout.find(spec)
    problem = _numba_problem()
    if not problem:
        numba = load_backend("numba")
        if layout is None:
            reason = "numba, factorized: rays leave the planes of the volume"
            return numba(mode="factorized"), reason
        # Mode "auto" takes rows here, but also supports copies with another geometry.
        return numba(), f"numba, rows: {_describe_axis(layout)}"
    if layout is None:
        needs = "sparse needs a tilt axis along an axis of the volume"
        return SciPyBackend(), f"scipy: {problem}, and {needs}"
    return SparseBackend(), f"sparse: {problem}, and {_describe_axis(layout)}"


def _warn_if_slow(backend: Backend, reason: str, spec: SamplingSpec) -> None:
    """Warn, once for each backend, if it takes long and an extra would bring a faster one."""
    if backend.name not in _SLOW or backend.name in _warned or find_spec("numba") is not None:
        return
    mark = object()
    rate, factor = _SLOW[backend.name]
    long = len(spec.grids) * math.prod(spec.volume_shape) > rate * _LONG
    # The first of several threads warns: `setdefault` is atomic.
    if long and _warned.setdefault(backend.name, mark) is mark:
        slow = f"backend 'auto' selects {reason}; numba is {factor} times as fast"
        warn(slow)


def _describe_axis(layout: SingleAxisLayout) -> str:
    volume, images = "xyz"[layout.axis], "xy"[layout.detector_axis]
    if volume == images:
        return f"the tilt axis runs along {volume} of volume and images"
    return f"the tilt axis runs along {volume} of the volume and {images} of the images"


@lru_cache(maxsize=1)
def _numba_problem() -> str:
    """Return why numba cannot be used, or an empty text; warn if it is broken."""
    if find_spec("numba") is None:
        return f"numba is not installed ({pip_install('fast')})"
    try:
        load_backend("numba")
    except Exception as error:  # A broken installation can raise any exception.
        cause = error.__cause__ or error
        problem = f"numba is installed, but its import fails ({type(cause).__name__}: {cause})"
        remedy = f"projections are slower without it; to repair it, run {_REINSTALL}"
        warn(f"{problem}: {remedy}")
        return problem
    return ""
