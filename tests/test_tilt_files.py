from pathlib import Path

import numpy as np
import pytest

from libtilt.tilt_files import beside, header_pixel_size, read_tilt_angles


@pytest.mark.parametrize("name", ["tilts.st", "tilts.st.gz", "tilts.MRC.BZ2", "tilts.mrc"])
def test_the_files_beside_a_stack_drop_its_suffix_and_that_of_its_compression(name):
    assert beside(Path("folder") / name, ".rawtlt") == Path("folder/tilts.rawtlt")


def test_a_dot_within_the_name_stays():
    assert beside("tilts.1.5A.st.gz", ".json") == Path("tilts.1.5A.json")


@pytest.mark.parametrize("text", ["-60.0\n0\n 57.5\n", "\n-60\r\n\n  \n0\r\n57.5", "-6e1\n0\n57.5"])
def test_angles_are_read_one_per_line_and_blank_lines_are_skipped(tmp_path, text):
    path = tmp_path / "tilts.tlt"
    path.write_text(text, newline="")
    assert read_tilt_angles(path).tolist() == [-60.0, 0.0, 57.5]


@pytest.mark.parametrize("line", ["-57 3", "three", "-57;"])
def test_a_line_that_is_no_angle_is_named_with_its_number(tmp_path, line):
    path = tmp_path / "tilts.tlt"
    path.write_text(f"-60\n\n{line}\n")
    with pytest.raises(ValueError, match=rf"tilts\.tlt, line 3: expected one angle, got '{line}'"):
        read_tilt_angles(path)


def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path):
    path = tmp_path / "tilts.tlt"
    path.write_bytes(b"-60\n\xff\xfe\x00\n")
    with pytest.raises(ValueError, match="line 2: expected one angle"):
        read_tilt_angles(path)


@pytest.mark.parametrize("text", ["", "\n \n", "-60\nnan\n", "inf\n"])
def test_a_file_without_finite_angles_is_refused(tmp_path, text):
    path = tmp_path / "tilts.tlt"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"tilts\.tlt must hold one finite tilt angle per line"):
        read_tilt_angles(path)


def test_square_pixels_have_one_size_whatever_the_spacing_of_the_sections():
    assert header_pixel_size("tilts.st", np.array([2.5, 2.5, 1.0])) == 2.5
    assert header_pixel_size("tilts.st", np.array([2.5, 2.5, 0.0])) == 2.5


@pytest.mark.parametrize("sizes", [(0, 0, 0), (2.5, 0, 0), (0, 2.5, 1)])
def test_a_pixel_size_that_the_header_does_not_know_is_none(sizes):
    assert header_pixel_size("tilts.st", np.array(sizes, dtype=float)) is None


def test_pixels_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match=r"tilts\.st has pixels of 2\.5 x 2 angstroms"):
        header_pixel_size("tilts.st", np.array([2.5, 2.0, 1.0]))


def test_angles_of_an_etomo_alignment_are_read(shared_data):
    paths = sorted((shared_data / "alignments").rglob("*.*tlt"))
    assert paths
    for path in paths:
        assert np.array_equal(read_tilt_angles(path), np.loadtxt(path))
