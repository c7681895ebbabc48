"""Every file is read through one door: regular files of a plausible size."""

import os
import socket

import numpy as np
import pytest

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.alignment import open_alignment
from libtilt.alignment.beside_stack import read_tilt_angles
from libtilt.io.inputs import open_input, read_input

READERS = {
    "a.mrc": Volume.open,
    "b.st": lambda path: TiltSeries.open(path, geometry=[0]),
    "a.tlt": read_tilt_angles,
    "a.json": TiltGeometry.from_json,
    **dict.fromkeys(["a.aln", "a.star", "a.xml", "a.mdoc", "a.com", "a.rawtlt"], open_alignment),
}


def pipe(path):
    os.mkfifo(path)


def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


def link_to_a_device(path):
    path.symlink_to(os.devnull)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are of Unix")
@pytest.mark.parametrize("make", [pipe, bound_socket, link_to_a_device])
@pytest.mark.parametrize("name", READERS)
def test_pipes_and_devices_are_refused_by_every_reader(tmp_path, monkeypatch, name, make):
    monkeypatch.chdir(tmp_path)  # Names of sockets are short.
    make(tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name} is a .*, not a regular file"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", [name for name in READERS if name not in ("a.mrc", "b.st")])
def test_texts_of_impossible_size_are_refused_before_they_are_read(tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(2**40)  # Takes no room on the disk.
    with pytest.raises(ValueError, match=rf"{name} has 1048576 MB, more than the limit of 256 MB"):
        READERS[name](path)


@pytest.mark.parametrize("name", READERS)
def test_links_to_files_are_followed_and_folders_are_refused(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    with pytest.raises((OSError, ValueError), match=name):
        READERS[name](folder)


def test_a_link_to_a_file_is_read(tmp_path):
    (tmp_path / "a.tlt").write_text("3\n")
    (tmp_path / "b.tlt").symlink_to(tmp_path / "a.tlt")
    assert read_tilt_angles(tmp_path / "b.tlt").tolist() == [3]
    path = Volume(np.ones((2, 3, 4), np.float32)).save(tmp_path / "a.mrc")
    (tmp_path / "b.mrc").symlink_to(path)
    assert Volume.open(tmp_path / "b.mrc", memmap=True).shape == (2, 3, 4)


def test_errors_of_a_reader_begin_with_the_name_of_the_file(tmp_path):
    (tmp_path / "a.txt").write_text("3")
    with (
        pytest.raises(ValueError, match=r"a\.txt: what it holds"),
        open_input(tmp_path / "a.txt"),
    ):
        raise ValueError("what it holds")
    with pytest.raises(FileNotFoundError, match=r"b\.txt"):
        read_input(tmp_path / "b.txt")


@pytest.mark.parametrize("name", READERS)
def test_every_reader_says_that_a_file_does_not_exist(tmp_path, name):
    with pytest.raises(FileNotFoundError) as caught:
        READERS[name](tmp_path / name)
    assert str(caught.value) in (
        f"no such file: {tmp_path / name}",
        f"no such file or folder: {tmp_path / name}",
    )
