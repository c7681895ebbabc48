"""Operator norms and eigenvalue bounds."""

import numpy as np
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt.projector.norms import eigenvalue_bound, operator_norm


@given(
    size=st.integers(1, 200),
    decay=st.floats(0.0, 3.0),
    seed=st.integers(0, 99),
    dtype=st.sampled_from(["float32", "float64"]),
)
@quick
def test_no_eigenvalue_is_above_the_bound(size, decay, seed, dtype):
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(size, size)))
    values = np.linspace(1, 1e-3, size) ** decay
    matrix = (turn * values @ turn.T).astype(dtype)
    bound = eigenvalue_bound(matrix.dot, np.zeros(size, dtype))
    assert 1 <= bound <= 1.03


def test_the_bound_of_an_operator_of_zeros_is_zero():
    assert eigenvalue_bound(lambda vector: 0 * vector, np.zeros(5)) == 0.0


def test_the_operator_norm_is_the_largest_singular_value():
    matrix = np.diag([3.0, 2.0, 1.0])
    norm = operator_norm(matrix.dot, matrix.T.dot, np.ones(3), tolerance=1e-9, iterations=100)
    assert abs(norm - 3) < 1e-6
