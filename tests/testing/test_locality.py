"""`Backend.local` of each backend, and the law that checks it."""

from itertools import product

import attrs
import numpy as np
import pytest
from helpers import BACKENDS, ToyBackend, arrays, relative_error

from libtilt.backends import SciPyBackend
from libtilt.backends.base import DRIVEN
from libtilt.testing import LAWS, make_spec
from libtilt.testing.locality import Block


@attrs.frozen
class SaysThatItIsLocal(ToyBackend):
    """Cubic splines, whose filter extends over the whole volume."""

    @property
    def local(self):
        return "full"

    def forward(self, spec, volume):
        return SciPyBackend(order=3).forward(spec, volume)

    def adjoint(self, spec, images):
        return SciPyBackend(order=3).adjoint(spec, images)


def test_the_locality_law_catches_splines_declared_local():
    with pytest.raises(AssertionError, match=r"forward: local is 'full', but the"):
        LAWS["local"](SaysThatItIsLocal(), make_spec("any rotation"))


@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("sparse", "single axis, spacings differ"),
        ("numba-rows", "single axis, spacings differ"),
        ("numba-exact", "any rotation"),
        ("numba-exact", "any rotation, spacings differ"),
    ],
)
def test_blocks_sum_and_stack_to_the_whole(name, case, driven):
    spec = make_spec(case, driven=driven)
    volume, images = arrays(spec)
    projected, backprojected = np.zeros_like(images), np.zeros_like(volume)

    def cuts(size, step):
        return [slice(first, min(first + step, size)) for first in range(0, size, step)]

    sizes = zip(
        (len(images), *spec.volume_shape, *spec.image_shape), (2, 3, 2, 4, 5, 6), strict=True
    )
    for tilts, z, y, x, v, u in product(*(cuts(*each) for each in sizes)):
        plan = BACKENDS[name].plan(Block(tilts, (z, y, x), (v, u)).restrict(spec))
        projected[tilts, v, u] += plan.forward(np.ascontiguousarray(volume[z, y, x]))
        backprojected[z, y, x] += plan.adjoint(np.ascontiguousarray(images[tilts, v, u]))
    whole = BACKENDS[name].plan(spec)
    assert relative_error(projected, whole.forward(volume)) < 1e-12
    assert relative_error(backprojected, whole.adjoint(images)) < 1e-12


def test_each_backend_declares_its_locality():
    assert {name: backend.local for name, backend in BACKENDS.items()} == {
        "auto": "none",
        "fourier": "none",
        "numba-rows": "full",
        "numba-exact": "full",
        "numba-factorized": "tilts",
        "scipy-0": "tilts",
        "scipy-1": "full",
        "scipy-3": "tilts",
        "sparse": "full",
    }
