"""Frames of a volume show the right slices and turn the right way."""

import numpy as np
import pytest

from libtilt import GaussianBlobs, Volume
from libtilt.animations import slice_frames, spin_frames

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_slices_walk_along_the_axis(axis):
    data = RNG.random((3, 4, 5))
    index = "zyx".index(axis)
    frames = slice_frames(Volume(data), axis=axis)
    assert np.array_equal(frames[1], np.take(data, 1, axis=index))


def test_slices_of_anisotropic_voxels_have_square_pixels():
    frames = slice_frames(Volume(RNG.random((3, 10, 10)), voxel_size=(1.0, 2.0, 1.0)))
    assert frames.shape == (3, 20, 10)


def test_a_spin_turns_the_way_that_positive_tilts_do():
    blob = GaussianBlobs([[0, 0, 9]], sigmas=1.5).volume((24, 24, 24))
    frames = spin_frames(blob, count=4)
    middle = frames.shape[2] // 2
    columns = [int(frame.sum(axis=0).argmax()) - middle for frame in frames]
    assert columns == [0, 9, 0, -9]


def test_a_spin_about_x_moves_along_the_columns():
    blob = GaussianBlobs([[0, 0, 9]], sigmas=1.5).volume((24, 24, 24))
    frames = spin_frames(blob, count=4, axis="x")
    middle = frames.shape[1] // 2
    assert [int(frame.sum(axis=1).argmax()) - middle for frame in frames] == [0, -9, 0, 9]


def test_a_spin_keeps_all_of_the_volume_in_the_picture():
    volume = Volume(np.ones((9, 7, 20)), voxel_size=(1.0, 1.5, 2.0))
    sums = spin_frames(volume, count=8).sum(axis=(1, 2))
    assert sums[0] == pytest.approx(sums[4])
    assert sums[2] == pytest.approx(sums[6])


def test_a_large_volume_is_averaged_before_it_spins():
    assert max(spin_frames(Volume(np.zeros((4, 4, 600), np.float32)), count=2).shape) <= 256


def test_an_unknown_option_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"options of kind 'slices' are axis.*got count"):
        Volume(np.zeros((4, 4, 4))).to_gif(tmp_path / "a.gif", count=3)


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match="kind must be one of 'slices', 'spin'"):
        Volume(np.zeros((4, 4, 4))).to_gif(tmp_path / "a.gif", kind="wobble")
