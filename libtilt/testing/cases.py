"""The cases that laws are checked on: shapes, spacings, orientations and shifts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.spatial.transform import Rotation

from libtilt.backends.base import SamplingSpec
from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid
from libtilt.projector import Projector

TOLERANCES = {"float32": 5e-6, "float64": 1e-12}
"""Largest relative error allowed for each dtype."""

_SEED = 20
_SHIFTS = ((0.0, 0.0), (1.0, -2.0), (0.3, 0.7), (-2.4, 1.1), (5.5, -0.5))


def _single_axis(**options: Any) -> TiltGeometry:
    return TiltGeometry.from_tilt_angles([-60, -17, 0, 41, 90], shifts=_SHIFTS, **options)


def _turned(rotations: Rotation, **options: Any) -> TiltGeometry:
    return TiltGeometry.from_rotations(rotations, shifts=_SHIFTS[: len(rotations)], **options)


def _case(
    geometry: TiltGeometry,
    volume_shape: tuple[int, ...],
    image_shape: tuple[int, ...],
    voxel_size: ArrayLike = 1.0,
    pixel_size: float = 1.0,
    center: ArrayLike = (0.0, 0.0, 0.0),
) -> Projector:
    return Projector(
        geometry,
        volume_grid=VolumeGrid(volume_shape, voxel_size, center),
        image_grid=ImageGrid(image_shape, pixel_size),
        backend="scipy",
    )


CASES: dict[str, Projector] = {
    "identity": _case(TiltGeometry.from_tilt_angles([0.0]), (5, 6, 7), (6, 7)),
    "single axis, even sizes": _case(_single_axis(), (8, 10, 12), (10, 12)),
    "single axis, odd sizes": _case(_single_axis(), (7, 9, 11), (9, 11)),
    "single axis, small detector": _case(_single_axis(), (12, 9, 10), (5, 4)),
    "single axis, large detector": _case(_single_axis(), (4, 5, 6), (9, 16)),
    "single axis, one voxel": _case(_single_axis(), (1, 1, 1), (3, 4)),
    "single axis, spacings differ": _case(
        _single_axis(), (7, 8, 9), (10, 9), (1.5, 0.8, 1.1), 1.25
    ),
    "tilt axis along x": _case(
        _single_axis(tilt_axis_angle=90), (7, 9, 8), (8, 11), (1.2, 1.2, 1.2), 1.2
    ),
    "tilts about x": _case(
        TiltGeometry.from_tilt_angles([0, 0, 0], x_tilts=[-50, 10, 75], shifts=_SHIFTS[:3]),
        (8, 9, 7),
        (9, 8),
    ),
    "tilt axis along z": _case(
        _turned(Rotation.from_euler("xz", [[90, -50], [90, 20], [90, 75]], degrees=True)),
        (9, 7, 8),
        (8, 10),
    ),
    "tilt axis at 85 degrees": _case(
        _single_axis(tilt_axis_angle=85.3, x_tilts=[0, 1, -2, 3, 0]), (7, 10, 9), (10, 9)
    ),
    "any rotation": _case(_turned(Rotation.random(5, random_state=7)), (9, 8, 7), (8, 10)),
    "any rotation, magnified": _case(
        _turned(
            Rotation.random(3, random_state=9),
            magnifications=[
                [[1.05, 0.0], [0.0, 1.05]],
                [[0.97, 0.04], [0.02, 1.03]],
                [[1.3, -0.2], [0.1, 0.8]],
            ],
        ),
        (9, 8, 7),
        (8, 10),
    ),
    "single axis, magnified": _case(
        _single_axis(magnifications=[[1.02, 0.0], [0.0, 0.97]]), (8, 9, 10), (10, 12)
    ),
    "any rotation, spacings differ": _case(
        _turned(Rotation.random(4, random_state=8)), (6, 9, 8), (9, 7), (1.0, 1.3, 0.7), 0.9
    ),
    "single axis, beside the rotation center": _case(
        _single_axis(), (5, 6, 7), (9, 12), 1.0, 1.0, (2.0, -1.0, 3.0)
    ),
    "any rotation, beside the rotation center": _case(
        _turned(Rotation.random(3, random_state=5)),
        (6, 5, 7),
        (9, 10),
        (1.1, 0.9, 1.0),
        1.2,
        (-2.3, 1.4, 3.1),
    ),
}
"""The projector of each case, by name; its backend does not matter."""


def make_spec(case: str, *, dtype: DTypeLike = np.float64, driven: str = "ray") -> SamplingSpec:
    """Return the sampling spec of a case.

    Parameters
    ----------
    case : str
        A name in `CASES`.
    dtype : dtype, optional
        float32 or float64.
    driven : {"ray", "voxel"}, optional
        Projector pair.

    Returns
    -------
    SamplingSpec

    Raises
    ------
    KeyError
        If no case has this name.

    Examples
    --------
    >>> from libtilt.testing import make_spec
    >>> make_spec("identity").volume_shape
    (5, 6, 7)
    """
    return CASES[case].evolve(driven=driven).spec(dtype)


def random_arrays(spec: SamplingSpec) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a seeded random volume and random images of the spec's shapes and dtype."""
    rng = np.random.default_rng(_SEED)
    volume = rng.normal(size=spec.volume_shape).astype(spec.dtype)
    return volume, rng.normal(size=spec.images_shape).astype(spec.dtype)
