"""The Fourier backend: its accuracy, its exact adjoint, and no wrap-around."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import arrays, relative_error
from scipy.spatial.transform import Rotation

from libtilt import GaussianBlobs, Projector, TiltGeometry
from libtilt.backends import SamplingSpec, SparseBackend
from libtilt.backends.base import DRIVEN
from libtilt.backends.fourier import FourierBackend, volume_slices
from libtilt.backends.fourier.volume_nufft import VolumeNufft
from libtilt.testing import CASES, check_backend, make_spec

TILTS = range(-60, 61, 15)
SHIFTS = np.random.default_rng(5).uniform(-4, 4, size=(len(TILTS), 2))
GEOMETRIES = {
    "single axis": TiltGeometry.from_tilt_angles(TILTS, shifts=SHIFTS),
    "tilt axis along -x": TiltGeometry.from_tilt_angles(TILTS, tilt_axis_angle=90, shifts=SHIFTS),
    "tilt axis along x": TiltGeometry.from_tilt_angles(TILTS, tilt_axis_angle=-90, shifts=SHIFTS),
    "upside down": TiltGeometry.from_tilt_angles(TILTS, tilt_axis_angle=180, shifts=SHIFTS),
    "tilts about x": TiltGeometry.from_tilt_angles(0 * SHIFTS[:, 0], x_tilts=TILTS, shifts=SHIFTS),
    "85 degrees": TiltGeometry.from_tilt_angles(TILTS, tilt_axis_angle=85, shifts=SHIFTS),
    "any rotation": TiltGeometry.from_rotations(Rotation.random(6, random_state=2)),
}


@pytest.mark.parametrize("case", CASES)
def test_fourier_keeps_the_laws(case):
    check_backend(FourierBackend(), cases=[case])


@pytest.mark.parametrize("case", ["single axis, odd sizes", "any rotation, spacings differ"])
def test_fourier_keeps_the_laws_with_a_fine_eps(case):
    check_backend(FourierBackend(eps=1e-12), cases=[case])


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("driven", DRIVEN)
@pytest.mark.parametrize("shape", [(64, 64, 64), (57, 63, 61)], ids=["even", "odd"])
def test_fourier_projections_match_the_closed_form(name, driven, shape):
    blobs = GaussianBlobs.random((48, 48, 48), n=60, seed=4, sigmas=(1.5, 3.0))
    projector = Projector(GEOMETRIES[name], backend=FourierBackend(eps=1e-6), driven=driven)
    truth = blobs.tilt_series(projector.geometry, shape[1:]).images
    volume = blobs.volume(shape)
    assert relative_error(projector.forward(volume).images, truth) < 2e-5
    single = volume.astype(np.float32)
    assert relative_error(projector.forward(single).images, truth) < 2e-5


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("driven", DRIVEN)
def test_unequal_spacings_give_the_same_integrals(name, driven):
    voxel_size, pixel_size = (1.1, 0.8, 1.25), 0.9
    blobs = GaussianBlobs.random((40, 40, 40), n=20, seed=6, sigmas=(2.2, 3.2))
    volume = blobs.volume((44, 66, 50), voxel_size=voxel_size)
    projector = Projector(
        GEOMETRIES[name],
        image_shape=(59, 64),
        pixel_size=pixel_size,
        backend=FourierBackend(eps=1e-8),
        driven=driven,
    )
    truth = blobs.tilt_series(projector.geometry, (59, 64), pixel_size=pixel_size)
    assert relative_error(projector.forward(volume).images, truth.images) < 2e-5


@pytest.mark.parametrize("name", ["single axis", "85 degrees"])
def test_a_smaller_eps_reduces_the_error(name):
    # Wide blobs, so that neither the band nor the volume's edge cuts anything off.
    blobs = GaussianBlobs([[2.0, -3.0, 1.0], [-1.5, 0.5, 2.0]], sigmas=[2.2, 2.0])
    volume = blobs.volume((48, 48, 48))
    truth = blobs.tilt_series(GEOMETRIES[name], (48, 48)).images
    errors = [
        relative_error(
            Projector(GEOMETRIES[name], backend=FourierBackend(eps=eps)).forward(volume).images,
            truth,
        )
        for eps in (1e-3, 1e-6, 1e-9)
    ]
    assert errors[0] < 3e-3
    assert errors[1] < 3e-6
    assert errors[2] < 3e-8


@pytest.mark.parametrize("name", ["single axis", "tilt axis along -x", "85 degrees"])
@pytest.mark.parametrize("image_shape", [(24, 20), (17, 21)])
def test_density_outside_the_field_of_view_does_not_wrap_into_it(name, image_shape):
    # Blobs of a small volume's edges and far corners, most of them beyond the images.
    places = [(x, y, z) for x in (-26, 0, 26) for y in (-26, 0, 26) for z in (-20, 0, 20)]
    blobs = GaussianBlobs(places, sigmas=1.8, amplitudes=np.linspace(1, 3, len(places)))
    volume = blobs.volume((56, 72, 72))
    projector = Projector(
        GEOMETRIES[name], image_shape=image_shape, backend=FourierBackend(eps=1e-7)
    )
    truth = blobs.tilt_series(projector.geometry, image_shape).images
    assert np.abs(projector.forward(volume).images - truth).max() < 1e-4 * truth.max()


@pytest.mark.parametrize("name", ["single axis", "85 degrees"])
def test_material_at_one_edge_does_not_reach_the_opposite_one(name):
    # Three sigmas from the faces: closer to them, the cut itself would ring.
    places = [(-12, -12, 3), (-12, 0, -5), (-12, 11, 0), (0, -12, 8), (11, -12, -9)]
    blobs = GaussianBlobs(places, sigmas=1.3)
    projector = Projector(GEOMETRIES[name], backend=FourierBackend())
    truth = blobs.tilt_series(projector.geometry, (32, 32)).images
    images = projector.forward(blobs.volume((32, 32, 32))).images
    empty = truth < 1e-6 * truth.max()
    assert empty.sum() > 500
    assert np.abs(images[empty]).max() < 0.005 * truth.max()


def test_an_image_that_the_volume_misses_is_empty_however_far_away():
    shifts = [[0, 0], [1e7, 0], [0, -60], [40, 3]]
    for angle in (0, 85):
        geometry = TiltGeometry.from_tilt_angles(
            [0, 10, 20, 30], tilt_axis_angle=angle, shifts=shifts
        )
        volume = np.ones((16, 16, 16))
        images = (
            Projector(geometry, voxel_size=1.0, backend=FourierBackend()).forward(volume).images
        )
        assert images[0].max() > 10
        assert not images[1:].any()
        missed = Projector(
            geometry[1:], volume_shape=(16,) * 3, voxel_size=1.0, backend=FourierBackend()
        )
        assert not missed.forward(volume).images.any()
        assert not missed.adjoint(np.ones((3, 16, 16))).data.any()


@pytest.mark.parametrize("shapes", [((1, 1, 1), (1, 1)), ((1, 5, 1), (3, 1)), ((2, 1, 3), (1, 2))])
@pytest.mark.parametrize("angle", [0, 33])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tiny_shapes_have_an_exact_adjoint(shapes, angle, dtype):
    geometry = TiltGeometry.from_tilt_angles([0, 40], tilt_axis_angle=angle)
    projector = Projector(
        geometry, volume_shape=shapes[0], image_shape=shapes[1], backend=FourierBackend()
    )
    forward = projector.linear_operator(dtype) @ np.eye(np.prod(shapes[0]), dtype=dtype)
    adjoint = projector.T.linear_operator(dtype) @ np.eye(2 * np.prod(shapes[1]), dtype=dtype)
    np.testing.assert_allclose(forward, adjoint.T, atol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tilts_in_batches_give_the_same_projections(monkeypatch, dtype):
    spec = make_spec("any rotation", dtype=dtype)
    volume, images = arrays(spec)
    backend = FourierBackend()
    expected = backend.forward(spec, volume), backend.adjoint(spec, images)
    monkeypatch.setattr(volume_slices, "_MIN_BATCH", 1)
    plan = backend.plan(spec)
    assert len(list(plan._all_slices())) == len(spec.grids)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    for _ in range(2):
        assert relative_error(plan.forward(volume), expected[0]) < tolerance
        assert relative_error(plan.adjoint(images), expected[1]) < tolerance


def test_fourier_agrees_with_the_other_backends_on_wide_blobs():
    blobs = GaussianBlobs.random((40, 40, 40), n=5, seed=1, sigmas=(4.0, 5.0))
    volume = blobs.volume((40, 40, 40))
    geometry = GEOMETRIES["single axis"]
    for driven in DRIVEN:
        results = []
        for backend in (SparseBackend(), FourierBackend()):
            projector = Projector(
                geometry, volume_shape=volume.shape, driven=driven, backend=backend
            )
            images = projector.forward(volume)
            results.append((images.images, projector.adjoint(images).data[8:-8, 8:-8, 8:-8]))
        for one, other in zip(*results, strict=True):
            assert relative_error(other, one) < 0.04


@pytest.mark.parametrize("eps", [0.0, -1e-3, 1.0, 1e-15, np.nan, "fine", [1e-3, 1e-4]])
def test_an_eps_out_of_range_is_refused(eps):
    with pytest.raises(ValueError, match="eps must be"):
        FourierBackend(eps=eps)


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_a_number_of_threads_that_is_not_positive_is_refused(threads):
    with pytest.raises(ValueError, match="threads must be a positive integer"):
        FourierBackend(threads=threads)


@pytest.mark.parametrize("eps", [1e-14, 1e-7, 0.5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_eps_in_range_works_without_a_warning(capfd, eps, dtype):
    spec = make_spec("any rotation", dtype=dtype)
    volume, images = arrays(spec)
    plan = FourierBackend(eps=eps).plan(spec)
    plan.forward(volume)
    plan.adjoint(images)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("eps", [1e-2, 1e-5, 1e-6, 1e-12])
@pytest.mark.parametrize("shape", [(40, 33, 50), (1, 5, 2), (130, 20, 21)])
def test_volume_nuffts_equal_the_direct_sums(shape, eps, dtype):
    rng = np.random.default_rng(9)
    points = rng.uniform(-np.pi, np.pi, size=(3, 300)).astype(dtype)
    modes = rng.normal(size=(2, *shape)) * [[[[1]]], [[[1j]]]]
    modes = modes.sum(axis=0).astype(np.result_type(dtype, np.complex64))
    nufft = VolumeNufft(points, shape, eps, 2)
    axes = [
        np.exp(-1j * np.multiply.outer(line.astype(np.float64), np.arange(n) - n // 2))
        for line, n in zip(points, shape, strict=True)
    ]
    truth = np.einsum("ijk,mi,mj,mk->m", modes, *axes, optimize=True)
    got = nufft.to_points(modes)
    allowed = 3 * max(eps, 1e-5 if dtype == np.float32 else 0)
    assert np.linalg.norm(got - truth) < allowed * np.linalg.norm(truth)
    values = truth.astype(modes.dtype)
    left, right = np.vdot(values, got), np.vdot(nufft.to_modes(values), modes)
    assert abs(left - right) < (1e-5 if dtype == np.float32 else 1e-12) * abs(left)


@pytest.mark.parametrize("name", ["single axis", "85 degrees"])
def test_one_plan_serves_two_threads_at_once(name):
    geometry = GEOMETRIES[name]
    projector = Projector(
        geometry, volume_shape=(32, 32, 32), voxel_size=1.0, backend=FourierBackend()
    )
    rng = np.random.default_rng(8)
    volumes = rng.normal(size=(6, 32, 32, 32)).astype(np.float32)
    stacks = rng.normal(size=(6, len(geometry), 32, 32)).astype(np.float32)
    with ThreadPoolExecutor(2) as pool:
        images = list(pool.map(lambda x: projector.forward(x).images, volumes))
        backprojected = list(pool.map(lambda y: projector.adjoint(y).data, stacks))
    for k in range(6):
        np.testing.assert_array_equal(images[k], projector.forward(volumes[k]).images)
        np.testing.assert_array_equal(backprojected[k], projector.adjoint(stacks[k]).data)


def test_a_fourier_backend_is_pickled_without_its_plans():
    backend = FourierBackend(eps=1e-9)
    projector = Projector(GEOMETRIES["85 degrees"], voxel_size=1.0, backend=backend)
    volume = np.random.default_rng(1).normal(size=(12, 12, 12))
    images = projector.forward(volume).images
    copy = pickle.loads(pickle.dumps(projector))
    assert copy.backend == projector.backend
    assert relative_error(copy.forward(volume).images, images) < 1e-12


def test_fourier_supports_every_spec_with_its_own_operator():
    spec = SamplingSpec(grids=np.eye(3, 4)[None], volume_shape=(4, 5, 6), image_shape=(5, 6))
    assert FourierBackend().unsupported(spec) is None
    assert not FourierBackend().trilinear
    assert repr(FourierBackend()) == "FourierBackend(eps=1e-05, threads=None)"
    assert FourierBackend().name == "fourier"
