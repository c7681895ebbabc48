from pathlib import Path

import numpy as np
import pytest

from libtilt.alignment.beside_stack import read_tilt_angles, sibling_path


@pytest.mark.parametrize("name", ["tilts.st", "tilts.st.gz", "tilts.MRC.BZ2", "tilts.mrc"])
def test_the_files_beside_a_stack_drop_its_suffix_and_that_of_its_compression(name):
    assert sibling_path(Path("folder") / name, ".rawtlt") == Path("folder/tilts.rawtlt")


def test_a_dot_within_the_name_stays():
    assert sibling_path("tilts.1.5A.st.gz", ".json") == Path("tilts.1.5A.json")


@pytest.mark.parametrize("text", ["-60.0\n0\n 57.5\n", "\n-60\r\n\n  \n0\r\n57.5", "-6e1\n0\n57.5"])
def test_angles_are_read_one_per_line_and_blank_lines_are_skipped(tmp_path, text):
    path = tmp_path / "tilts.tlt"
    path.write_text(text, newline="")
    assert read_tilt_angles(path).tolist() == [-60.0, 0.0, 57.5]


@pytest.mark.parametrize("line", ["-57 3", "three", "-57;"])
def test_a_line_that_is_no_angle_is_named_with_its_number(tmp_path, line):
    path = tmp_path / "tilts.tlt"
    path.write_text(f"-60\n\n{line}\n")
    with pytest.raises(ValueError, match=rf"tilts\.tlt, line 3: expected .*, got '{line}'"):
        read_tilt_angles(path)


def test_angles_of_an_etomo_alignment_are_read(shared_data):
    paths = sorted((shared_data / "alignments").rglob("*.*tlt"))
    assert paths
    for path in paths:
        assert np.array_equal(read_tilt_angles(path), np.loadtxt(path))
