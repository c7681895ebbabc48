"""The projector as a linear operator, its plans, its copies and its subclasses."""

import copy
import pickle
from collections import Counter
from typing import ClassVar

import attrs
import numpy as np
import pytest
from helpers import ANY_ROTATION, BLOBS, EVERY_BACKEND, SINGLE_AXIS, ToyBackend, geometry_for
from scipy.sparse.linalg import cg, lsmr

from libtilt import ImageGrid, Projector, TiltGeometry, TiltSeries, Volume, VolumeGrid
from libtilt.backends import plan_cache
from libtilt.backends.base import DRIVEN
from libtilt.errors import LibtiltWarning
from libtilt.projector import AdjointProjector

RNG = np.random.default_rng(9)
VOLUME = BLOBS.volume((13, 14, 15))


def test_calling_projects_and_the_transpose_backprojects():
    projector = Projector(ANY_ROTATION, volume_shape=VOLUME.shape)
    series = projector(VOLUME)
    assert np.array_equal(series, projector.forward(VOLUME))
    assert isinstance(projector.T, AdjointProjector)
    assert np.array_equal(projector.T(series), projector.adjoint(series))
    assert projector.T.T is projector


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("driven", DRIVEN)
def test_the_linear_operator_is_the_projector_on_flat_vectors(dtype, driven):
    projector = Projector(
        ANY_ROTATION, volume_shape=(4, 5, 6), image_shape=(7, 3), voxel_size=2.0, driven=driven
    )
    operator = projector.linear_operator(dtype)
    x, y = RNG.normal(size=120).astype(dtype), RNG.normal(size=105).astype(dtype)
    assert (operator.shape, operator.dtype) == ((105, 120), np.dtype(dtype))
    assert np.array_equal(operator @ x, projector.forward(x.reshape(4, 5, 6)).images.ravel())
    assert np.array_equal(operator.H @ y, projector.adjoint(y.reshape(5, 7, 3)).data.ravel())
    transposed = projector.T.linear_operator(dtype)
    assert transposed.shape == (120, 105)
    assert np.array_equal(transposed @ y, operator.H @ y)
    assert (operator @ x).dtype == (operator.H @ y).dtype == np.dtype(dtype)


def test_a_linear_operator_computes_in_its_own_dtype_on_vectors_and_columns():
    operator = Projector(SINGLE_AXIS, volume_shape=(4, 5, 6), voxel_size=1.0).linear_operator(
        "float32"
    )
    columns = RNG.normal(size=(120, 2))
    assert (operator @ columns[:, 0]).dtype == np.float32
    expected = np.stack([operator @ column for column in columns.T], axis=1)
    assert np.array_equal(operator @ columns, expected)


def test_a_linear_operator_needs_a_shape_and_a_floating_dtype():
    with pytest.raises(ValueError, match="volume_shape is required to make a linear operator"):
        Projector(ANY_ROTATION).linear_operator()
    projector = Projector(ANY_ROTATION, volume_shape=(4, 5, 6), voxel_size=1.0)
    with pytest.raises(ValueError, match="dtype must be one of 'float32', 'float64', got 'int64'"):
        projector.linear_operator("int64")


@pytest.mark.parametrize("driven", DRIVEN)
def test_the_solvers_of_scipy_reconstruct_a_volume(driven):
    geometry = TiltGeometry.from_tilt_angles(range(-87, 90, 6))
    projector = Projector(geometry, volume_shape=VOLUME.shape, driven=driven)
    images = projector(VOLUME).images.ravel()
    operator = projector.linear_operator("float64")
    normal = operator.H @ operator
    solutions = [
        lsmr(operator, images, maxiter=60)[0],
        cg(normal, operator.H @ images, maxiter=60, atol=0)[0],
    ]
    for solution in solutions:
        assert np.linalg.norm(operator @ solution - images) < 0.01 * np.linalg.norm(images)
        error = np.linalg.norm(solution - VOLUME.data.ravel())
        assert error < 0.2 * np.linalg.norm(VOLUME.data)


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float64", 1e-10)])
def test_the_dot_test_of_pylops_passes(backend, dtype, rtol):
    pylops = pytest.importorskip("pylops")
    projector = Projector(
        geometry_for(backend), volume_shape=(4, 5, 6), voxel_size=1.0, backend=backend
    )
    operator = pylops.aslinearoperator(projector.linear_operator(dtype))
    np.random.seed(0)  # noqa: NPY002 (pylops draws from the global state)
    assert pylops.utils.dottest(operator, 150, 120, rtol=rtol)


@attrs.frozen
class CountsPlans(ToyBackend):
    """Counts its plans with its class, so that counting does not make it another backend."""

    planned: ClassVar[Counter] = Counter()

    label: str = "one"

    def plan(self, spec):
        self.planned[self.label, spec.volume_shape, spec.dtype.name] += 1
        return super().plan(spec)


@pytest.fixture
def planned():
    """Plans that were made since the test began, in an empty cache."""
    plan_cache.clear()
    CountsPlans.planned.clear()
    yield CountsPlans.planned
    plan_cache.clear()


SMALL = np.ones((3, 4, 5))
COUNTS = Projector(SINGLE_AXIS, voxel_size=1.0, backend=CountsPlans())


def test_plans_depend_on_shape_and_dtype_and_are_reused(planned):
    first = COUNTS.forward(SMALL)
    assert np.array_equal(COUNTS.forward(SMALL), first)
    assert planned == {("one", (3, 4, 5), "float64"): 1}
    COUNTS.forward(SMALL.astype(np.float32))
    COUNTS.forward(np.ones((4, 4, 5)))
    assert np.array_equal(COUNTS.forward(SMALL), first)
    assert planned == {
        ("one", (3, 4, 5), "float64"): 1,
        ("one", (3, 4, 5), "float32"): 1,
        ("one", (4, 4, 5), "float64"): 1,
    }
    assert len(plan_cache) == 3


def test_forward_and_adjoint_share_a_plan(planned):
    projector = COUNTS.evolve(volume_shape=(3, 4, 5))
    projector.adjoint(projector.forward(SMALL))
    projector.linear_operator("float64") @ SMALL.ravel()
    assert planned.total() == 1


def test_two_projectors_in_turn_build_two_plans(planned):
    first, second = COUNTS, COUNTS.evolve(geometry=SINGLE_AXIS[:3])
    for _ in range(100):
        first.forward(SMALL)
        second.forward(SMALL)
    assert planned.total() == len(plan_cache) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: Projector(SINGLE_AXIS, voxel_size=1.0, backend=CountsPlans()),
        lambda: COUNTS.evolve(volume_shape=(3, 4, 5)),
        lambda: COUNTS.between(SMALL),
        lambda: Projector(
            SINGLE_AXIS,
            volume_grid=VolumeGrid((3, 4, 5)),
            image_grid=ImageGrid((4, 5)),
            backend=CountsPlans(),
        ),
        lambda: copy.deepcopy(COUNTS),
        lambda: pickle.loads(pickle.dumps(COUNTS)),
        # Lengths in another unit: the index grids are the same.
        lambda: COUNTS.evolve(
            geometry=SINGLE_AXIS.evolve(shifts=2 * SINGLE_AXIS.shifts), voxel_size=2.0
        ),
    ],
    ids=["equal", "evolved", "fixed", "on grids", "copied", "pickled", "scaled"],
)
def test_projectors_that_compute_the_same_share_a_plan(planned, make):
    images = COUNTS.forward(SMALL)
    assert np.array_equal(make().forward(SMALL), images)
    assert planned.total() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"driven": "voxel"},
        {"geometry": SINGLE_AXIS[::-1]},
        {"image_shape": (4, 6)},
        {"pixel_size": 2.0},
        {"volume_grid": VolumeGrid((3, 4, 5), center=(0, 0, 1)), "voxel_size": None},
        {"backend": CountsPlans("other")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_different_operators_have_different_plans(planned, change):
    COUNTS.forward(SMALL)
    other = COUNTS.evolve(**change)
    volume = Volume(SMALL, center=other.volume_grid.center) if other.volume_grid else SMALL
    other.forward(volume)
    assert planned.total() == 2


def test_a_cleared_cache_builds_plans_again(planned):
    images = COUNTS.forward(SMALL)
    assert len(plan_cache) == 1
    plan_cache.clear()
    assert (len(plan_cache), plan_cache.nbytes) == (0, 0)
    assert np.array_equal(COUNTS.forward(SMALL), images)
    assert planned.total() == 2


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize(
    "duplicate", [lambda p: pickle.loads(pickle.dumps(p)), copy.copy, copy.deepcopy]
)
def test_copies_compute_the_same_bits_and_carry_no_plan(backend, duplicate):
    projector = Projector(SINGLE_AXIS, voxel_size=(1, 2, 3), backend=backend)
    volume = RNG.normal(size=(3, 4, 5))
    before = len(pickle.dumps(projector))
    images = projector.forward(volume)
    assert len(pickle.dumps(projector)) == before
    plan_cache.clear()
    again = duplicate(projector)
    assert again == projector
    assert len(plan_cache) == 0
    assert not again.between(volume).domain.voxel_size.flags.writeable
    assert np.array_equal(again.forward(volume), images)


@attrs.frozen(slots=False, eq=False)
class LabeledVolume(Volume):
    label: str = "unnamed"


class OurVolume(Volume):
    pass


class OurTiltSeries(TiltSeries):
    pass


@attrs.frozen(slots=False)
class AttenuatingProjector(Projector):
    """A model of its own: each image is weakened by a factor."""

    volume_type = OurVolume
    tilt_series_type = OurTiltSeries

    factor: float = attrs.field(default=0.5, kw_only=True)

    def _forward(self, volume):
        return super()._forward(volume) * volume.dtype.type(self.factor)

    def _adjoint(self, images):
        return super()._adjoint(images * images.dtype.type(self.factor))


def test_a_subclass_names_its_types_and_overrides_the_computation():
    plain = Projector(ANY_ROTATION, volume_shape=VOLUME.shape)
    ours = AttenuatingProjector(ANY_ROTATION, volume_shape=VOLUME.shape, factor=0.25)
    series = ours.forward(VOLUME)
    assert type(series) is OurTiltSeries
    assert np.array_equal(series, plain.forward(VOLUME).images * 0.25)
    volume = ours.T(series)
    assert type(volume) is OurVolume
    assert np.array_equal(volume, plain.adjoint(series * 0.25))


def test_a_subclass_keeps_its_fields_and_its_operator_uses_its_computation():
    options = {"volume_shape": (4, 5, 6), "voxel_size": 1.0}
    ours = AttenuatingProjector(ANY_ROTATION, factor=0.25, **options)
    evolved = pickle.loads(pickle.dumps(ours)).evolve(driven="voxel")
    assert type(evolved) is AttenuatingProjector
    assert (evolved.factor, evolved.driven) == (0.25, "voxel")
    assert ours.evolve(factor=0.5) != ours
    x, y = RNG.normal(size=120), RNG.normal(size=150)
    operator = ours.linear_operator("float64")
    assert np.vdot(operator @ x, y) == pytest.approx(np.vdot(x, operator.H @ y), rel=1e-10)
    plain = Projector(ANY_ROTATION, **options).linear_operator("float64")
    assert np.allclose(operator @ x, 0.25 * (plain @ x), rtol=1e-12)


def test_a_subclass_of_a_volume_is_projected_with_its_voxel_size():
    labeled = LabeledVolume(VOLUME.data, voxel_size=2.0, label="particle")
    series = Projector(ANY_ROTATION).forward(labeled)
    assert series.pixel_size == 2.0
    assert np.array_equal(series, Projector(ANY_ROTATION).forward(VOLUME.evolve(voxel_size=2.0)))


def test_images_follow_the_order_of_the_projectors_geometry():
    projector = Projector(SINGLE_AXIS, volume_shape=VOLUME.shape)
    series = projector(VOLUME)
    with pytest.warns(LibtiltWarning, match="tilt angles by up to .* and replaces it"):
        volume = projector.adjoint(TiltSeries(series.images, ANY_ROTATION))
    assert np.array_equal(volume, projector.adjoint(series))


def test_tilts_add_up_in_the_adjoint():
    options = {"volume_shape": (6, 7, 8), "voxel_size": 1.0}
    projector = Projector(ANY_ROTATION, **options)
    images = RNG.normal(size=(5, 7, 8))
    one_by_one = sum(
        Projector(tilt, **options).adjoint(image[None]).data
        for tilt, image in zip(ANY_ROTATION, images, strict=True)
    )
    assert np.allclose(projector.adjoint(images), one_by_one, atol=1e-12)


def test_the_operator_uses_the_voxel_size_of_the_volume():
    volume = VOLUME.evolve(voxel_size=2.5)
    projector = Projector(ANY_ROTATION, volume_shape=volume.shape, voxel_size=2.5)
    flat = projector.linear_operator("float64") @ volume.data.ravel()
    assert np.array_equal(flat, projector(volume).images.ravel())


def test_complex_vectors_raise():
    geometry = TiltGeometry.from_tilt_angles([0])
    operator = Projector(geometry, volume_shape=(2, 2, 2)).linear_operator()
    with pytest.raises(TypeError, match="x must be real numbers"):
        operator.matvec(np.ones(8) * 1j)


@attrs.frozen
class Careless(ToyBackend):
    """A backend that returns something else than it was asked for."""

    result: object = None

    def forward(self, spec, volume):
        return self.result

    def adjoint(self, spec, images):
        return self.result


@pytest.mark.parametrize(
    ("result", "got"),
    [
        (None, "None"),
        (np.zeros((1, 2, 2)), r"\(1, 2, 2\)"),
        (np.zeros((5, 5, 6), "f4"), ".* float32"),
    ],
)
def test_shape_and_type_of_a_backends_result_are_checked(result, got):
    projector = Projector(
        SINGLE_AXIS, volume_grid=VolumeGrid((4, 5, 6)), backend=Careless(result=result)
    )
    with pytest.raises(ValueError, match=f"backend 'toy' must return .* got {got}"):
        projector.forward(np.zeros((4, 5, 6)))
    with pytest.raises(ValueError, match="backend 'toy' must return"):
        projector.adjoint(np.zeros((5, 5, 6)))


def test_transposes_are_compared_by_value_and_have_dims():
    projector = Projector(SINGLE_AXIS, volume_grid=VolumeGrid((4, 5, 6)))
    assert projector.T == projector.T
    transposed = projector.T.linear_operator()
    assert (transposed.dims, transposed.dimsd) == ((5, 5, 6), (4, 5, 6))
    assert projector.T.domain == projector.range
    assert projector.T.range == projector.domain
