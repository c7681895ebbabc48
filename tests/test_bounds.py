"""The bound of an operator is one, and near."""

import numpy as np
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt.reconstruction.bounds import largest_eigenvalue


@given(
    size=st.integers(1, 200),
    decay=st.floats(0.0, 3.0),
    seed=st.integers(0, 99),
    dtype=st.sampled_from(["float32", "float64"]),
)
@quick
def test_no_eigenvalue_is_above(size, decay, seed, dtype):
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(size, size)))
    values = np.linspace(1, 1e-3, size) ** decay
    matrix = (turn * values @ turn.T).astype(dtype)
    bound = largest_eigenvalue(matrix.dot, np.zeros(size, dtype))
    assert 1 <= bound <= 1.03


def test_where_there_is_nothing_the_bound_is_zero():
    assert largest_eigenvalue(lambda vector: 0 * vector, np.zeros(5)) == 0.0
