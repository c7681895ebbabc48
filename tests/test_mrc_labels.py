"""The place of a volume survives libtilt's own files, and is not believed of changed ones."""

import mrcfile
import numpy as np
import pytest

from libtilt import Volume
from libtilt.mrc import read_mrc
from libtilt.mrc_labels import center_of, labels_of, made_of, series_of

CENTER = (12.25, -1234.5678901, 1e-3)
VOLUME = Volume(np.ones((4, 5, 6), np.float32), voxel_size=(1.5, 2.0, 2.5), center=CENTER)
NOWHERE = np.zeros(3)


@pytest.mark.parametrize("name", ["a.mrc", "a.rec.gz", "a.map.bz2"])
def test_the_center_survives_a_file(tmp_path, name):
    path = VOLUME.save(tmp_path / name)
    again = Volume.open(path)
    assert np.allclose(again.center, CENTER, rtol=1e-8)
    assert again.grid.difference(VOLUME.grid) == ""
    assert np.allclose(again.origin, VOLUME.origin, rtol=1e-6)
    assert np.allclose(again[1:, :, 2:].center, VOLUME[1:, :, 2:].center)


def test_a_volume_at_the_rotation_centre_has_no_label_of_it(tmp_path):
    path = VOLUME.evolve(center=(0, 0, 0)).save(tmp_path / "a.mrc")
    with mrcfile.open(path) as file:
        assert file.get_labels() == ["Written by libtilt"]
    assert Volume.open(path).center.tolist() == [0, 0, 0]


def test_a_file_of_another_program_lies_at_the_rotation_centre_with_its_own_origin(tmp_path):
    with mrcfile.new(tmp_path / "a.mrc", data=np.ones((4, 5, 6), np.float32)) as file:
        file.voxel_size = 2.0
        file.header.origin = (10, 20, 30)
    opened = Volume.open(tmp_path / "a.mrc")
    assert (opened.center.tolist(), opened.origin.tolist()) == ([0, 0, 0], [10, 20, 30])
    assert opened[1:].origin.tolist() == [10, 20, 32]


def test_the_center_is_not_believed_once_another_program_has_changed_the_file(tmp_path):
    path = VOLUME.save(tmp_path / "a.mrc")
    with mrcfile.open(path, "r+") as file:
        file.add_label("trimvol: cut something out")
    assert Volume.open(path).center.tolist() == [0, 0, 0]
    other = VOLUME.save(tmp_path / "b.mrc")
    with mrcfile.open(other, "r+") as file:
        file.set_data(np.ones((4, 4, 6), np.float32))
    assert Volume.open(other).center.tolist() == [0, 0, 0]


def test_files_are_sound_for_other_readers(tmp_path):
    path = VOLUME._save(tmp_path / "a.mrc", overwrite=False, made="by a method " * 60)
    assert mrcfile.validate(path)
    assert read_mrc(path).made.startswith("by a method by a method")


def test_labels_say_how_data_were_made():
    labels = labels_of((4, 5, 6), series="mark", center=np.array(CENTER), made="SIRT, 20 of them")
    assert all(len(label) <= 80 for label in labels)
    assert series_of(labels) == "mark"
    assert np.allclose(center_of(labels, (4, 5, 6)), CENTER)
    assert made_of(labels) == "SIRT, 20 of them"
    long = labels_of((4, 5, 6), series=None, center=NOWHERE, made="word " * 400)
    assert len(long) == 10
    assert set(made_of(long).split()) == {"word"}
    assert made_of([b"Written by libtilt", b"", b""]) == ""


@pytest.mark.parametrize(
    "text", ["1 2 A of 4 x 5 x 6", "1 2 nan A of 4 x 5 x 6", "1 2 x A of 4 x 5 x 6", "1 2 3 A"]
)
def test_damaged_labels_say_nothing(text):
    labels = [b"Written by libtilt", b"libtilt center " + text.encode()]
    assert center_of(labels, (4, 5, 6)).tolist() == [0, 0, 0]
