"""Subvolumes equal crops of the whole tomogram."""

import numpy as np
import pytest
from helpers import relative_error

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries
from libtilt.errors import LibtiltWarning
from libtilt.reconstruction import reconstruct_subvolume, wbp

BLOBS = GaussianBlobs([[9, -7, 6], [-8, 9, -4]], sigmas=[3, 3.5], amplitudes=[1, 2])
GEOMETRY = TiltGeometry.from_tilt_angles(
    np.linspace(-60, 60, 21), tilt_axis_angle=84, shifts=(1.5, -0.7)
)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("backend", ["scipy", "numba"])
def test_a_subvolume_equals_the_crop_of_the_tomogram(size, backend):
    series = BLOBS.tilt_series(GEOMETRY, (48, 50), pixel_size=2.0)
    tomogram = wbp(series, volume_shape=(40, 48, 50), backend=backend)
    points = [[4, -6, 2], [-20, 10, 8], [40, 0, -30]]
    volumes = reconstruct_subvolume(series, points, size, backend=backend)
    for point, volume in zip(points, volumes, strict=True):
        z, y, x = np.array([20, 24, 25]) + np.array(point[::-1]) // 2 - size // 2
        expected = tomogram.data[z : z + size, y : y + size, x : x + size]
        assert relative_error(volume, expected) < 1e-9
        assert np.allclose(volume.origin, np.array(point) - size // 2 * 2.0)


def test_a_subvolume_is_centered_on_a_point_between_voxels():
    point = [9.5, -7.25, 4.75]
    series = GaussianBlobs([point], sigmas=3).tilt_series(
        TiltGeometry.from_tilt_angles(np.linspace(-90, 90, 61)), (48, 48)
    )
    (volume,) = reconstruct_subvolume(series, point, 15)
    truth = GaussianBlobs([[0, 0, 0]], sigmas=3).volume((15, 15, 15))
    assert relative_error(volume, truth) < 0.03


def test_subvolumes_support_a_custom_projector_and_voxel_size():
    class Mine(Projector):
        pass

    series = BLOBS.tilt_series(GEOMETRY, (48, 50))
    projector = Mine(
        GEOMETRY, volume_shape=(9, 9, 9), voxel_size=2.0, pixel_size=1.0, backend="scipy"
    )
    (volume,) = reconstruct_subvolume(series, [3, 1, 2], 8, projector=projector)
    (fine,) = reconstruct_subvolume(series, [3, 1, 2], 16, backend="scipy")
    assert volume.voxel_size.tolist() == [2.0] * 3
    # The unit of the images does not depend on the voxels, nor does the density.
    assert relative_error(volume, fine.data[::2, ::2, ::2]) < 1e-6


@pytest.mark.parametrize("magnified", [False, True])
def test_the_projectors_geometry_replaces_that_of_the_series(magnified):
    series = BLOBS.tilt_series(GEOMETRY, (48, 50))
    unaligned = series.evolve(geometry=TiltGeometry.from_tilt_angles(GEOMETRY.tilt_angles))
    geometry = GEOMETRY.evolve(magnifications=1.1 * np.eye(2)) if magnified else GEOMETRY
    projector = Projector(geometry, volume_shape=(40, 48, 50), backend="scipy")
    with pytest.warns(LibtiltWarning, match="tilt axis angles by up to 84"):
        tomogram = wbp(unaligned, projector=projector)
    with pytest.warns(LibtiltWarning, match="tilt axis angles by up to 84") as record:
        (volume,) = reconstruct_subvolume(unaligned, [4, -6, 2], 9, projector=projector)
    assert len(record) == 1
    expected = tomogram.data[18:27, 14:23, 25:34]
    assert relative_error(volume, expected) < 1e-9


def test_invalid_arguments_raise():
    series = TiltSeries(np.random.default_rng(0).normal(size=(21, 9, 9)), GEOMETRY)
    with pytest.raises(ValueError, match="size must be a positive integer"):
        reconstruct_subvolume(series, [0, 0, 0], 0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'volume_shape'"):
        reconstruct_subvolume(series, [0, 0, 0], 4, volume_shape=(4, 4, 4))


def test_subvolumes_log_that_a_whole_tomogram_takes_another_operator(caplog):
    series = BLOBS.tilt_series(GEOMETRY, (32, 32))
    with caplog.at_level("INFO", logger="libtilt"):
        reconstruct_subvolume(series, [3, -4, 2], 9)
    assert "factorized, whose values differ, mostly on noise" in caplog.text
    assert "backend='numba' for equal values" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO", logger="libtilt"):
        reconstruct_subvolume(series, [3, -4, 2], 9, backend="numba")
    assert "factorized" not in caplog.text


def test_the_default_tomogram_differs_from_subvolumes_on_noise_as_documented(rng):
    """Measured for the docstring; `backend="numba"` for the tomogram gives equal values."""
    clean = GaussianBlobs.ribosome_like().tilt_series(
        TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3), tilt_axis_angle=84),
        (96, 96),
        pixel_size=5.0,
    )
    noise = clean.images.std() * rng.normal(size=clean.images.shape)
    for series, expected in ((clean, 0.05), (clean.evolve(images=clean.images + noise), 0.34)):
        (cube,) = reconstruct_subvolume(series, [0, 0, 0], 48)
        crops = [
            wbp(series, volume_shape=(96, 96, 96), backend=backend).data[24:72, 24:72, 24:72]
            for backend in ("auto", "numba")
        ]
        assert relative_error(cube, crops[0]) == pytest.approx(expected, rel=0.2)
        assert relative_error(cube, crops[1]) < 1e-6


def test_auto_chooses_a_backend_that_can_be_cut_for_subvolumes():
    tilted = TiltGeometry.from_tilt_angles(np.linspace(-60, 60, 21), tilt_axis_angle=37)
    series = BLOBS.tilt_series(tilted, (32, 32))
    whole = wbp(series, volume_shape=(32, 32, 32), backend="numba")
    (cube,) = reconstruct_subvolume(series, [3, -4, 2], 9)
    assert relative_error(cube, whole.resample(cube.grid)) < 1e-9
