"""Compilation ahead: all kernels together, and none later."""

import pytest
from helpers import in_another_python

from libtilt.backends.numba import warming

FIRST_USE = """
import logging, sys
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")
from libtilt.backends.numba import NumbaBackend
from libtilt.testing import make_spec
NumbaBackend().plan(make_spec("single axis, odd sizes"))
"""

ANY_USE = """
import numpy as np
from libtilt import Projector, TiltGeometry, Volume
from libtilt.backends.base import DRIVEN
from libtilt.backends.numba import NumbaBackend
from libtilt.backends.numba.kernels.compiled import on_first_compilation
from libtilt.testing import CASES, TOLERANCES, make_spec
on_first_compilation(lambda: print("compiling"))
for mode in ("auto", "exact", "factorized"):
    for dtype in TOLERANCES:
        for driven in DRIVEN:
            for case in CASES:
                spec = make_spec(case, dtype=dtype, driven=driven)
                plan = NumbaBackend(mode=mode).plan(spec)
                plan.adjoint(plan.forward(np.ones(spec.volume_shape, dtype)))
            for axis in (0, 90, 85):
                for size in (8, 150):
                    geometry = TiltGeometry.from_tilt_angles([0, 30], tilt_axis_angle=axis)
                    volume = Volume(np.ones((4, size, 9), dtype))
                    projector = Projector(
                        geometry,
                        volume_grid=volume.grid,
                        backend=NumbaBackend(mode=mode),
                        driven=driven,
                    )
                    projector.adjoint(projector.forward(volume))
"""


def test_the_first_use_compiles_all_kernels(tmp_path):
    """For any size, direction, pair and dtype, and for read-only arrays."""
    first = in_another_python(FIRST_USE, NUMBA_CACHE_DIR=str(tmp_path))
    assert (first.returncode, first.stdout.count("compiling kernels")) == (0, 1), first.stderr
    assert len(list(tmp_path.rglob("*.compiled"))) == 1
    later = in_another_python(ANY_USE, NUMBA_CACHE_DIR=str(tmp_path))
    assert (later.returncode, later.stdout) == (0, ""), later.stderr


@pytest.fixture
def halves(monkeypatch, tmp_path):
    """The halves that this process compiled, if no other process can be started."""
    compiled = []
    monkeypatch.setattr(warming, "compile_half", compiled.append)
    monkeypatch.setattr(warming, "_marker_path", lambda: tmp_path / "kernels" / "mark")
    monkeypatch.setattr(warming, "thread_count", lambda _: 2)

    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(warming.subprocess, "Popen", refuse)
    warming.compile_once.cache_clear()
    yield compiled
    warming.compile_once.cache_clear()


def test_one_process_compiles_both_halves_if_no_other_can_be_started(halves):
    warming.compile_all()
    assert halves == [0, 1]


def test_kernels_are_compiled_once_for_a_machine(halves):
    for _ in range(2):
        warming.compile_once()
        warming.compile_once.cache_clear()
    assert halves == [0, 1]


def test_an_interrupted_compilation_is_repeated_by_the_next_process(halves, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(warming, "compile_half", interrupt)
        with pytest.raises(KeyboardInterrupt):
            warming.compile_once()
    warming.compile_once()
    assert halves == [0, 1]


def test_kernels_are_not_compiled_ahead_without_a_cache_folder(halves, monkeypatch, tmp_path):
    (tmp_path / "kernels").write_text("no folder")
    warming.compile_once()
    warming.compile_once.cache_clear()
    monkeypatch.setattr(warming, "_marker_path", lambda: None)
    warming.compile_once()
    assert halves == []
    assert warming.compile_all() is None
