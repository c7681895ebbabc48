"""Methods as objects: resolution, custom methods and errors."""

import inspect
import pickle

import attrs
import numpy as np
import pytest
from helpers import relative_error
from landweber import EVERY, SHAPE, Landweber, series

import libtilt
import libtilt.reconstruction
from libtilt import GaussianBlobs, Projector, TiltGeometry, VolumeGrid
from libtilt.io.image_files import read_image
from libtilt.reconstruction import CGLS, METHODS, WBP, Method, reconstruct, resolve_method


@EVERY
def test_methods_resolve_from_name_class_and_instance(name):
    method = METHODS[name]
    chosen = method() if name == "wbp" else method(iterations=3)
    assert [resolve_method(way) for way in (name, method, chosen)] == [method(), method(), chosen]
    result = reconstruct(series(), chosen, volume_shape=SHAPE)
    assert result.method == chosen


@pytest.mark.parametrize(
    ("method", "error", "message"),
    [
        ("art", ValueError, "method 'art' is not known: choose from 'wbp', 'sirt', 'cgls', 'tv'"),
        (3, TypeError, "method must be a name, a Method class or a Method, got 3"),
        (Projector, TypeError, "method must be a name"),
    ],
)
def test_errors_name_unknown_methods(method, error, message):
    with pytest.raises(error, match=message):
        resolve_method(method)


@EVERY
def test_methods_compare_and_pickle_by_value(name):
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


def test_a_custom_method_works_like_the_built_in_ones(tmp_path):
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
        ("wbp", {"start": np.zeros(SHAPE)}, "start is not supported by the method 'wbp'"),
        (
            "wbp",
            {"callback": print},
            "callback is not supported by .* supported arguments: mask, weights",
        ),
        ("wbp", {"margin": 5}, "margin is not supported by the method 'wbp'"),
        (Landweber, {"mask": np.ones(SHAPE)}, "mask is not supported by the method 'landweber'"),
        ("sirt", {"margin": -1}, 'margin must be "auto" or a number of voxels, 0 or more, got -1'),
        ("sirt", {"margin": "all"}, 'margin must be "auto"'),
        ("sirt", {"margin": True}, 'margin must be "auto"'),
        ("sirt", {"nan": "zero"}, "nan must be one of 'raise', 'ignore', got 'zero'"),
    ],
)
def test_unsupported_arguments_of_a_method_raise(method, options, message):
    with pytest.raises(ValueError, match=message):
        reconstruct(series(), method, volume_shape=SHAPE, **options)


VOXELS = [(1, 1, 1), (2, 2, 2), (1, 1, 2), (1, 1, 4), (2, 1, 1)]


@pytest.mark.parametrize("voxel_size", VOXELS, ids=str)
@pytest.mark.parametrize("method", [WBP(), CGLS(iterations=10)], ids=lambda method: method.name)
def test_density_is_recovered_for_any_voxel_size(method, voxel_size):
    """Line integrals over the pixel size: the unit does not know of voxels."""
    blobs = GaussianBlobs(
        [[7, -4, 5], [-8, 6, -3], [1, 7, -8]], sigmas=[5, 6, 5.5], amplitudes=[1, 1.5, 2]
    )
    images = blobs.tilt_series(TiltGeometry.from_tilt_angles(np.arange(-90, 90, 2)), (64, 64))
    grid = VolumeGrid(tuple(64 // size for size in voxel_size[::-1]), voxel_size)
    truth = blobs.volume(grid.shape, voxel_size=voxel_size)
    assert relative_error(reconstruct(images, method, volume_grid=grid), truth) < 0.04


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        (lambda problem: np.ones(SHAPE), r"\(.*\) float64"),
        (lambda problem: problem.zeros().astype(int), ".* int64"),
        (lambda problem: problem.to_volume(problem.zeros()), "a Volume"),
        (lambda problem: None, "a NoneType"),
    ],
)
def test_a_result_of_the_wrong_shape_or_type_raises(returned, got):
    class Careless(Method):
        def _solve(self, problem, progress):
            return returned(problem)

    wide = GaussianBlobs([[0, 0, 0]], sigmas=2).tilt_series(
        TiltGeometry.from_tilt_angles([-50, 0, 50]), (SHAPE[1], SHAPE[2])
    )
    with pytest.raises(ValueError, match=f"must return an array like problem.zeros.* got {got}"):
        reconstruct(wide, Careless(), volume_shape=SHAPE)
