"""What several test files share: backends, specs, a phantom without symmetry, broken backends."""

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
import types

import attrs
import imageio.v3 as iio
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.transform import Rotation

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.backends import AutoBackend, Backend, SciPyBackend, SparseBackend
from libtilt.backends.base import DRIVEN
from libtilt.backends.fourier import FourierBackend
from libtilt.backends.numba import NumbaBackend
from libtilt.drawing import Animation, Panel, Style
from libtilt.geometry.per_tilt import PER_TILT
from libtilt.testing import CASES, TOLERANCES, make_spec

BACKENDS = {
    "auto": AutoBackend(),
    "fourier": FourierBackend(),
    "numba-rows": NumbaBackend(mode="rows"),
    "numba-exact": NumbaBackend(mode="exact"),
    "numba-factorized": NumbaBackend(mode="factorized"),
    "scipy-0": SciPyBackend(order=0, threads=1),
    "scipy-1": SciPyBackend(order=1, threads=1),
    "scipy-3": SciPyBackend(order=3, threads=1),
    "sparse": SparseBackend(),
}
EVERY_BACKEND = [pytest.param(backend, id=name) for name, backend in BACKENDS.items()]
# Where the volume is no band-limited one, a Fourier slice of it is another thing: these sample.
SAMPLING = [
    pytest.param(backend, id=name) for name, backend in BACKENDS.items() if name != "fourier"
]
TRILINEAR = [
    pytest.param(backend, id=name) for name, backend in BACKENDS.items() if backend.trilinear
]

FUNCTIONS = (types.FunctionType, classmethod, staticmethod)

# Three distinct blobs off the center: no rotation or mirror maps them onto themselves.
BLOBS = GaussianBlobs(
    [[4.5, -2.0, 5.0], [-5.0, 3.5, -1.5], [1.5, 5.0, 2.5]],
    sigmas=[1.6, 1.8, 1.5],
    amplitudes=[1.0, 2.0, 3.0],
)
SINGLE_AXIS = TiltGeometry.from_tilt_angles(
    [-60, -17, 0, 41, 90], shifts=[[0, 0], [1, -2], [0.3, 0.7], [-2.4, 1.1], [2.5, -0.5]]
)
ANY_ROTATION = TiltGeometry.from_rotations(
    Rotation.random(5, random_state=3), shifts=SINGLE_AXIS.shifts
)

quick = settings(derandomize=True, deadline=None, max_examples=25)


def geometry_for(backend):
    """The least regular geometry that a backend takes."""
    any_rotation = make_spec("any rotation")
    return SINGLE_AXIS if backend.unsupported(any_rotation) else ANY_ROTATION


def specs(backend):
    """Case, dtype and driven of every spec that a backend takes."""
    return [
        (case, dtype, driven)
        for case in CASES
        for dtype in TOLERANCES
        for driven in DRIVEN
        if not backend.unsupported(make_spec(case, dtype=dtype, driven=driven))
    ]


def spec_of(geometry, volume_shape):
    """The spec of projections of a float32 volume on images as large as its slices."""
    return Projector(geometry, volume_shape=volume_shape, voxel_size=1.0).spec()


def arrays(spec, seed=0):
    """A random volume and random images."""
    rng = np.random.default_rng(seed)
    volume = rng.normal(size=spec.volume_shape).astype(spec.dtype)
    return volume, rng.normal(size=spec.images_shape).astype(spec.dtype)


def relative_error(got, expected):
    got, expected = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    assert got.shape == expected.shape
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


@st.composite
def geometries(draw, single_axis=False, max_tilts=3):
    """Geometries with any rotations, or turned about y alone, and any shifts."""
    count = draw(st.integers(1, max_tilts))
    angle = st.floats(-180, 180)

    def angles():
        return draw(st.lists(angle, min_size=count, max_size=count))

    shift = st.tuples(st.floats(-4, 4), st.floats(-4, 4))
    options = {"shifts": draw(st.lists(shift, min_size=count, max_size=count))}
    if not single_axis:
        options |= {"tilt_axis_angle": angles(), "x_tilts": angles()}
    return TiltGeometry.from_tilt_angles(angles(), **options)


@attrs.frozen(slots=False)
class DosedGeometry(TiltGeometry):
    """A geometry with a field of its own and one value per tilt."""

    microscope: str = attrs.field(default="unknown", kw_only=True)
    doses: np.ndarray = attrs.field(
        converter=np.array,
        eq=attrs.cmp_using(eq=np.array_equal),
        kw_only=True,
        metadata=PER_TILT,
    )


@attrs.frozen
class ToyBackend(Backend):
    """The base of the broken ones: hands everything to SciPy."""

    name = "toy"

    def forward(self, spec, volume):
        return SciPyBackend().forward(spec, volume)

    def adjoint(self, spec, images):
        return SciPyBackend().adjoint(spec, images)


def defined_in(package):
    """Functions and classes that the modules of a package define."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        things = vars(importlib.import_module(found.name)).values()
        yield from (one for one in things if getattr(one, "__module__", "") == found.name)


def options_without_names(package):
    """Parameters with a default that may be given by place, of all public functions within."""
    functions = []
    for one in defined_in(package):
        members = vars(one) if inspect.isclass(one) else {}
        functions += [one] if inspect.isfunction(one) else []
        functions += [
            getattr(one, name)
            for name, member in members.items()
            if not name.startswith("_") and isinstance(member, FUNCTIONS)
        ]
    for function in functions:
        for parameter in inspect.signature(function).parameters.values():
            by_place = parameter.kind is not parameter.KEYWORD_ONLY
            if by_place and parameter.default is not parameter.empty:
                yield f"{function.__qualname__}: {parameter.name}"


def save_frames(
    path,
    frames,
    *,
    fps=15.0,
    loop=0,
    width=None,
    max_size=None,
    max_bytes=5_000_000,
    overwrite=False,
    progress=False,
    **style,
):
    """Save frames alone as an animation; the other options are those of their style."""
    animation = Animation(
        Panel(frames, Style(**style)),
        fps=fps,
        loop=loop,
        width=width,
        max_size=max_size,
        max_bytes=max_bytes,
    )
    return animation.save(path, overwrite=overwrite, progress=progress)


def read_gray(path):
    """Frames of a file without colors, `(n, h, w)`."""
    frames = iio.imread(path, index=..., mode="RGB")
    assert (frames[..., 0] == frames[..., 2]).all()
    return frames[..., 0]


def duration_ms(path):
    """Total time of one run."""
    with Image.open(path) as image:
        total = 0
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            total += image.info["duration"]
    return total


def in_another_python(code, **environment):
    """Return the finished run of some code in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
