"""SIRT: steps, residuals, bounds and subsets."""

import attrs
import numpy as np
import pytest
from helpers import BLOBS, relative_error
from numpy.testing import assert_allclose

from libtilt import Projector, TiltGeometry, TiltSeries, Volume
from libtilt.backends.fourier import FourierBackend
from libtilt.reconstruction import sirt
from libtilt.reconstruction.subsets import ordered_subsets

SHAPE = (5, 8, 9)
GEOMETRY = TiltGeometry.from_tilt_angles(
    [-60, -35, -10, 5, 33, 58], tilt_axis_angle=11, shifts=np.arange(12).reshape(6, 2) / 7
)


def series(dtype="float64", geometry=GEOMETRY, shape=(8, 10)):
    return BLOBS.tilt_series(geometry, shape).astype(dtype)


def projector(geometry=GEOMETRY, kind=Projector):
    return kind(geometry, volume_shape=SHAPE, voxel_size=1.0, image_shape=(8, 10), backend="scipy")


def matrix(geometry=GEOMETRY):
    operator = projector(geometry).linear_operator("float64")
    return operator.matmat(np.eye(operator.shape[1]))


def inverse(sums):
    return np.where(sums > 1e-3 * sums.max(), 1 / np.maximum(sums, 1e-300), 0)


def textbook(system, images, volume, relaxation=1.0, columns=None):
    columns = inverse(system.sum(axis=0)) if columns is None else columns
    step = system.T @ (inverse(system.sum(axis=1)) * (images - system @ volume))
    return volume + relaxation * columns * step


@pytest.mark.parametrize("relaxation", [1.0, 0.3, 1.9])
def test_each_step_is_the_one_of_the_textbook(relaxation):
    system, images = matrix(), series().images.ravel()
    start = np.random.default_rng(0).normal(size=SHAPE)
    expected = start.ravel()
    for _ in range(3):
        expected = textbook(system, images, expected, relaxation)
    options = {"iterations": 3, "relaxation": relaxation, "margin": 0, "backend": "scipy"}
    result = sirt(series(), volume_shape=SHAPE, start=Volume(start), **options)
    assert relative_error(result.volume.data.ravel(), expected) < 1e-12
    residual = np.linalg.norm(images - system @ expected) / np.linalg.norm(images)
    assert_allclose(result.residuals[-1], residual)


@pytest.mark.parametrize("subsets", [2, 3, 6])
def test_subsets_are_updated_in_turn(subsets):
    whole, images = matrix(), series().images
    tilts = ordered_subsets(GEOMETRY, subsets)
    parts = [matrix(GEOMETRY[some]) for some in tilts]
    columns = inverse(np.max([part.sum(axis=0) for part in parts], axis=0))
    expected, met = np.zeros(whole.shape[1]), []
    for _ in range(2):
        squares = 0.0
        for some, part in zip(tilts, parts, strict=True):
            wanted = images[some].ravel()
            squares += np.sum((wanted - part @ expected) ** 2)
            expected = textbook(part, wanted, expected, columns=columns)
        met.append(np.sqrt(squares))
    options = {"iterations": 2, "subsets": subsets, "margin": 0, "backend": "scipy"}
    result = sirt(series(), volume_shape=SHAPE, **options)
    assert relative_error(result.volume.data.ravel(), expected) < 1e-12
    met.append(np.linalg.norm(images.ravel() - whole @ expected))
    assert_allclose(result.residuals, np.array(met) / np.linalg.norm(images))


@pytest.mark.parametrize("step", [10, 30, 45])
@pytest.mark.parametrize("weighted", [False, True])
def test_steps_of_a_ringing_operator_are_divided_by_an_eigenvalue_bound(step, weighted):
    """Its sums are no bound: a step is divided by no less than its norm, and hardly by more."""
    geometry = TiltGeometry.from_tilt_angles(range(-90, 90, step))
    operator = attrs.evolve(projector(geometry), backend=FourierBackend(threads=1))
    system = operator.linear_operator("float64").matmat(np.eye(np.prod(SHAPE)))
    images = series(geometry=geometry)
    weights = np.random.default_rng(5).random(images.shape) if weighted else np.ones(images.shape)
    sums = system.sum(axis=1), weights.ravel() @ system
    assert sums[0].min() < -1e-3 * sums[0].max()
    rows, columns = (
        np.divide(1, sum_, out=np.zeros_like(sum_), where=sum_ > 0.1 * sum_.max()) for sum_ in sums
    )
    rows *= weights.ravel()
    norm = np.linalg.norm(np.sqrt(rows)[:, None] * system * np.sqrt(columns), 2)
    whole = columns * (system.T @ (rows * images.images.ravel()))
    found = sirt(images, projector=operator, iterations=1, weights=weights).data.ravel()
    divisor = np.linalg.norm(whole) / np.linalg.norm(found)
    assert relative_error(divisor * found, whole) < 1e-12
    assert norm**2 <= divisor < 1.04 * norm**2
    misfits = []

    def watch(iteration, volume, residual):
        left = images.images.ravel() - system @ volume.data.ravel()
        misfits.append(float(rows @ left**2))

    options = {"iterations": 60, "relaxation": 1.99, "weights": weights, "callback": watch}
    sirt(images, projector=operator, **options)
    assert (np.diff(misfits) < 0).all()


def test_sirt_keeps_a_volume_that_explains_the_images():
    truth = np.random.default_rng(1).normal(size=SHAPE)
    images = projector().forward(truth)
    result = sirt(images, projector=projector(), iterations=4, start=truth, margin=0)
    assert relative_error(result.volume.data, truth) < 1e-12
    assert result.residuals.max() < 1e-13


def test_densities_stay_in_their_bounds():
    images = TiltSeries(np.random.default_rng(2).normal(size=(6, 8, 10)), GEOMETRY)
    data = sirt(images, volume_shape=SHAPE, iterations=5, bounds=(-0.05, 0.1)).volume.data
    assert data.min() == -0.05
    assert data.max() == 0.1
    assert sirt(images, volume_shape=SHAPE, iterations=5, bounds=(0, None)).volume.data.min() == 0


def test_more_subsets_are_faster_at_first():
    geometry = TiltGeometry.from_tilt_angles(range(-60, 61, 5))
    images = BLOBS.tilt_series(geometry, (16, 16))
    last = [
        sirt(images, volume_shape=(16, 16, 16), iterations=2, subsets=subsets).residuals[-1]
        for subsets in (1, 5)
    ]
    assert last[1] < 0.5 * last[0]


def test_a_subclass_computes_in_its_own_way():
    class Named(Volume):
        pass

    class Twice(Projector):
        volume_type = Named

        def _forward(self, volume):
            return 2 * super()._forward(volume)

        def _adjoint(self, images):
            return 2 * super()._adjoint(images)

    plain = sirt(series(), projector=projector(), iterations=4)
    own = sirt(series(), projector=projector(kind=Twice), iterations=4)
    assert isinstance(own.volume, Named)
    assert relative_error(2 * own.volume.data, plain.volume.data) < 1e-12
