"""Methods are objects, their results are volumes with a history, and one writes one's own."""

import inspect
import pickle

import attrs
import numpy as np
import pytest
from helpers import BLOBS, relative_error
from numpy.testing import assert_allclose, assert_array_equal

import libtilt
import libtilt.reconstruction
from libtilt import GaussianBlobs, Projector, TiltGeometry, Volume, VolumeGrid
from libtilt.io.image_files import read_image
from libtilt.reconstruction import (
    CGLS,
    METHODS,
    SIRT,
    TV,
    WBP,
    LeastSquares,
    Method,
    RadialFilter,
    Reconstruction,
    reconstruct,
    resolve_method,
    sirt,
    wbp,
)
from libtilt.reconstruction.result import options_of

GEOMETRY = TiltGeometry.from_tilt_angles(range(-60, 61, 20), tilt_axis_angle=8)
SHAPE = (6, 12, 14)
EVERY = pytest.mark.parametrize("name", METHODS)


def series(dtype="float64"):
    return BLOBS.tilt_series(GEOMETRY, (13, 15)).astype(dtype)


@attrs.frozen(kw_only=True)
class Landweber(Method):
    """The shortest method that one could write."""

    steps: int = 4

    def _solve(self, problem, progress):
        volume, pace = problem.begin(), 1 / problem.norm() ** 2
        for _ in range(self.steps):
            residual = problem.residual(volume)
            volume += pace * problem.descent(residual)
            if progress.step(volume, problem.misfit(problem.residual(volume))):
                break
        return volume


@EVERY
def test_a_method_is_asked_for_by_name_by_class_and_by_instance(name):
    method = METHODS[name]
    results = [reconstruct(series(), way, volume_shape=SHAPE) for way in (name, method, method())]
    for result in results:
        assert_array_equal(result.data, results[0].data)
        assert result.method == method()


@pytest.mark.parametrize(
    ("method", "error", "message"),
    [
        ("art", ValueError, "method 'art' is not known: choose from 'wbp', 'sirt', 'cgls', 'tv'"),
        (3, TypeError, "method must be a name, a Method class or a Method, got 3"),
        (Projector, TypeError, "method must be a name"),
    ],
)
def test_what_is_no_method_is_named(method, error, message):
    with pytest.raises(error, match=message):
        resolve_method(method)


@EVERY
def test_a_method_is_a_value(name):
    method = METHODS[name]()
    assert pickle.loads(pickle.dumps(method)) == method
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        method.taper = 3


@EVERY
def test_the_function_of_a_method_has_its_options_and_their_defaults(name):
    own = {field.name: field.default for field in attrs.fields(METHODS[name])}
    common = inspect.signature(reconstruct).parameters
    parameters = inspect.signature(getattr(libtilt.reconstruction, name)).parameters
    assert set(own) <= set(parameters)
    for option, parameter in parameters.items():
        if option in own:
            assert parameter.default == own[option]
        else:
            assert parameter.default == common[option].default
            assert parameter.annotation == common[option].annotation
    left_out = {"method"} | ({"start", "margin", "callback"} if name == "wbp" else set())
    assert set(common) - set(parameters) == left_out


@EVERY
def test_a_result_is_a_volume_and_keeps_its_history(name):
    result = reconstruct(series("float32"), name, volume_shape=SHAPE)
    assert isinstance(result, Volume)
    assert result.shape == SHAPE
    assert np.shares_memory(np.asarray(result), result.volume.data)
    assert isinstance(result, Reconstruction)
    assert type(result.volume) is Volume
    assert result.method.name == name
    assert result.stop_reason == {"wbp": "direct", "tv": result.stop_reason}.get(name, "iterations")
    assert len(result.residuals) == (0 if name == "wbp" else result.iterations + 1)
    again = pickle.loads(pickle.dumps(result))
    assert_array_equal(again.data, result.data)
    assert again.method == result.method


@pytest.mark.parametrize(
    "change",
    [
        lambda result: result - 1,
        lambda result: result.crop((4, 4, 4)),
        lambda result: result[1:3],
        lambda result: result.astype("float64"),
        lambda result: result.evolve(voxel_size=2.0),
        lambda result: result.bin(2),
        lambda result: result.normalize(),
    ],
)
def test_what_is_made_of_a_result_has_no_history(change):
    class Named(Volume):
        pass

    class Own(Projector):
        volume_type = Named

    result = wbp(series(), projector=Own(GEOMETRY, volume_shape=SHAPE))
    assert type(result.volume) is Named
    assert type(change(result)) is Named


def test_a_result_lies_where_it_was_asked_for():
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


def test_a_shape_keeps_voxels_and_place_of_the_projectors_grid():
    grid = VolumeGrid((4, 8, 8), 2.0, (1.0, 2.0, 3.0))
    projector = Projector(GEOMETRY, volume_grid=grid)
    result = wbp(series(), projector=projector, volume_shape=(5, 6, 7))
    assert result.grid == VolumeGrid((5, 6, 7), 2.0, (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="give volume_grid or volume_shape, not both"):
        wbp(series(), volume_grid=grid, volume_shape=SHAPE)
    with pytest.raises(TypeError, match="volume_grid must be a VolumeGrid, got tuple"):
        wbp(series(), volume_grid=SHAPE)


def test_a_file_says_how_it_was_made(tmp_path):
    result = sirt(series(), volume_shape=SHAPE, iterations=3, bounds=(0, None))
    path = result.save(tmp_path / "a.mrc")
    made = read_image(path).made
    assert made == (
        f"SIRT(iterations=3, bounds=(0, None)), 3 iterations, residual {result.residuals[-1]:.4g}, "
        f"libtilt {libtilt.__version__}"
    )
    assert_allclose(Volume.open(path).data, result.data, rtol=1e-6)
    with pytest.raises(FileExistsError):
        result.save(path)
    result.save(path, overwrite=True)
    assert made in repr(result)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (WBP(), "WBP()"),
        (WBP(filter=RadialFilter(0.3, 0.05)), "WBP(filter=RadialFilter(cutoff=0.3, falloff=0.05))"),
        (TV(nonnegative=False, strength=0.1), "TV(strength=0.1, nonnegative=False)"),
        (Landweber(steps=3), "Landweber(steps=3)"),
    ],
)
def test_options_that_are_no_defaults_are_told(method, text):
    assert options_of(method) == text


def test_a_method_of_ones_own_goes_where_the_others_go(tmp_path):
    seen = []
    result = reconstruct(
        series(),
        Landweber(steps=30),
        volume_shape=SHAPE,
        margin=0,
        callback=lambda iteration, volume, residual: seen.append(residual) or iteration == 20,
    )
    assert result.stop_reason == "callback"
    assert result.iterations == 20
    assert (np.diff(seen) < 0).all()
    assert Landweber.name == "landweber"
    expected = reconstruct(series(), CGLS(iterations=200), volume_shape=SHAPE, margin=0)
    assert expected.residuals[-1] < seen[-1]
    assert "Landweber(steps=30), 20 iterations" in read_image(result.save(tmp_path / "a.mrc")).made


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("wbp", {"start": np.zeros(SHAPE)}, "start does not go with the method 'wbp'"),
        ("wbp", {"callback": print}, "callback does not go with .* takes mask, weights"),
        ("wbp", {"margin": 5}, "margin does not go with the method 'wbp'"),
        (Landweber, {"mask": np.ones(SHAPE)}, "mask does not go with the method 'landweber'"),
        ("sirt", {"margin": -1}, 'margin must be "auto" or a number of voxels, 0 or more, got -1'),
        ("sirt", {"margin": "all"}, 'margin must be "auto"'),
        ("sirt", {"margin": True}, 'margin must be "auto"'),
        ("sirt", {"nan": "zero"}, "nan must be one of 'raise', 'ignore', got 'zero'"),
    ],
)
def test_what_a_method_does_not_heed_is_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        reconstruct(series(), method, volume_shape=SHAPE, **options)


@pytest.mark.parametrize("name", ["sirt", "cgls", "tv", "wbp"])
def test_where_the_mask_is_zero_nothing_moves(name):
    rng = np.random.default_rng(3)
    mask = rng.random(SHAPE) > 0.5
    start = None if name == "wbp" else rng.normal(size=SHAPE)
    result = reconstruct(series(), name, volume_shape=SHAPE, mask=mask, start=start).data
    assert_array_equal(result[~mask], 0 if start is None else start[~mask])
    assert (result[mask] != (0 if start is None else start[mask])).mean() > 0.4


def test_a_mask_is_a_smaller_problem_for_cgls():
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


VOXELS = [(1, 1, 1), (2, 2, 2), (1, 1, 2), (1, 1, 4), (2, 1, 1)]


@pytest.mark.parametrize("voxel_size", VOXELS, ids=str)
@pytest.mark.parametrize("method", [WBP(), CGLS(iterations=10)], ids=lambda method: method.name)
def test_images_in_closed_form_give_their_density_on_any_voxels(method, voxel_size):
    """Line integrals over the pixel size: the unit does not know of voxels."""
    blobs = GaussianBlobs(
        [[7, -4, 5], [-8, 6, -3], [1, 7, -8]], sigmas=[5, 6, 5.5], amplitudes=[1, 1.5, 2]
    )
    images = blobs.tilt_series(TiltGeometry.from_tilt_angles(np.arange(-90, 90, 2)), (64, 64))
    grid = VolumeGrid(tuple(64 // size for size in voxel_size[::-1]), voxel_size)
    truth = blobs.volume(grid.shape, voxel_size=voxel_size)
    assert relative_error(reconstruct(images, method, volume_grid=grid), truth) < 0.04


def test_the_problem_is_what_it_says():
    weights = np.random.default_rng(6).random((7, 13, 15))
    problem = LeastSquares.of(
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


def test_bounds_of_a_start_outside_of_them_do_not_hold_where_the_mask_is_zero():
    mask = np.zeros(SHAPE)
    mask[2:] = 1
    start = np.full(SHAPE, -1.0)
    for method in (SIRT(bounds=(0, None), iterations=2), TV(iterations=2)):
        data = reconstruct(series(), method, volume_shape=SHAPE, mask=mask, start=start).data
        assert (data[:2] == -1).all()
        assert data[2:].min() >= 0


@pytest.mark.parametrize("name", ["start", "mask"])
def test_a_volume_that_lies_elsewhere_is_no_start_and_no_mask(name):
    blobs = GaussianBlobs([[1, -2, 1]], sigmas=2)
    tilts = blobs.tilt_series(TiltGeometry.from_tilt_angles([-30, 0, 30]), (12, 12))
    grid = VolumeGrid((8, 12, 12))
    fits = Volume(np.ones(grid.shape), voxel_size=1.0)
    assert sirt(tilts, volume_grid=grid, iterations=1, **{name: fits}).shape == grid.shape
    elsewhere = fits.evolve(center=(0, 0, 1))
    with pytest.raises(
        ValueError, match=f"{name} must lie on the volume's grid, but places differ"
    ):
        sirt(tilts, volume_grid=grid, iterations=1, **{name: elsewhere})


def test_a_copy_of_a_result_with_other_data_is_saved_with_them(tmp_path):
    result = sirt(series(), volume_shape=SHAPE, iterations=1)
    other = attrs.evolve(result, data=np.full(SHAPE, 7.0, "f4"), center=(5.0, 0.0, 0.0))
    assert (other * 1).center.tolist() == [5, 0, 0]
    opened = Volume.open(other.save(tmp_path / "a.mrc"), voxel_size=1.0)
    assert (opened.data == 7).all()
    assert np.allclose(opened.center, [5, 0, 0])
    assert len(pickle.dumps(result)) < 1.5 * result.data.nbytes + 10_000


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        (lambda problem: np.ones(SHAPE), r"\(.*\) float64"),
        (lambda problem: problem.zeros().astype(int), ".* int64"),
        (lambda problem: problem.volume(problem.zeros()), "a Volume"),
        (lambda problem: None, "a NoneType"),
    ],
)
def test_what_a_method_returns_is_looked_at(returned, got):
    class Careless(Method):
        def _solve(self, problem, progress):
            return returned(problem)

    wide = GaussianBlobs([[0, 0, 0]], sigmas=2).tilt_series(
        TiltGeometry.from_tilt_angles([-50, 0, 50]), (SHAPE[1], SHAPE[2])
    )
    with pytest.raises(ValueError, match=f"must return an array like problem.zeros.* got {got}"):
        reconstruct(wide, Careless(), volume_shape=SHAPE)
