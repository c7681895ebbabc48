"""The laws of a backend, and `check_backend`, which checks all of them."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import DRIVEN, Backend, SamplingSpec
from libtilt.backends.registry import resolve_backend
from libtilt.errors import UnsupportedSpecError
from libtilt.errors.checks import locked
from libtilt.testing.cases import CASES, TOLERANCES, make_spec, random_arrays
from libtilt.testing.forked import law_fork
from libtilt.testing.locality import law_local
from libtilt.testing.reference import adjoint_by_voxels, forward_by_rays

SMOOTH_TOLERANCE = 0.2
"""Relative difference from the conventions that other operators may have on smooth data."""


def check_backend(
    backend: str | type[Backend] | Backend, *, cases: Iterable[str] | None = None
) -> None:
    """Check a backend against every law, for both dtypes and pairs, and every case it supports.

    Parameters
    ----------
    backend : str, type or Backend
        A registered name, a class or an instance.
    cases : iterable of str, optional
        Names in `libtilt.testing.CASES`; by default all of them.

    Raises
    ------
    AssertionError
        If the backend breaks a law, naming the law, the case and the error; or if it supports
        none of the cases.

    Examples
    --------
    >>> from libtilt.backends import SparseBackend
    >>> from libtilt.testing import check_backend
    >>> check_backend(SparseBackend(), cases=["identity", "tilts about x"])
    """
    backend = resolve_backend(backend)
    supported = 0
    for case in CASES if cases is None else cases:
        for dtype in TOLERANCES:
            for driven in DRIVEN:
                spec = make_spec(case, dtype=dtype, driven=driven)
                refused = backend.unsupported(spec) is not None
                laws = REFUSAL if refused else LAWS if supported else {**LAWS, **ONCE}
                supported += not refused
                for name, law in laws.items():
                    try:
                        law(backend, spec)
                    except Exception as error:
                        raise AssertionError(
                            f"{backend!r}, law {name!r}, case {case!r}, {dtype}, "
                            f"driven {driven!r}: {error}"
                        ) from error
    assert supported, f"{backend!r} supports none of the cases"


def _assert_close(got: NDArray[Any], expected: NDArray[Any], spec: SamplingSpec, law: str) -> None:
    error = float(np.linalg.norm(got.astype(np.float64) - expected))
    size = float(np.linalg.norm(expected.astype(np.float64)))
    tolerance = TOLERANCES[spec.dtype.name]
    assert error <= tolerance * max(size, 1e-300), (
        f"{law}: relative error {error / max(size, 1e-300):.2g}, allowed {tolerance:g}"
    )


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
    # Half noise, half projection: against noise alone, <A x, y> nearly vanishes, and a wrong scale
    # would go unnoticed.
    alike = projected * (np.linalg.norm(images) / max(float(np.linalg.norm(projected)), 1e-300))
    images = (images + alike).astype(spec.dtype)
    backprojected = backend.adjoint(spec, images).astype(np.float64)
    left, right = np.vdot(projected, images), np.vdot(volume, backprojected)
    size = np.linalg.norm(projected) * np.linalg.norm(images)
    tolerance = TOLERANCES[spec.dtype.name]
    assert abs(left - right) <= tolerance * size, (
        f"adjoint: <A x, y> = {left:.12g}, <x, A.T y> = {right:.12g}, "
        f"relative mismatch {abs(left - right) / size:.2g}, allowed {tolerance:g}"
    )


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
        _assert_close(mixed, parts, spec, f"linearity of {name}")


def law_conventions(backend: Backend, spec: SamplingSpec) -> None:
    """Check a backend against the literal translation of the conventions.

    A trilinear backend must agree for any data. Other operators must come close for smooth data,
    which a wrong sign, scale or orientation would not.
    """
    if not backend.trilinear:
        _check_smooth(backend, spec)
        return
    given, expected = _reference(spec, smooth=False)
    got = (backend.forward if spec.driven == "ray" else backend.adjoint)(spec, given)
    _assert_close(got, expected, spec, f"{spec.driven}s of the conventions")


def _check_smooth(backend: Backend, spec: SamplingSpec) -> None:
    sampled = spec.volume_shape if spec.driven == "ray" else spec.image_shape
    if min(sampled) < 6:
        return  # Too few samples for smooth data.
    given, expected = _reference(spec, smooth=True)
    got = (backend.forward if spec.driven == "ray" else backend.adjoint)(spec, given)
    error = float(np.linalg.norm(got - expected) / np.linalg.norm(expected))
    assert error < SMOOTH_TOLERANCE, (
        f"smooth data: relative difference {error:.2g} from the conventions, "
        f"allowed {SMOOTH_TOLERANCE:g}"
    )


def _reference(spec: SamplingSpec, *, smooth: bool) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return data of the spec's dtype, and what the conventions compute from them."""
    where = spec.grids.tobytes(), spec.volume_shape, spec.image_shape
    return _compute_reference(*where, spec.dtype.name, spec.driven, smooth)


@functools.lru_cache(maxsize=512)
def _compute_reference(
    grids: bytes,
    volume_shape: tuple[int, ...],
    image_shape: tuple[int, ...],
    dtype: str,
    driven: str,
    smooth: bool,
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Compute the slow reference once for all backends."""
    spec = SamplingSpec(
        grids=np.frombuffer(grids).reshape(-1, 3, 4),
        volume_shape=volume_shape,
        image_shape=image_shape,
        dtype=dtype,
        driven=driven,
    )
    volume, images = random_arrays(spec)
    if smooth:
        volume = _smooth(volume_shape)
        images = np.stack([_smooth(image_shape)] * len(spec.grids))
    if driven == "ray":
        given, expected = volume, forward_by_rays(spec, volume.astype(np.float64))
    else:
        given, expected = images, adjoint_by_voxels(spec, images.astype(np.float64))
    return locked(given.astype(spec.dtype)), locked(expected)


def _smooth(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return two unequal blobs off the center, which no mirror maps onto themselves."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    total = np.zeros(shape)
    for height, width, place in ((1.0, 0.25, (-0.3, 0.25, 0.35)), (3.0, 0.12, (0.35, 0.3, -0.3))):
        distances = [(axis - p) ** 2 for axis, p in zip(axes, place, strict=False)]
        total += height * np.exp(-np.sum(distances, axis=0) / (2 * width))
    return total


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
    assert copy == backend, f"pickle: expected {backend!r}, got {copy!r}"
    same = np.array_equal(copy.forward(spec, volume), backend.forward(spec, volume))
    assert same, "pickle: the copy computes different bits"


LAWS: dict[str, Callable[[Backend, SamplingSpec], None]] = {
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
