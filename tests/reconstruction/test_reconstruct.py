"""Properties of every method: scale, small shapes, errors."""

import numpy as np
import pytest
from helpers import ToyBackend, options_without_names, relative_error

import libtilt.reconstruction
from libtilt import Projector, TiltGeometry, TiltSeries, Volume
from libtilt.errors import LibtiltWarning, UnsupportedSpecError
from libtilt.reconstruction import Reconstruction, cgls, sirt, tv, wbp
from libtilt.reconstruction.arrays import slabs

METHODS = pytest.mark.parametrize("method", [wbp, sirt, cgls, tv])
GEOMETRY = TiltGeometry.from_tilt_angles([-20, 0, 15], tilt_axis_angle=8)


def series(shape=(8, 9), geometry=GEOMETRY, dtype="float32"):
    images = np.random.default_rng(0).random((len(geometry), *shape))
    return TiltSeries(images.astype(dtype), geometry)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e25])
@METHODS
def test_the_volume_scales_with_the_images(method, scale):
    plain, scaled = (
        method(series() * np.float32(factor), volume_shape=(4, 8, 9)).data
        for factor in (1.0, scale)
    )
    assert plain.dtype == scaled.dtype == np.float32
    assert relative_error(scaled.astype("f8") / scale, plain.astype("f8")) < 1e-3


@pytest.mark.parametrize(("images", "volume"), [((1, 2), (1, 1, 1)), ((5, 7), (3, 5, 7))])
@pytest.mark.parametrize("tilts", [1, 3])
@METHODS
def test_methods_accept_the_smallest_shapes(method, images, volume, tilts):
    result = method(series(images, GEOMETRY[:tilts]), volume_shape=volume)
    assert result.shape == volume
    assert np.isfinite(result.data).all()


@pytest.mark.parametrize("dtype", [">i2", "u1", "f2", ">f8"])
@METHODS
def test_methods_accept_every_real_dtype(method, dtype):
    images = (series(dtype="float64") * 200).images.astype(dtype)
    result = method(TiltSeries(images, GEOMETRY), volume_shape=(4, 8, 9))
    assert result.dtype == (np.float64 if dtype == ">f8" else np.float32)


@pytest.mark.parametrize("method", [sirt, cgls, tv])
def test_a_volume_missed_by_all_rays_raises(method):
    far = GEOMETRY.evolve(shifts=np.full((3, 2), 1e4))
    with pytest.raises(ValueError, match="no ray meets it: check the shifts"):
        method(series(geometry=far), volume_shape=(4, 8, 9))


@METHODS
def test_errors_name_arguments_of_the_wrong_type(method):
    with pytest.raises(TypeError, match="must be a TiltSeries, got ndarray; create one"):
        method(series().images, volume_shape=(4, 8, 9))
    with pytest.raises(TypeError, match="projector must be a Projector, got str"):
        method(series(), projector="numba")
    with pytest.raises(ValueError, match="one tilt per image: expected 3, got 2"):
        method(series(), projector=Projector(GEOMETRY[:2], volume_shape=(4, 8, 9)))
    with pytest.raises(ValueError, match=r"pixel_size 2.0, got 1.0"):
        method(series(), projector=Projector(GEOMETRY, volume_shape=(4, 8, 9), pixel_size=2.0))
    with pytest.raises(ValueError, match="volume_shape is required without a projector"):
        method(series())


@METHODS
def test_volume_shape_replaces_that_of_the_projector(method):
    projector = Projector(GEOMETRY, volume_shape=(4, 8, 9), image_shape=(8, 9))
    result = method(series(), projector=projector, volume_shape=(5, 6, 7))
    assert result.shape == (5, 6, 7)


def test_all_options_are_keyword_only():
    # The method is what one says first.
    assert list(options_without_names(libtilt.reconstruction)) == ["reconstruct: method"]


@pytest.mark.parametrize("shape", [(10, 512, 512), (41, 300, 200), (7, 9), (3, 2000, 2000), (4, 0)])
def test_slabs_cover_an_array_in_cache_sized_pieces(shape):
    array = np.broadcast_to(np.float32(0), shape)
    pieces = slabs(array)
    rows = [row for piece in pieces for row in range(shape[0])[piece]]
    assert rows == list(range(shape[0]))
    assert all(len(array[piece]) == 1 or array[piece].size <= 2**18 for piece in pieces)
    assert len(pieces) == 1 or array[pieces[0]].size + array[0].size > 2**18


def test_opening_a_file_as_a_reconstruction_raises(tmp_path):
    path = wbp(series(), volume_shape=(4, 8, 9)).save(tmp_path / "a.mrc")
    with pytest.raises(TypeError, match=r"open .*a\.mrc with Volume\.open"):
        Reconstruction.open(path)
    assert type(Volume.open(path, voxel_size=1.0)) is Volume


REVERSED = Projector(GEOMETRY[::-1], volume_shape=(4, 8, 9))
REPLACED = (
    r"the projector's geometry differs from the series' \(tilt angles by up to 35°\) and replaces "
    r"it.* tilt_series\.evolve\(geometry=projector\.geometry\)"
)


@METHODS
def test_a_projector_of_other_tilts_is_used_with_one_warning(method):
    with pytest.warns(LibtiltWarning, match=REPLACED) as record:
        found = method(series(), projector=REVERSED)
    assert [one.filename for one in record] == [__file__]
    meant = series().evolve(geometry=REVERSED.geometry)
    assert np.array_equal(found, method(meant, projector=REVERSED))


def test_backprojecting_by_other_tilts_warns_at_the_call():
    for call in (REVERSED.adjoint, REVERSED.T, REVERSED.T.__matmul__):
        with pytest.warns(LibtiltWarning, match=REPLACED) as record:
            call(series())
        assert [one.filename for one in record] == [__file__]
    assert np.array_equal(
        REVERSED.adjoint(series().images),
        REVERSED.adjoint(series().evolve(geometry=REVERSED.geometry)),
    )


class RaysOnly(ToyBackend):
    def unsupported(self, spec):
        return "it is ray-driven only" if spec.driven == "voxel" else None


class NoGrids(ToyBackend):
    def unsupported(self, spec):
        return "it has no grids; use backend='scipy'"


def test_wbp_with_a_backend_for_rays_only_names_the_pair_that_it_lacks():
    message = (
        r"method 'wbp' uses driven='voxel', which backend 'toy' does not support \(it is "
        r"ray-driven only\): pass another backend=.*, or a projector="
    )
    projector = Projector(GEOMETRY, volume_shape=(4, 8, 9), backend=RaysOnly())
    for given in ({"backend": RaysOnly(), "volume_shape": (4, 8, 9)}, {"projector": projector}):
        with pytest.raises(UnsupportedSpecError, match=message):
            wbp(series(), **given)
        assert sirt(series(), iterations=1, **given).iterations == 1
    with pytest.raises(UnsupportedSpecError, match="does not support this projection: it has no g"):
        wbp(series(), backend=NoGrids(), volume_shape=(4, 8, 9))
