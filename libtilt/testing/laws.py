"""The laws of a backend, and `check_backend`, which checks all of them."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import DRIVEN, Backend, SamplingSpec
from libtilt.backends.registry import resolve_backend
from libtilt.errors import UnsupportedSpecError
from libtilt.progress import ProgressOption, reporting
from libtilt.testing.agreement import assert_close, law_conventions
from libtilt.testing.cases import CASES, TOLERANCES, make_spec, random_arrays
from libtilt.testing.forked import law_fork
from libtilt.testing.locality import law_local

Law = Callable[[Backend, SamplingSpec], None]


def check_backend(
    backend: str | type[Backend] | Backend,
    *,
    cases: Iterable[str] | None = None,
    progress: ProgressOption = False,
) -> tuple[str, ...]:
    """Check a backend against every law, for both dtypes and pairs, and every case it supports.

    Parameters
    ----------
    backend : str, type or Backend
        A registered name, a class or an instance.
    cases : iterable of str, optional
        Names in `libtilt.testing.CASES`; by default all of them.
    progress : bool or callable, optional
        True shows a bar, a callable is called as ``progress(done, total)``; see
        `libtilt.progress`.

    Returns
    -------
    tuple of str
        Names of the laws that were checked.

    Raises
    ------
    AssertionError
        If the backend breaks a law, naming the law, the case and the error; or if it supports
        none of the cases.

    Examples
    --------
    >>> from libtilt.backends import SparseBackend
    >>> from libtilt.testing import check_backend
    >>> check_backend(SparseBackend(), cases=["identity", "tilts about x"])[:3]
    ('shapes and dtypes', 'adjoint', 'linear')
    """
    backend = resolve_backend(backend)
    supported: list[str] = []
    checked: dict[str, None] = {}
    runs = list(itertools.product(CASES if cases is None else cases, TOLERANCES, DRIVEN))
    with reporting(progress, "checking") as report:
        for done, (case, dtype, driven) in enumerate(runs, 1):
            spec = make_spec(case, dtype=dtype, driven=driven)
            refused = backend.unsupported(spec) is not None
            laws = REFUSAL if refused else LAWS if supported else {**LAWS, **ONCE}
            supported += [] if refused else [case]
            checked |= dict.fromkeys(laws)
            require_laws(laws, backend, spec, f"case {case!r}, {dtype}, driven {driven!r}")
            if report is not None:
                report(done, len(runs))
    assert supported, f"{_describe(backend)} supports none of the cases"
    return tuple(checked)


def require_laws(laws: Mapping[str, Law], backend: Backend, spec: SamplingSpec, case: str) -> None:
    """Raise an AssertionError that names the backend, the law and the case if one is broken."""
    for name, law in laws.items():
        try:
            law(backend, spec)
        except Exception as error:
            raise AssertionError(f"{_describe(backend)}, law {name!r}, {case}: {error}") from error


def _describe(backend: Any) -> str:
    """Return the `repr` of an object, or the name of its class if it has none of its own."""
    kind: Any = type(backend)
    return kind.__name__ if kind.__repr__ is object.__repr__ else repr(backend)


def law_unsupported(backend: Backend, spec: SamplingSpec) -> None:
    """Check that `plan` raises an `UnsupportedSpecError` for a spec that `unsupported` refuses."""
    try:
        backend.plan(spec)
    except UnsupportedSpecError:
        return
    raise AssertionError(
        "plan must raise an UnsupportedSpecError for a spec that unsupported() refuses: "
        "call require_supported(spec) first"
    )


def law_shapes_and_dtypes(backend: Backend, spec: SamplingSpec) -> None:
    """Check the shapes and dtype of results, and that arguments are not modified."""
    volume, images = random_arrays(spec)
    kept = volume.copy(), images.copy()
    volume.flags.writeable = images.flags.writeable = False
    projected, backprojected = backend.forward(spec, volume), backend.adjoint(spec, images)
    assert projected.shape == spec.images_shape, f"forward returns shape {projected.shape}"
    assert backprojected.shape == spec.volume_shape, f"adjoint returns shape {backprojected.shape}"
    for name, array in (("forward", projected), ("adjoint", backprojected)):
        assert array.dtype == spec.dtype, f"{name} returns {array.dtype}, expected {spec.dtype}"
    assert (volume == kept[0]).all(), "forward modifies the volume"
    assert (images == kept[1]).all(), "adjoint modifies the images"


def law_adjoint(backend: Backend, spec: SamplingSpec) -> None:
    """Check that ``<A x, y> = <x, A.T y>``, relative to the norms."""
    volume, images = random_arrays(spec)
    projected = backend.forward(spec, volume).astype(np.float64)
    _require_values(projected, "adjoint: all projections")
    # Half noise, half projection: against noise alone, <A x, y> nearly vanishes, and a wrong scale
    # would go unnoticed.
    alike = projected * (np.linalg.norm(images) / max(float(np.linalg.norm(projected)), 1e-300))
    images = (images + alike).astype(spec.dtype)
    backprojected = backend.adjoint(spec, images).astype(np.float64)
    _require_values(backprojected, "adjoint: all backprojections")
    left, right = np.vdot(projected, images), np.vdot(volume, backprojected)
    size = np.linalg.norm(projected) * np.linalg.norm(images)
    tolerance = TOLERANCES[spec.dtype.name]
    assert abs(left - right) <= tolerance * size, (
        f"adjoint: <A x, y> = {left:.12g}, <x, A.T y> = {right:.12g}, "
        f"relative mismatch {abs(left - right) / size:.2g}, allowed {tolerance:g}"
    )


def _require_values(result: NDArray[Any], what: str) -> None:
    """Assert that the result of random data has no NaN and is not zero everywhere."""
    assert result.any(), f"{what} of random data are zero"
    finite = np.isfinite(result).all()
    assert finite, f"{what.replace('all ', '')} of random data have NaN or infinite values"


def law_linear(backend: Backend, spec: SamplingSpec) -> None:
    """Check that forward and adjoint are linear."""
    volume, images = random_arrays(spec)
    plan = backend.plan(spec)
    for name, apply, array in (
        ("forward", plan.forward, volume),
        ("adjoint", plan.adjoint, images),
    ):
        other = np.ascontiguousarray(array[::-1])
        mixed = apply((2 * array - 3 * other).astype(spec.dtype))
        parts = 2 * apply(array).astype(np.float64) - 3 * apply(other)
        assert_close(mixed, parts, spec, f"linearity of {name}")


def law_threads(backend: Backend, spec: SamplingSpec) -> None:
    """Check that simultaneous calls from several threads return the same bits.

    All of them share a new plan, so that its lazy preparation runs in parallel, too.
    """
    volume, images = random_arrays(spec)
    projected, backprojected = backend.forward(spec, volume), backend.adjoint(spec, images)
    plan = backend.plan(spec)
    with ThreadPoolExecutor(4) as pool:
        calls = [
            (pool.submit(plan.forward, volume), pool.submit(plan.adjoint, images)) for _ in range(2)
        ]
        forwards, adjoints = zip(*((f.result(), a.result()) for f, a in calls), strict=True)
    same = all(np.array_equal(each, projected) for each in forwards)
    assert same, "threads: simultaneous calls of forward differ"
    same = all(np.array_equal(each, backprojected) for each in adjoints)
    assert same, "threads: simultaneous calls of adjoint differ"


def law_plan(backend: Backend, spec: SamplingSpec) -> None:
    """Check that a plan computes the same bits as the backend itself, at every call."""
    volume, images = random_arrays(spec)
    projected, backprojected = backend.forward(spec, volume), backend.adjoint(spec, images)
    plan = backend.plan(spec)
    for _ in range(2):
        same = np.array_equal(plan.forward(volume), projected)
        assert same, "plan: forward differs from the backend's"
        same = np.array_equal(plan.adjoint(images), backprojected)
        assert same, "plan: adjoint differs from the backend's"


def law_pickle(backend: Backend, spec: SamplingSpec) -> None:
    """Check that a backend survives pickling and computes the same bits."""
    volume, _ = random_arrays(spec)
    copy = pickle.loads(pickle.dumps(backend))
    assert copy == backend, (
        f"pickle: a copy must equal the backend, but expected {_describe(backend)}, got "
        f"{_describe(copy)}: backends compare and pickle by their fields; decorate "
        f"{type(backend).__name__} with @libtilt.frozen"
    )
    same = np.array_equal(copy.forward(spec, volume), backend.forward(spec, volume))
    assert same, "pickle: the copy computes different bits"


LAWS: dict[str, Law] = {
    "shapes and dtypes": law_shapes_and_dtypes,
    "adjoint": law_adjoint,
    "linear": law_linear,
    "conventions": law_conventions,
    "plan": law_plan,
    "threads": law_threads,
    "pickle": law_pickle,
    "local": law_local,
}
"""The laws by name: functions of a backend and a spec that it supports."""

ONCE = {"fork": law_fork}
"""Laws that do not depend on the spec: `check_backend` checks them on the first supported one."""

REFUSAL = {"refusal": law_unsupported}
"""The law for specs that a backend does not support."""
