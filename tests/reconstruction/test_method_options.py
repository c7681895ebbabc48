"""Iterations, callbacks and options common to all methods."""

import numpy as np
import pytest
from helpers import BLOBS, EVERY_BACKEND, geometry_for
from numpy.testing import assert_allclose, assert_array_equal

import libtilt.reconstruction
from libtilt import Projector, TiltGeometry
from libtilt.reconstruction import CGLS, SIRT, reconstruct

SHAPE = (5, 8, 9)
GEOMETRY = TiltGeometry.from_tilt_angles(
    [-60, -35, -10, 5, 33, 58], tilt_axis_angle=11, shifts=np.arange(12).reshape(6, 2) / 7
)
SERIES = BLOBS.tilt_series(GEOMETRY, (8, 10))


@pytest.mark.parametrize("name", ["sirt", "cgls", "tv"])
@pytest.mark.parametrize("margin", [0, "auto"])
def test_a_callback_sees_every_iteration_and_may_stop(name, margin):
    seen = []

    def watch(iteration, volume, residual):
        seen.append((iteration, residual, volume.data.copy()))
        return iteration == 3

    result = reconstruct(SERIES, name, volume_shape=SHAPE, callback=watch, margin=margin)
    iterations, residuals, volumes = zip(*seen, strict=True)
    assert iterations == (1, 2, 3)
    assert_array_equal(residuals, result.residuals[1:])
    assert_array_equal(volumes[-1], result.data)
    assert volumes[0].max() != volumes[1].max()
    assert result.stop_reason == "callback"
    if margin == 0:
        left = SERIES.images - Projector(GEOMETRY, image_grid=SERIES.grid).forward(result).images
        expected = np.linalg.norm(left) / np.linalg.norm(SERIES.images)
        assert_allclose(result.residuals[-1], expected)


@pytest.mark.parametrize("backend", EVERY_BACKEND)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", [SIRT(iterations=8), CGLS(iterations=6)], ids=["sirt", "cgls"])
def test_the_residual_falls_at_every_iteration(method, backend, dtype):
    images = BLOBS.tilt_series(geometry_for(backend), (13, 15)).astype(dtype)
    result = reconstruct(images, method, volume_shape=(15, 13, 17), backend=backend)
    assert result.residuals[0] == 1.0
    assert (np.diff(result.residuals) < 0).all()
    assert result.volume.dtype == dtype
    assert result.iterations == method.iterations


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sirt", {"iterations": 0}, "iterations must be a positive integer, got 0"),
        ("sirt", {"relaxation": 2.0}, "relaxation must be more than 0 and less than 2, got 2.0"),
        ("sirt", {"relaxation": 0.0}, "relaxation must be one positive number"),
        ("sirt", {"bounds": (1, 0)}, r"bounds must increase from low to high, got \(1, 0\)"),
        ("sirt", {"bounds": (0, np.nan)}, "bounds must be finite or None"),
        ("sirt", {"bounds": 0}, "bounds must be a pair"),
        ("sirt", {"bounds": "ab"}, "bounds must be finite or None"),
        ("sirt", {"subsets": 7}, "subsets must be at most the number of images, 6, got 7"),
        ("sirt", {"subsets": 0}, "subsets must be a positive integer"),
        ("sirt", {"start": np.zeros((2, 3, 4))}, r"start must have the volume's shape \(5, 8, 9\)"),
        ("sirt", {"start": np.full(SHAPE, np.nan)}, "start"),
        ("sirt", {"mask": np.zeros((2, 3, 4))}, r"mask must have the volume's shape"),
        ("sirt", {"mask": np.full(SHAPE, 2.0)}, "mask must be between 0 and 1, got 2 to 2"),
        ("cgls", {"iterations": 0}, "iterations must be a positive integer"),
        ("cgls", {"damping": -1.0}, "damping must be a number of at least 0, got -1.0"),
        ("cgls", {"damping": np.nan}, "damping"),
        ("cgls", {"tolerance": 0}, "tolerance must be one positive number"),
        ("tv", {"iterations": 0}, "iterations must be a positive integer"),
        ("tv", {"strength": 0.0}, "strength must be one positive number"),
        ("tv", {"tolerance": -1}, "tolerance must be one positive number"),
        ("wbp", {"filter": "hanning"}, "filter must be one of 'ramp', .*RadialFilter"),
        ("wbp", {"padding": "wrap"}, "padding must be one of 'edge'"),
        ("wbp", {"volume_shape": None}, r"volume_shape=\(depth, 8, 10\), or projector"),
        ("wbp", {"volume_shape": (0, 3, 3)}, "volume_shape"),
        ("wbp", {"taper": -1}, "width"),
    ],
)
def test_errors_name_invalid_options(name, options, message):
    method = getattr(libtilt.reconstruction, name)
    with pytest.raises(ValueError, match=message):
        method(SERIES, **({"volume_shape": SHAPE} | options))
