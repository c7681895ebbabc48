"""At least one test for each row of the conventions."""

import attrs
import numpy as np
import pytest
from helpers import (
    ANY_ROTATION,
    BLOBS,
    EVERY_BACKEND,
    SAMPLING,
    SINGLE_AXIS,
    TRILINEAR,
    geometry_for,
    relative_error,
)
from scipy import ndimage
from scipy.spatial.transform import Rotation

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries, Volume, VolumeGrid
from libtilt.backends import SciPyBackend, SparseBackend
from libtilt.backends.base import DRIVEN

every_backend = pytest.mark.parametrize("backend", EVERY_BACKEND)
trilinear = pytest.mark.parametrize("backend", TRILINEAR)
both_driven = pytest.mark.parametrize("driven", DRIVEN)

RNG = np.random.default_rng(11)
IDENTITY = TiltGeometry.from_tilt_angles([0.0])
OCTAHEDRAL = Rotation.create_group("O").as_matrix().round()


def project(volume, geometry=IDENTITY, **options):
    if not isinstance(volume, Volume):
        options = {"pixel_size": 1.0} | options
    return np.asarray(Projector(geometry, **options).forward(volume))


def turned_by_axes(volume, matrix):
    """The volume on a grid rotated by a signed permutation, by transposing and flipping."""
    axes = [2 - int(np.abs(matrix[:, column]).argmax()) for column in (2, 1, 0)]
    signs = [matrix[:, column].sum() for column in (2, 1, 0)]
    turned = volume.transpose(axes)
    return np.flip(turned, [axis for axis in range(3) if signs[axis] < 0])


@pytest.mark.parametrize("backend", SAMPLING)
@both_driven
def test_without_rotation_a_projection_is_the_sum_over_z(backend, driven):
    volume = RNG.normal(size=(4, 5, 6))
    images = project(volume, backend=backend, driven=driven)
    assert np.allclose(images[0], volume.sum(axis=0), rtol=0, atol=1e-5)


@trilinear
@both_driven
def test_without_rotation_the_sum_is_exact(backend, driven):
    volume = RNG.integers(0, 99, size=(4, 5, 6))
    images = project(volume, backend=backend, driven=driven)
    assert np.array_equal(images[0], volume.sum(axis=0))


@both_driven
@pytest.mark.parametrize("matrix", OCTAHEDRAL, ids=range(24))
@pytest.mark.parametrize("backend", [SciPyBackend(order=0), SciPyBackend(), SparseBackend()])
def test_right_angles_are_exact_transposes_and_flips(backend, matrix, driven):
    volume = RNG.integers(0, 99, size=(5, 5, 5)).astype(np.float64)
    geometry = TiltGeometry(matrix)
    images = project(volume, geometry, backend=backend, driven=driven)
    assert np.array_equal(images[0], turned_by_axes(volume, matrix).sum(axis=0))


@trilinear
def test_tilted_by_90_degrees_z_runs_along_u_and_by_minus_90_against_it(backend):
    volume = RNG.integers(0, 99, size=(5, 5, 5)).astype(np.float64)
    images = project(volume, TiltGeometry.from_tilt_angles([90, -90, 180]), backend=backend)
    seen_from_x = volume.sum(axis=2).T
    assert np.array_equal(images[0], seen_from_x)
    assert np.array_equal(images[1], seen_from_x[:, ::-1])
    assert np.array_equal(images[2], volume.sum(axis=0)[:, ::-1])


@every_backend
@both_driven
def test_an_array_is_indexed_z_y_x(backend, driven):
    volume = np.zeros((4, 5, 6))
    volume[3, 1, 5] = 1.0
    assert np.argmax(project(volume, backend=backend, driven=driven)[0]) == 1 * 6 + 5


@every_backend
@both_driven
@pytest.mark.parametrize("volume_shape", [(6, 8, 10), (7, 9, 11), (7, 8, 11)])
@pytest.mark.parametrize("image_shape", [(8, 9), (9, 8)])
def test_the_center_stays_at_half_of_the_shape(backend, driven, volume_shape, image_shape):
    volume = np.zeros(volume_shape)
    volume[tuple(n // 2 for n in volume_shape)] = 1.0
    geometry = attrs.evolve(geometry_for(backend), shifts=0.0)
    images = project(volume, geometry, image_shape=image_shape, backend=backend, driven=driven)
    height, width = image_shape
    for image in images:
        assert np.unravel_index(image.argmax(), image.shape) == (height // 2, width // 2)


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, ANY_ROTATION])
def test_image_i_is_the_volume_sampled_on_the_grid_turned_by_rotation_matrix_i(geometry):
    volume = RNG.normal(size=(6, 7, 8))
    height, width = 9, 6
    v, u, k = np.meshgrid(
        np.arange(height) - 4, np.arange(width) - 3, np.arange(-20, 21), indexing="ij"
    )
    images = project(volume, geometry, image_shape=(height, width), backend="scipy")
    for image, matrix, (sx, sy) in zip(
        images, geometry.rotation_matrices, geometry.shifts, strict=True
    ):
        detector = np.stack([u - sx, v - sy, k])
        xyz = np.einsum("ij,j...->i...", matrix, detector)
        zyx = xyz[::-1] + np.array([3, 3, 4]).reshape(3, 1, 1, 1)
        samples = ndimage.map_coordinates(volume, zyx, order=1, mode="grid-constant")
        assert np.allclose(image, samples.sum(axis=-1), atol=1e-10)


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, ANY_ROTATION])
def test_voxel_driven_each_voxel_takes_the_image_value_at_its_projected_point(geometry):
    images = RNG.normal(size=(len(geometry), 7, 6))
    projector = Projector(
        geometry, volume_grid=VolumeGrid((4, 5, 6)), driven="voxel", backend="scipy"
    )
    z, y, x = np.indices((4, 5, 6)).reshape(3, -1) - np.array([[2], [2], [3]])
    expected = np.zeros(4 * 5 * 6)
    for image, points in zip(images, geometry.project_points(np.stack([x, y, z], 1)), strict=True):
        v_u = points.T[::-1] + 3
        expected += ndimage.map_coordinates(image, v_u, order=1, mode="grid-constant")
    assert np.allclose(projector.adjoint(images).data.ravel(), expected, atol=1e-12)


@every_backend
@both_driven
def test_blobs_project_onto_the_result_of_project_points(backend, driven):
    """Handedness and signs of angles and shifts, by each blob's centroid in pixels."""
    tolerance = 0.1 if backend == SciPyBackend(order=0, threads=1) else 0.02
    geometry = geometry_for(backend)
    v, u = np.indices((36, 37)) - np.array([18, 18]).reshape(2, 1, 1)
    for center, sigma in zip(BLOBS.centers, BLOBS.sigmas, strict=True):
        volume = GaussianBlobs([center], sigma).volume((33, 32, 34))
        images = project(volume, geometry, image_shape=(36, 37), backend=backend, driven=driven)
        mass = images.sum(axis=(1, 2))
        centroids = np.stack([(images * u).sum((1, 2)) / mass, (images * v).sum((1, 2)) / mass], 1)
        assert np.allclose(centroids, geometry.project_points(center), atol=tolerance)


def test_specimen_to_detector_is_rz_ry_rx():
    axis, tilt, x_tilt = 85.3, -37.0, 4.0
    geometry = TiltGeometry.from_tilt_angles(
        [tilt], tilt_axis_angle=axis, x_tilts=x_tilt, shifts=(3.0, -1.0)
    )
    z, y, x = (
        Rotation.from_euler(name, angle, degrees=True)
        for name, angle in (("z", axis), ("y", tilt), ("x", x_tilt))
    )
    assert np.allclose(geometry.rotation_matrices[0], (z * y * x).inv().as_matrix(), atol=1e-15)
    turned = z.apply(y.apply(x.apply(BLOBS.centers.copy())))
    assert np.allclose(geometry.project_points(BLOBS.centers)[0], turned[:, :2] + [3, -1])


@every_backend
@both_driven
def test_a_positive_shift_moves_the_image_to_larger_indices(backend, driven):
    volume = RNG.normal(size=(4, 8, 9))
    moved = TiltGeometry.from_tilt_angles([0, 0], shifts=[[0, 0], [2, -1]])
    plain, shifted = project(volume, moved, backend=backend, driven=driven)
    assert np.allclose(shifted[:-1, 2:], plain[1:, :-2], atol=1e-5)


@every_backend
@both_driven
def test_shifts_are_angstroms(backend, driven):
    volume = Volume(RNG.normal(size=(4, 8, 9)), voxel_size=2.5)
    moved = TiltGeometry.from_tilt_angles([0, 0], shifts=[[0, 0], [5, 0]])
    plain, shifted = project(volume, moved, backend=backend, driven=driven)
    assert np.allclose(shifted[:, 2:], plain[:, :-2], atol=1e-5)


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, ANY_ROTATION])
def test_projection_matrices_agree_with_project_points(geometry):
    voxel_size, pixel_size = np.array([1.5, 0.8, 1.1]), 1.25
    matrices = geometry.projection_matrices(
        volume_shape=(7, 8, 9), image_shape=(10, 9), voxel_size=voxel_size, pixel_size=pixel_size
    )
    voxel = np.array([2.0, 7, 5])
    points = geometry.project_points((voxel - [4, 4, 3]) * voxel_size)
    pixels = (matrices @ [*voxel, 1])[:, :2]
    assert np.allclose(pixels, [4, 5] + points / pixel_size, atol=1e-12)


def test_projection_matrices_undo_the_sampling_grids_and_are_not_stored():
    projector = Projector(
        ANY_ROTATION, volume_shape=(7, 8, 9), image_shape=(10, 9), voxel_size=2, pixel_size=3
    )
    matrices = ANY_ROTATION.projection_matrices(
        volume_shape=(7, 8, 9), image_shape=(10, 9), voxel_size=2, pixel_size=3
    )
    grids = projector.spec().grids
    back_and_forth = matrices[:, :3] @ np.insert(grids, 3, [0, 0, 0, 1], axis=1)
    assert np.allclose(back_and_forth, np.eye(3, 4), atol=1e-12)
    stored = {field.name for field in attrs.fields(TiltGeometry)}
    assert stored == {"rotation_matrices", "shifts", "magnifications"}


@trilinear
@pytest.mark.parametrize(
    ("driven", "voxel_size", "pixel_size"),
    [
        ("ray", (1.0, 1.0, 1.0), 1.0),
        ("ray", (1.3, 1.0, 0.7), 1.4),
        ("ray", (0.8, 0.9, 1.25), 0.7),
        ("voxel", (1.0, 1.0, 1.0), 1.0),
        ("voxel", (0.9, 0.6, 0.45), 1.8),
        ("voxel", (0.45, 0.6, 0.9), 1.8),
    ],
)
def test_a_value_is_the_line_integral_over_the_pixel_size(backend, driven, voxel_size, pixel_size):
    """At 0, 90 and 180 degrees the beam runs along z, x and z, for any voxel shape."""
    sigma = 4 * max(voxel_size)
    blob = GaussianBlobs([[0.4, -0.3, 0.2]], sigma)
    geometry = TiltGeometry.from_tilt_angles([0, 90, 180])
    shape = tuple(int(9 * sigma / size) for size in voxel_size[::-1])
    volume = blob.volume(shape, voxel_size=voxel_size)
    detector = {"image_shape": (int(9 * sigma / pixel_size),) * 2, "pixel_size": pixel_size}
    images = Projector(geometry, backend=backend, driven=driven, **detector).forward(volume)
    mass = sigma**3 * (2 * np.pi) ** 1.5
    assert np.allclose(images.images.sum(axis=(1, 2)) * pixel_size**3, mass, rtol=5e-3)
    expected = blob.tilt_series(geometry, **detector)
    assert relative_error(images, expected) < 0.03


@trilinear
def test_a_sample_half_a_voxel_outside_is_half_of_the_border(backend):
    volume = np.full((1, 1, 1), 8.0)
    shifts = [[0, 0], [0.5, 0], [-0.25, 0], [0.5, 0.5], [1, 0], [0, -0.75]]
    geometry = TiltGeometry.from_tilt_angles([0] * 6, shifts=shifts)
    for driven in DRIVEN:
        images = project(volume, geometry, backend=backend, driven=driven)
        assert images.ravel().tolist() == [8, 4, 6, 2, 0, 2]


@trilinear
def test_outside_an_image_is_zero_reached_linearly_too(backend):
    geometry = TiltGeometry.from_tilt_angles([0, 0], shifts=[[0.5, 0], [0, 1]])
    projector = Projector(
        geometry, volume_grid=VolumeGrid((1, 1, 1)), driven="voxel", backend=backend
    )
    assert projector.adjoint(np.array([[[8.0]], [[100.0]]])).data.item() == 4.0


@trilinear
@both_driven
def test_a_flat_volume_on_a_large_detector_is_not_clipped(backend, driven):
    centers = [[x, y, 0.3] for x in (-15.0, -4, 0, 14) for y in (-12.5, 3, 15)]
    volume = GaussianBlobs(centers, sigmas=1.3).volume((13, 41, 41))
    geometry = TiltGeometry.from_tilt_angles([0, 45, 77, 90, -85, 180])
    images = project(volume, geometry, image_shape=(51, 67), backend=backend, driven=driven)
    mass = volume.data.sum()
    assert np.allclose(images.sum(axis=(1, 2)), mass, rtol=5e-3 if driven == "ray" else 1e-10)


@both_driven
def test_a_volume_is_not_clipped_at_any_rotation(driven):
    volume = GaussianBlobs([[0, 0, 20.0], [20, 0, 0], [0, -20, 0]], 1.3).volume((51, 51, 51))
    geometry = ANY_ROTATION.evolve(shifts=0.0)
    images = project(volume, geometry, image_shape=(53, 53), driven=driven, backend="numba")
    assert np.allclose(images.sum(axis=(1, 2)), volume.data.sum(), rtol=1e-3)


@every_backend
@both_driven
@pytest.mark.parametrize(
    ("given", "computed"),
    [
        ("float32", "float32"),
        ("float64", "float64"),
        (">f8", "float64"),
        ("float16", "float32"),
        ("int64", "float32"),
        ("uint8", "float32"),
        ("bool", "float32"),
    ],
)
def test_float64_stays_and_other_dtypes_become_float32(backend, driven, given, computed):
    projector = Projector(
        SINGLE_AXIS, volume_grid=VolumeGrid((3, 4, 5)), backend=backend, driven=driven
    )
    assert projector.forward(np.ones((3, 4, 5), given)).dtype == np.dtype(computed)
    assert projector.adjoint(np.ones((5, 4, 5), given)).dtype == np.dtype(computed)


def test_complex_input_is_refused():
    projector = Projector(IDENTITY, volume_shape=(3, 4, 5))
    with pytest.raises(TypeError, match="volume must be real numbers, got dtype complex64; take"):
        projector.forward(np.ones((3, 4, 5), np.complex64))
    with pytest.raises(TypeError, match="tilt_series must be real numbers, got dtype complex128"):
        projector.adjoint(np.ones((1, 4, 5), np.complex128))
    with pytest.raises(TypeError, match="images must be real numbers"):
        TiltSeries(np.ones((1, 4, 5), np.complex128), IDENTITY)
