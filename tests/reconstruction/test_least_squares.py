"""`LeastSquares`, and the grids of volumes, starts and masks."""

import numpy as np
import pytest
from helpers import relative_error
from landweber import GEOMETRY, SHAPE, series
from numpy.testing import assert_allclose, assert_array_equal

from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume, VolumeGrid
from libtilt.reconstruction import CGLS, METHODS, SIRT, TV, LeastSquares, reconstruct, sirt, wbp


def test_a_result_lies_on_the_requested_grid():
    grid = VolumeGrid(SHAPE, 1.5, (3.0, -2.0, 1.0))
    for name in METHODS:
        assert reconstruct(series(), name, volume_grid=grid).grid == grid
    # Projected as a volume, and not as numbers of a size that nobody knows.
    result = wbp(series(), volume_grid=grid)
    images = Projector(GEOMETRY, image_shape=(13, 15), pixel_size=1.0).forward(result)
    assert_array_equal(
        images.images,
        Projector(GEOMETRY, volume_grid=grid, image_grid=series().grid).forward(result).images,
    )


def test_volume_shape_keeps_voxel_size_and_center_of_the_projectors_grid():
    grid = VolumeGrid((4, 8, 8), 2.0, (1.0, 2.0, 3.0))
    projector = Projector(GEOMETRY, volume_grid=grid)
    result = wbp(series(), projector=projector, volume_shape=(5, 6, 7))
    assert result.grid == VolumeGrid((5, 6, 7), 2.0, (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="pass volume_grid or volume_shape, not both"):
        wbp(series(), volume_grid=grid, volume_shape=SHAPE)
    with pytest.raises(TypeError, match="volume_grid must be a VolumeGrid, got tuple"):
        wbp(series(), volume_grid=SHAPE)


@pytest.mark.parametrize(
    ("name", "moved"), [("sirt", 0.9), ("cgls", 0.9), ("tv", 0.4), ("wbp", 0.9)]
)
def test_voxels_stay_where_the_mask_is_zero(name, moved):
    rng = np.random.default_rng(3)
    mask = rng.random(SHAPE) > 0.5
    start = None if name == "wbp" else rng.normal(size=SHAPE)
    result = reconstruct(series(), name, volume_shape=SHAPE, mask=mask, start=start).data
    assert_array_equal(result[~mask], 0 if start is None else start[~mask])
    assert (result[mask] != (0 if start is None else start[mask])).mean() > moved


def test_cgls_with_a_mask_solves_the_smaller_problem():
    """On the voxels of a mask it finds what least squares over these voxels alone find."""
    mask = np.random.default_rng(4).random(SHAPE) > 0.7
    projector = Projector(GEOMETRY, volume_shape=SHAPE, image_shape=(13, 15), voxel_size=1.0)
    operator = projector.linear_operator("float64")
    system = operator.matmat(np.eye(operator.shape[1])[:, mask.ravel()])
    images = series().images.ravel()
    best = np.linalg.lstsq(system, images, rcond=None)[0]
    options = {"mask": mask, "margin": 0, "volume_shape": SHAPE}
    found = reconstruct(series(), CGLS(iterations=2000, tolerance=1e-12), **options)
    assert relative_error(found.data[mask], best) < 1e-4
    misfit = np.linalg.norm(images - system @ best) / np.linalg.norm(images)
    assert_allclose(found.residuals[-1], misfit, rtol=1e-9)


def test_a_problem_has_the_residual_descent_and_norm_of_its_matrix():
    weights = np.random.default_rng(6).random((7, 13, 15))
    problem = LeastSquares.from_tilt_series(
        series(), volume_shape=SHAPE, weights=weights, margin="auto", backend="numba"
    )
    volume = np.random.default_rng(7).normal(size=problem.zeros().shape)
    residual = problem.residual(volume)
    assert_allclose(residual, problem.images - problem.projector.forward(volume).images)
    half = 0.5 * np.sum(weights * residual**2)
    step = 1e-6 * problem.descent(residual)
    moved = 0.5 * np.sum(weights * problem.residual(volume + step) ** 2)
    assert_allclose((half - moved) * 1e6, np.sum((1e6 * step) ** 2), rtol=1e-3)
    total = np.sum(weights * problem.images**2)
    assert_allclose(problem.misfit(residual), np.sqrt(2 * half / total))
    assert problem.misfit(problem.images) == 1.0
    part = problem.subset([4, 1])
    assert_array_equal(part.images, problem.images[[4, 1]])
    assert_allclose(part.residual(volume), residual[[4, 1]])
    assert_allclose(part.descent(part.images), part.adjoint((weights * problem.images)[[4, 1]]))
    operator = problem.projector.linear_operator("float64")
    system = np.sqrt(weights).reshape(-1, 1) * operator.matmat(np.eye(operator.shape[1]))
    assert_allclose(problem.norm(tolerance=1e-9), np.linalg.norm(system, 2), rtol=1e-5)


def test_bounds_do_not_apply_where_the_mask_is_zero():
    mask = np.zeros(SHAPE)
    mask[2:] = 1
    start = np.full(SHAPE, -1.0)
    for method in (SIRT(bounds=(0, None), iterations=2), TV(iterations=2)):
        data = reconstruct(series(), method, volume_shape=SHAPE, mask=mask, start=start).data
        assert (data[:2] == -1).all()
        assert data[2:].min() >= 0


@pytest.mark.parametrize("name", ["start", "mask"])
def test_start_and_mask_on_another_grid_raise(name):
    blobs = GaussianBlobs([[1, -2, 1]], sigmas=2)
    tilts = blobs.tilt_series(TiltGeometry.from_tilt_angles([-30, 0, 30]), (12, 12))
    grid = VolumeGrid((8, 12, 12))
    fits = Volume(np.ones(grid.shape), voxel_size=1.0)
    assert sirt(tilts, volume_grid=grid, iterations=1, **{name: fits}).shape == grid.shape
    elsewhere = fits.evolve(center=(0, 0, 1))
    with pytest.raises(
        ValueError, match=f"{name} must lie on the volume's grid, but centers differ"
    ):
        sirt(tilts, volume_grid=grid, iterations=1, **{name: elsewhere})
