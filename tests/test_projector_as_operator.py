"""The projector as a linear operator, its plan, its copies and its subclasses."""

import copy
import pickle

import attrs
import numpy as np
import pytest
from helpers import ANY_ROTATION, BLOBS, EVERY_BACKEND, SINGLE_AXIS, ToyBackend, geometry_for
from scipy.sparse.linalg import cg, lsmr

from libtilt import Projector, TiltGeometry, TiltSeries, Volume, VolumeGrid
from libtilt.backends import plan_cache
from libtilt.backends.base import DRIVEN
from libtilt.linear_operator import AdjointProjector

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
    operator = Projector(SINGLE_AXIS, volume_grid=VolumeGrid((4, 5, 6))).linear_operator()
    columns = RNG.normal(size=(120, 2))
    assert (operator @ columns[:, 0]).dtype == np.float32
    expected = np.stack([operator @ column for column in columns.T], axis=1)
    assert np.array_equal(operator @ columns, expected)


def test_a_linear_operator_needs_a_shape_and_a_floating_dtype():
    with pytest.raises(ValueError, match="volume_shape must be given to make a linear operator"):
        Projector(ANY_ROTATION).linear_operator()
    projector = Projector(ANY_ROTATION, volume_grid=VolumeGrid((4, 5, 6)))
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
    projector = Projector(geometry_for(backend), volume_grid=VolumeGrid((4, 5, 6)), backend=backend)
    operator = pylops.aslinearoperator(projector.linear_operator(dtype))
    np.random.seed(0)  # noqa: NPY002 (pylops draws from the global state)
    assert pylops.utils.dottest(operator, 150, 120, rtol=rtol)


@attrs.frozen
class CountsPlans(ToyBackend):
    planned = ()

    def plan(self, spec):
        CountsPlans.planned += ((spec.volume_shape, spec.dtype.name),)
        return super().plan(spec)


@pytest.fixture
def planned():
    plan_cache.clear()
    CountsPlans.planned = ()
    return lambda: list(CountsPlans.planned)


def test_plans_are_made_once_for_each_shape_and_dtype(planned):
    projector = Projector(SINGLE_AXIS, pixel_size=1.0, backend=CountsPlans())
    small, large = np.ones((3, 4, 5)), np.ones((4, 4, 5))
    first = projector.forward(small)
    assert np.array_equal(projector.forward(small), first)
    assert planned() == [((3, 4, 5), "float64")]
    projector.forward(small.astype(np.float32))
    projector.forward(large)
    assert planned()[1:] == [((3, 4, 5), "float32"), ((4, 4, 5), "float64")]
    assert np.array_equal(projector.forward(small), first)
    assert len(planned()) == 3


def test_forward_adjoint_copies_and_equal_projectors_share_a_plan(planned):
    projector = Projector(SINGLE_AXIS, volume_grid=VolumeGrid((3, 4, 5)), backend=CountsPlans())
    projector.adjoint(projector.forward(np.ones((3, 4, 5))))
    pickle.loads(pickle.dumps(projector)).forward(np.ones((3, 4, 5)))
    projector.evolve(volume_grid=VolumeGrid((3, 4, 5))).linear_operator("float64") @ np.ones(60)
    assert len(planned()) == 1


@pytest.mark.parametrize("driven", DRIVEN)
def test_a_linear_operator_survives_pickling_and_has_the_dims_of_pylops(driven):
    projector = Projector(ANY_ROTATION, volume_grid=VolumeGrid((4, 5, 6)), driven=driven)
    operator = projector.linear_operator("float64")
    assert (operator.dims, operator.dimsd) == ((4, 5, 6), (5, 5, 6))
    x, y = RNG.normal(size=120), RNG.normal(size=150)
    again, transposed = pickle.loads(pickle.dumps((operator, operator.H)))
    assert np.array_equal(again @ x, operator @ x)
    assert np.array_equal(transposed @ y, operator.H @ y)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "5 tilts from -60 to 90 degrees, grids of what is projected, driven='ray', backend="),
        ({"volume_grid": VolumeGrid((4, 5, 6))}, "backend=auto: numba, rows: the tilt axis runs"),
        ({"volume_shape": (4, 5, 6), "voxel_size": 2.0, "backend": "scipy"}, "SciPyBackend("),
        ({"volume_shape": (4, 5, 6), "voxel_size": 2.0}, "domain=VolumeGrid(shape=(4, 5, 6), vox"),
    ],
)
def test_the_repr_says_what_is_projected_and_which_backend_was_taken(options, text):
    assert text in repr(Projector(SINGLE_AXIS, **options))


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize(
    "duplicate", [lambda p: pickle.loads(pickle.dumps(p)), copy.copy, copy.deepcopy]
)
def test_copies_compute_the_same_bits(backend, duplicate):
    projector = Projector(SINGLE_AXIS, voxel_size=(1, 2, 3), backend=backend)
    volume = RNG.normal(size=(3, 4, 5))
    images = projector.forward(volume)
    again = duplicate(projector)
    assert again == projector
    assert not again.between(volume).domain.voxel_size.flags.writeable
    assert np.array_equal(again.forward(volume), images)


@attrs.frozen(slots=False, eq=False)
class LabelledVolume(Volume):
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
    plain = Projector(ANY_ROTATION, volume_grid=VOLUME.grid)
    ours = AttenuatingProjector(ANY_ROTATION, volume_grid=VOLUME.grid, factor=0.25)
    series = ours.forward(VOLUME)
    assert type(series) is OurTiltSeries
    assert np.array_equal(series, plain.forward(VOLUME).images * 0.25)
    volume = ours.T(series)
    assert type(volume) is OurVolume
    assert np.array_equal(volume, plain.adjoint(series.images * 0.25))


def test_a_subclass_keeps_its_fields_and_its_operator_uses_its_computation():
    ours = AttenuatingProjector(ANY_ROTATION, volume_grid=VolumeGrid((4, 5, 6)), factor=0.25)
    evolved = pickle.loads(pickle.dumps(ours)).evolve(driven="voxel")
    assert type(evolved) is AttenuatingProjector
    assert (evolved.factor, evolved.driven) == (0.25, "voxel")
    assert ours.evolve(factor=0.5) != ours
    x, y = RNG.normal(size=120), RNG.normal(size=150)
    operator = ours.linear_operator("float64")
    assert np.vdot(operator @ x, y) == pytest.approx(np.vdot(x, operator.H @ y), rel=1e-10)
    plain = Projector(ANY_ROTATION, volume_grid=VolumeGrid((4, 5, 6))).linear_operator("float64")
    assert np.allclose(operator @ x, 0.25 * (plain @ x), rtol=1e-12)


def test_a_subclass_of_a_volume_is_projected_with_its_voxel_size():
    labelled = LabelledVolume(VOLUME.data, voxel_size=2.0, label="particle")
    series = Projector(ANY_ROTATION).forward(labelled)
    assert series.pixel_size == 2.0
    assert np.array_equal(series, Projector(ANY_ROTATION).forward(VOLUME.evolve(voxel_size=2.0)))


def test_the_images_count_in_the_order_of_the_projector():
    projector = Projector(SINGLE_AXIS, volume_shape=VOLUME.shape)
    series = projector(VOLUME)
    assert np.array_equal(
        projector.adjoint(TiltSeries(series.images, ANY_ROTATION)), projector.adjoint(series)
    )


def test_tilts_add_up_in_the_adjoint():
    projector = Projector(ANY_ROTATION, volume_shape=(6, 7, 8), voxel_size=1.0)
    images = RNG.normal(size=(5, 7, 8))
    one_by_one = sum(
        projector.evolve(geometry=tilt).adjoint(image[None]).data
        for tilt, image in zip(ANY_ROTATION, images, strict=True)
    )
    assert np.allclose(projector.adjoint(images), one_by_one, atol=1e-12)


def test_with_its_voxel_size_the_operator_is_that_of_the_volume():
    volume = VOLUME.evolve(voxel_size=2.5)
    projector = Projector(ANY_ROTATION, volume_shape=volume.shape, voxel_size=2.5)
    flat = projector.linear_operator("float64") @ volume.data.ravel()
    assert np.array_equal(flat, projector(volume).images.ravel())


def test_complex_vectors_are_refused():
    geometry = TiltGeometry.from_tilt_angles([0])
    operator = Projector(geometry, volume_shape=(2, 2, 2)).linear_operator()
    with pytest.raises(TypeError, match="x must be real numbers"):
        operator.matvec(np.ones(8) * 1j)
