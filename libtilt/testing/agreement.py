"""The law that a backend agrees with the conventions, or comes close to them."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.backends.base import Backend, SamplingSpec
from libtilt.errors.checks import locked
from libtilt.testing.cases import TOLERANCES, random_arrays
from libtilt.testing.reference import adjoint_by_voxels, forward_by_rays

SMOOTH_TOLERANCE = 0.2
"""Relative difference from the conventions that other operators may have on smooth data."""

_EXPLAINED = 0.02
"""Relative difference up to which a factor or a mirror explains a result."""


def assert_close(got: NDArray[Any], expected: NDArray[Any], spec: SamplingSpec, law: str) -> None:
    """Assert that two results agree to the tolerance of the spec's dtype."""
    error = float(np.linalg.norm(got.astype(np.float64) - expected))
    size = float(np.linalg.norm(expected.astype(np.float64)))
    tolerance = TOLERANCES[spec.dtype.name]
    assert error <= tolerance * max(size, 1e-300), (
        f"{law}: relative error {error / max(size, 1e-300):.2g}, allowed {tolerance:g}"
    )


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
    law = f"{spec.driven}s of the conventions"
    try:
        assert_close(got, expected, spec, law)
    except AssertionError as error:
        raise AssertionError(f"{error}; {_usual_cause(got, expected, _EXPLAINED)}") from None


def _check_smooth(backend: Backend, spec: SamplingSpec) -> None:
    sampled = spec.volume_shape if spec.driven == "ray" else spec.image_shape
    if min(sampled) < 6:
        return  # Too few samples for smooth data.
    given, expected = _reference(spec, smooth=True)
    got = (backend.forward if spec.driven == "ray" else backend.adjoint)(spec, given)
    error = float(np.linalg.norm(got - expected) / np.linalg.norm(expected))
    assert error < SMOOTH_TOLERANCE, (
        f"smooth data: relative difference {error:.2g} from the conventions, "
        f"allowed {SMOOTH_TOLERANCE:g}; "
        f"{_usual_cause(got, expected, SMOOTH_TOLERANCE)}"
    )


def _usual_cause(got: NDArray[Any], expected: NDArray[np.float64], tolerance: float) -> str:
    """Return the factor or the mirror between two results within a tolerance, or what to check."""
    found = []
    for steps in itertools.product((1, -1), repeat=3):
        mirrored = expected[:: steps[0], :: steps[1], :: steps[2]]
        factor = float(np.vdot(mirrored, got) / np.vdot(mirrored, mirrored))
        rest = float(np.linalg.norm(got - factor * mirrored) / np.linalg.norm(mirrored))
        found.append((rest / max(abs(factor), 1e-300), factor, steps))
    rest, factor, steps = min(found, key=lambda each: each[0])
    if rest > tolerance:
        return "check for a mirrored axis, a center off by half a pixel and a factor per image"
    axes = [f"axis {axis}" for axis, step in enumerate(steps) if step < 0]
    flipped = f", mirrored along {' and '.join(axes)}" if axes else ""
    return f"the result is {factor:.4g} times the expected one{flipped}"


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
