"""The vector unit: correct, or replaced by plain loops with one warning."""

import numpy as np
import pytest
from helpers import arrays, in_another_python, relative_error

from libtilt.backends.base import DRIVEN
from libtilt.backends.numba import NumbaBackend
from libtilt.backends.numba.vector_unit import SWITCH
from libtilt.testing import CASES, TOLERANCES, make_spec

BROKEN = {
    "its import": """
import sys
sys.modules["libtilt.backends.numba.vector_unit.llvm"] = None
""",
    "its code": """
from libtilt.backends.numba.vector_unit import row_sums, spline_warps, trilinear_rays
def break_code(*_, **__):
    raise NotImplementedError("another version of the compiler")
row_sums._emit_loop = spline_warps._rows = trilinear_rays._emit_loop = break_code
""",
    "its values": """
from llvmlite import ir
from libtilt.backends.numba.vector_unit import row_sums, spline_warps, trilinear_rays
def broadcast(builder, vector, value, right=row_sums.broadcast):
    return right(builder, vector, builder.fadd(value, value))
row_sums.broadcast = trilinear_rays.broadcast = spline_warps.broadcast = broadcast
""",
}

USE = """
import warnings
import numpy as np
from libtilt.backends.numba import NumbaBackend, backend
from libtilt.testing import LAWS, make_spec
backend.compile_once = lambda: None
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for mode in ("rows", "exact", "factorized"):
        LAWS["adjoint"](NumbaBackend(mode=mode), make_spec("single axis, odd sizes"))
        LAWS["conventions"](NumbaBackend(mode=mode), make_spec("single axis, odd sizes"))
print(*(warning.message for warning in caught), sep="\\n")
"""


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_vector_unit_falls_back_with_one_warning(what, tmp_path):
    result = in_another_python(BROKEN[what] + USE, NUMBA_CACHE_DIR=str(tmp_path), **{SWITCH: ""})
    assert result.returncode == 0, result.stderr
    (warning,) = result.stdout.splitlines()
    assert "using plain loops" in warning
    assert ("returns wrong values" if what == "its values" else "does not compile") in warning


def test_a_disabled_vector_unit_does_not_warn(tmp_path):
    broken = BROKEN["its import"] + USE
    result = in_another_python(broken, NUMBA_CACHE_DIR=str(tmp_path), **{SWITCH: "0"})
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stderr


@pytest.mark.parametrize("mode", ["auto", "exact", "factorized"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_vector_and_plain_loops_agree_to_rounding(mode, case, driven, dtype, monkeypatch):
    spec = make_spec(case, dtype=dtype, driven=driven)
    volume, images = arrays(spec)
    results = []
    for switch in ("", "0"):
        monkeypatch.setenv(SWITCH, switch)
        plan = NumbaBackend(mode=mode).plan(spec)
        results.append((plan.forward(volume), plan.adjoint(images)))
    for vector, plain in zip(*results, strict=True):
        assert np.isfinite(vector).all()
        assert relative_error(plain, vector) < 10 * TOLERANCES[dtype]
