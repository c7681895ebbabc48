"""The reference implementation, and its agreement with the SciPy backend."""

import numpy as np
import pytest
from helpers import arrays, relative_error, specs

from libtilt.backends import SciPyBackend, SparseBackend
from libtilt.testing import make_spec
from libtilt.testing.reference import adjoint_by_voxels, forward_by_rays, interpolate


def test_the_reference_interpolates_between_samples_and_towards_zero():
    array = np.array([[1.0, 3.0], [5.0, 7.0]])
    positions = np.array([[0, 0], [0.5, 0.5], [-0.25, 0], [1, 1.75], [-1, 0], [0, 2], [9, 9]])
    assert interpolate(array, positions).tolist() == [1, 4, 0.75, 1.75, 0, 0, 0]


@pytest.mark.parametrize("case", ["single axis, spacings differ", "any rotation, spacings differ"])
def test_the_reference_pairs_and_their_transposes_satisfy_the_laws(case):
    """The reference has one direction of each pair; SciPy's other direction is its transpose."""
    for driven, literal in (("ray", forward_by_rays), ("voxel", adjoint_by_voxels)):
        spec = make_spec(case, driven=driven)
        volume, images = arrays(spec)
        backend = SciPyBackend()
        if driven == "ray":
            left = np.vdot(literal(spec, volume), images)
            right = np.vdot(volume, backend.adjoint(spec, images))
        else:
            left = np.vdot(literal(spec, images), volume)
            right = np.vdot(images, backend.forward(spec, volume))
        assert left == pytest.approx(right, rel=1e-10)


@pytest.mark.parametrize(
    ("case", "dtype", "driven"), specs(SparseBackend()), ids=lambda value: value
)
def test_sparse_and_scipy_agree(case, dtype, driven):
    spec = make_spec(case, dtype=dtype, driven=driven)
    volume, images = arrays(spec)
    tolerance = {"float32": 1e-6, "float64": 1e-12}[dtype]
    sparse, scipy = SparseBackend(), SciPyBackend()
    assert relative_error(sparse.forward(spec, volume), scipy.forward(spec, volume)) < tolerance
    assert relative_error(sparse.adjoint(spec, images), scipy.adjoint(spec, images)) < tolerance
