"""`Reconstruction`: a volume, its history and its file."""

import pickle

import attrs
import numpy as np
import pytest
from landweber import EVERY, GEOMETRY, SHAPE, Landweber, series
from numpy.testing import assert_allclose, assert_array_equal

import libtilt
import libtilt.reconstruction
from libtilt import Projector, Volume
from libtilt.io.image_files import read_image
from libtilt.reconstruction import (
    TV,
    WBP,
    RadialFilter,
    Reconstruction,
    reconstruct,
    sirt,
    wbp,
)
from libtilt.reconstruction.result import describe_method


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
def test_volumes_made_of_a_result_have_no_history(change):
    class Named(Volume):
        pass

    class Own(Projector):
        volume_type = Named

    result = wbp(series(), projector=Own(GEOMETRY, volume_shape=SHAPE))
    assert type(result.volume) is Named
    assert type(change(result)) is Named


def test_a_file_label_holds_the_history(tmp_path):
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
    assert made.rpartition(", libtilt")[0] in repr(result)
    assert repr(result).endswith("stop_reason='iterations')")
    assert f"{result.residuals[-1]:.4g} after 3 iterations" in result._repr_html_()


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (WBP(), "WBP()"),
        (WBP(filter=RadialFilter(0.3, 0.05)), "WBP(filter=RadialFilter(cutoff=0.3, falloff=0.05))"),
        (TV(nonnegative=False, strength=0.1), "TV(strength=0.1, nonnegative=False)"),
        (Landweber(steps=3), "Landweber(steps=3)"),
    ],
)
def test_the_history_lists_options_that_differ_from_defaults(method, text):
    assert describe_method(method) == text


def test_a_changed_copy_saves_its_own_data(tmp_path):
    result = sirt(series(), volume_shape=SHAPE, iterations=1)
    other = attrs.evolve(result, data=np.full(SHAPE, 7.0, "f4"), center=(5.0, 0.0, 0.0))
    assert (other * 1).center.tolist() == [5, 0, 0]
    opened = Volume.open(other.save(tmp_path / "a.mrc"), voxel_size=1.0)
    assert (opened.data == 7).all()
    assert np.allclose(opened.center, [5, 0, 0])
    assert len(pickle.dumps(result)) < 1.5 * result.data.nbytes + 10_000
