"""The backend contract, the registry, and the selection of "auto"."""

import pickle
import re
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint

import attrs
import numpy as np
import pytest
from helpers import EVERY_BACKEND, ToyBackend

from libtilt import backends
from libtilt.backends import (
    AutoBackend,
    Backend,
    Plan,
    SamplingSpec,
    SciPyBackend,
    SparseBackend,
    auto,
    available_backends,
    registry,
    resolve_backend,
)
from libtilt.backends.numba import NumbaBackend
from libtilt.errors import LibtiltWarning, UnsupportedSpecError
from libtilt.errors.installing import pip_install
from libtilt.testing import make_spec

GRIDS = np.eye(3, 4)[None]
SHAPES = {"volume_shape": (4, 5, 6), "image_shape": (5, 6)}
SPEC = SamplingSpec(grids=GRIDS, **SHAPES)
LEAVES_THE_PLANE = make_spec("any rotation")


def test_a_spec_locks_a_copy_of_its_grids():
    grids = GRIDS.copy()
    spec = SamplingSpec(grids=grids, **SHAPES)
    grids[:] = 0
    assert np.array_equal(spec.grids, GRIDS)
    assert not spec.grids.flags.writeable
    assert spec.images_shape == (1, 5, 6)
    assert (spec.dtype, spec.driven) == (np.float32, "ray")


def test_specs_are_compared_by_value_and_are_unhashable():
    assert SamplingSpec(grids=GRIDS.copy(), **SHAPES) == SPEC
    for change in ({"driven": "voxel"}, {"dtype": "float64"}, {"grids": GRIDS * 2}):
        assert attrs.evolve(SPEC, **change) != SPEC
    assert pickle.loads(pickle.dumps(SPEC)) == SPEC
    with pytest.raises(TypeError, match="unhashable"):
        hash(SPEC)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grids": np.eye(3, 4)}, r"grids must have shape \(n, 3, 4\) with n >= 1, got \(3, 4\)"),
        ({"grids": np.zeros((0, 3, 4))}, r"grids must have shape .* got \(0, 3, 4\)"),
        ({"grids": GRIDS * np.nan}, r"grids must be finite"),
        ({"volume_shape": (4, 5)}, r"volume_shape must be 3 positive integers, got \(4, 5\)"),
        ({"image_shape": (0, 5)}, r"image_shape must be 2 positive integers, got \(0, 5\)"),
        ({"dtype": "int32"}, r"dtype must be one of 'float32', 'float64', got 'int32'"),
        ({"dtype": "float16"}, r"dtype must be one of 'float32', 'float64', got 'float16'"),
        ({"driven": "pixel"}, r"driven must be one of 'ray', 'voxel', got 'pixel'"),
    ],
)
def test_invalid_specs_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        attrs.evolve(SPEC, **changes)


@pytest.mark.parametrize("class_", [Backend, Plan])
def test_the_contract_is_abstract(class_):
    with pytest.raises(TypeError, match=r"abstract method.* .*adjoint.*forward"):
        class_()


def test_a_backend_without_its_own_plan_gets_a_bound_plan():
    volume = np.ones((4, 5, 6), np.float32)
    plan = ToyBackend().plan(SPEC)
    assert np.array_equal(plan.forward(volume), SciPyBackend().forward(SPEC, volume))
    images = np.ones((1, 5, 6), np.float32)
    assert np.array_equal(plan.adjoint(images), SciPyBackend().adjoint(SPEC, images))


@pytest.mark.parametrize("method", ["plan", "forward", "adjoint"])
def test_a_spec_unsupported_by_sparse_is_refused_naming_another_backend(method):
    message = (
        r"backend 'sparse' does not support this projection: .* axis .*'scipy' or backend='auto'"
    )
    arguments = {
        "plan": (),
        "forward": (np.zeros(LEAVES_THE_PLANE.volume_shape),),
        "adjoint": (np.zeros(LEAVES_THE_PLANE.images_shape),),
    }
    with pytest.raises(UnsupportedSpecError, match=message):
        getattr(SparseBackend(), method)(LEAVES_THE_PLANE, *arguments[method])


@pytest.fixture
def numba_as(monkeypatch):
    """Numba installed, not installed or broken, as seen by `auto`."""

    def pretend(fail=None, *, installed=True):
        def load(name):
            if fail is not None:
                raise fail
            return registry.load_backend(name)

        monkeypatch.setattr(auto, "find_spec", lambda _: object() if installed else None)
        monkeypatch.setattr(auto, "load_backend", load)
        monkeypatch.setattr(auto, "_warned", {})
        auto._numba_problem.cache_clear()

    yield pretend
    auto._numba_problem.cache_clear()


@pytest.mark.parametrize(
    ("case", "backend", "reason"),
    [
        ("identity", NumbaBackend(), "rows: the tilt axis runs along y of volume and"),
        ("tilts about x", NumbaBackend(), "rows: .* along x of volume and images"),
        ("tilt axis along z", NumbaBackend(), "rows: .*z of the volume and y of the im"),
        ("tilt axis along x", NumbaBackend(), "rows: .*y of the volume and x of the im"),
        ("any rotation", NumbaBackend(mode="factorized"), "factorized: rays leave the planes of "),
    ],
)
def test_auto_selects_rows_where_they_apply_else_factorized_and_explains(case, backend, reason):
    spec = make_spec(case)
    assert AutoBackend().choose(spec) == backend
    assert re.match(f"numba, {reason}", AutoBackend().explain(spec))
    assert not AutoBackend().trilinear


def test_auto_works_without_numba_and_explains(numba_as):
    numba_as(installed=False)
    missing = f"numba is not installed ({pip_install('fast')}), and"
    assert AutoBackend().choose(SPEC) == SparseBackend()
    assert AutoBackend().explain(SPEC) == (
        f"sparse: {missing} the tilt axis runs along y of volume and images"
    )
    assert AutoBackend().choose(LEAVES_THE_PLANE) == SciPyBackend()
    assert AutoBackend().explain(LEAVES_THE_PLANE) == (
        f"scipy: {missing} sparse needs a tilt axis along an axis of the volume"
    )
    assert AutoBackend().trilinear


def large(spec, size=400):
    return attrs.evolve(spec, volume_shape=(size, size, size))


@pytest.mark.parametrize(
    ("spec", "name", "factor"),
    [(SPEC, "sparse", "several"), (LEAVES_THE_PLANE, "scipy", "tens to hundreds of")],
)
def test_auto_warns_once_that_large_work_is_slow_without_numba(numba_as, spec, name, factor):
    numba_as(installed=False)
    # So many tilts that either backend takes long.
    many = attrs.evolve(large(spec), grids=np.repeat(spec.grids[:1], 600, axis=0))
    mend = re.escape(pip_install("fast"))
    with pytest.warns(UserWarning, match=f"selects {name}: .*{mend}.* numba is {factor} times"):
        AutoBackend().choose(many)
    AutoBackend().choose(many)


def test_of_several_threads_one_warns(numba_as, monkeypatch):
    numba_as(installed=False)
    assert AutoBackend().trilinear
    meet = threading.Barrier(4)
    monkeypatch.setattr(auto, "find_spec", lambda _: None if meet.wait() >= 0 else _)
    many = large(LEAVES_THE_PLANE, 2000)
    with warnings.catch_warnings(record=True) as caught, ThreadPoolExecutor(4) as pool:
        warnings.simplefilter("always")
        list(pool.map(AutoBackend().choose, [many] * 4))
    assert len(caught) == 1


def test_auto_does_not_warn_of_small_work_nor_with_numba(numba_as):
    numba_as(installed=False)
    AutoBackend().choose(SPEC)
    AutoBackend().choose(LEAVES_THE_PLANE)
    AutoBackend().explain(large(LEAVES_THE_PLANE, 900))
    numba_as()
    AutoBackend().choose(large(LEAVES_THE_PLANE, 900))


def test_auto_logs_its_choice(caplog):
    with caplog.at_level("INFO", logger="libtilt"):
        AutoBackend().choose(LEAVES_THE_PLANE)
        AutoBackend().choose(LEAVES_THE_PLANE, local=True)
    assert [record.getMessage() for record in caplog.records] == [
        "backend: auto selects numba, factorized: rays leave the planes of the volume",
        "backend: auto selects numba, trilinear: parts of a whole need an operator that can be cut "
        "into blocks; for a whole volume auto selects factorized, whose values differ, mostly on "
        "noise. Pass backend='numba' for equal values",
    ]


@pytest.mark.parametrize(
    "failure",
    [
        ImportError("Numba needs NumPy 2.3 or less"),
        ModuleNotFoundError("No module named 'llvmlite'", name="llvmlite"),
        OSError("libllvmlite.so: cannot open shared object file"),
        AttributeError("module 'numpy' has no attribute 'long'"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_auto_works_with_a_broken_numba_and_warns_once(numba_as, failure):
    numba_as(failure)
    mend = "pip install --force-reinstall numba llvmlite"
    pattern = re.escape(f"({type(failure).__name__}: {failure})") + f".*{mend}"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert AutoBackend().choose(SPEC) == SparseBackend()
        assert AutoBackend().choose(LEAVES_THE_PLANE) == SciPyBackend()
        assert "its import fails" in AutoBackend().explain(SPEC)
    assert re.search(pattern, str(caught[0].message))
    assert caught[0].category is LibtiltWarning
    assert len(caught) == 1
    assert AutoBackend().trilinear


def test_backends_with_extras_are_imported_on_first_access():
    assert backends.NumbaBackend is resolve_backend("numba").__class__
    with pytest.raises(AttributeError, match="no attribute 'TorchBackend'"):
        backends.TorchBackend  # noqa: B018


@pytest.mark.parametrize("case", ["single axis, odd sizes", "any rotation"])
def test_auto_computes_the_bits_of_its_chosen_backend(case):
    spec = make_spec(case)
    volume, images = np.ones(spec.volume_shape), np.ones(spec.images_shape)
    chosen = AutoBackend().choose(spec)
    assert np.array_equal(AutoBackend().forward(spec, volume), chosen.forward(spec, volume))
    assert np.array_equal(AutoBackend().adjoint(spec, images), chosen.adjoint(spec, images))
    assert type(AutoBackend().plan(spec)) is type(chosen.plan(spec))


@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_every_backend_is_frozen_hashable_and_picklable(backend):
    assert pickle.loads(pickle.dumps(backend)) == backend
    assert hash(backend) == hash(attrs.evolve(backend))
    with pytest.raises(AttributeError):
        backend.threads = 2


@pytest.mark.parametrize("order", [2, 4, -1, None, "1"])
def test_scipy_accepts_orders_0_1_and_3(order):
    with pytest.raises(ValueError, match="order must be one of 0, 1, 3, got"):
        SciPyBackend(order=order)


@pytest.mark.parametrize("class_", [SciPyBackend, SparseBackend])
@pytest.mark.parametrize("threads", [0, -1, 1.5, "2"])
def test_threads_are_a_positive_integer(class_, threads):
    with pytest.raises(ValueError, match="threads must be a positive integer, got"):
        class_(threads=threads)


@pytest.mark.parametrize("given", ["scipy", SciPyBackend, SciPyBackend()])
def test_backends_are_selected_by_name_class_or_instance(given):
    assert resolve_backend(given) == SciPyBackend()


def test_a_backend_instance_is_returned_unchanged():
    backend = SciPyBackend(order=3)
    assert resolve_backend(backend) is backend


def test_an_unknown_backend_name_lists_the_known_names():
    with pytest.raises(
        ValueError,
        match=r"'scippy' is not known: choose from auto, scipy, sparse, numba .extra 'fast'",
    ):
        resolve_backend("scippy")


@pytest.mark.parametrize("given", [None, 3, int, Backend])
def test_objects_other_than_a_backend_are_refused(given):
    with pytest.raises(TypeError, match=r"backend must be a name, .*auto, scipy, sparse|abstract"):
        resolve_backend(given)


def test_the_error_for_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, "gpu", "libtilt_absent_module:GpuBackend")
    monkeypatch.setitem(registry.EXTRAS, "gpu", "torch")
    message = (
        f"'gpu' needs the package 'libtilt_absent_module': .*{re.escape(pip_install('torch'))}"
    )
    with pytest.raises(ImportError, match=message) as caught:
        resolve_backend("gpu")
    assert caught.value.name == "libtilt_absent_module"


def registered(monkeypatch, **points):
    def entry_points(*, group):
        assert group == "libtilt.backends"
        return [EntryPoint(name, value, group) for name, value in points.items()]

    monkeypatch.setattr(registry, "entry_points", entry_points)


def test_a_third_party_registers_a_backend(monkeypatch):
    registered(monkeypatch, toy="helpers:ToyBackend", other="helpers:Other")
    assert available_backends() == (*registry.BUILT_IN, "other", "toy")
    assert resolve_backend("toy") == ToyBackend()


def test_a_third_party_cannot_take_over_a_name_of_this_package(monkeypatch):
    registered(monkeypatch, scipy="helpers:ToyBackend")
    assert resolve_backend("scipy") == SciPyBackend()
    assert available_backends() == tuple(registry.BUILT_IN)


def test_a_third_party_backend_that_lacks_a_package_is_an_error(monkeypatch):
    registered(monkeypatch, broken="libtilt_absent_module:Backend")
    with pytest.raises(ImportError, match=r"'broken' needs .*libtilt_absent_module': install it"):
        resolve_backend("broken")


def test_a_registered_object_other_than_a_backend_is_refused(monkeypatch):
    registered(monkeypatch, wrong="helpers:arrays")
    with pytest.raises(TypeError, match="backend must be a name, a Backend class or a Backend"):
        resolve_backend("wrong")


def test_the_error_of_an_unloadable_library_is_reported(monkeypatch):
    def fail(_):
        raise ImportError("libcuda.so: cannot open shared object file")

    monkeypatch.setattr("libtilt.backends.registry.import_module", fail)
    with pytest.raises(ImportError, match="cannot be imported: libcuda"):
        resolve_backend("scipy")
