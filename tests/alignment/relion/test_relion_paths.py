"""Files that RELION's STAR files name: of their own project, and of no other one."""

import attrs
import numpy as np
import pytest
from random_alignments import random_alignment
from test_relion import GLOBAL, series

from libtilt.alignment import Acquisition, RelionAlignment, open_alignment
from libtilt.alignment.relion.paths import resolve_star_name
from libtilt.alignment.text import parse_number

SIZES = {"stack_shape": (4, 36, 41)}


def job(root, name="Tomograms/job006", seed=0, named=None):
    """A job's folder with its table and one series, named from the root."""
    folder = root / name
    (folder / "tilt_series").mkdir(parents=True)
    (folder / "tilt_series" / "TS_1.star").write_text(series(seed=seed)[0])
    named = named or f"{name}/tilt_series/TS_1.star"
    table = GLOBAL[: GLOBAL.index("TS_1 ")] + f"TS_1 2.5 41 36 21 {named}\n"
    (folder / "tomograms.star").write_text(table)
    return folder


def tilts_of(path):
    return RelionAlignment.read(path).tilts.values("rlnTomoYTilt", parse_number)


def tilts(seed):
    return series(seed=seed)[1][:, 1].tolist()


def test_two_projects_do_not_mix_whatever_the_working_folder(tmp_path, monkeypatch):
    one, other = job(tmp_path / "A", seed=1), job(tmp_path / "B", seed=2)
    monkeypatch.chdir(tmp_path / "B")
    assert tilts_of(one / "tomograms.star") == tilts(1)
    assert tilts_of(other / "tomograms.star") == tilts(2)
    assert tilts_of("../A/Tomograms/job006/tomograms.star") == tilts(1)
    (one / "tilt_series" / "TS_1.star").unlink()
    message = r"tomograms\.star, line 10: Tomograms/job006/tilt_series/TS_1\.star does not exist"
    with pytest.raises(FileNotFoundError, match=message):
        RelionAlignment.read(one / "tomograms.star")


def test_the_sample_projects_keep_their_angles(shared_data, monkeypatch):
    root = shared_data / "cases" / "relion_two_projects"
    for cwd in ("projectA", "projectB"):
        monkeypatch.chdir(root / cwd)
        for name, first in (("projectA", 10), ("projectB", 50)):
            path = root / name / "Tomograms" / "job006" / "tomograms.star"
            made = open_alignment(path, stack_shape=(3, 40, 40))
            assert np.allclose(made.geometry.tilt_angles, first + np.arange(3), atol=1e-9)


def test_a_series_is_found_in_the_table_that_names_this_very_file(tmp_path):
    """Job 7 has a series of the same name; the table of job 6 says nothing of it."""
    job(tmp_path, "Tomograms/job006", seed=1)
    later = job(tmp_path, "Tomograms/job007", seed=2)
    (later / "tomograms.star").rename(tmp_path / "Tomograms" / "tomograms.star")
    wrong = GLOBAL[: GLOBAL.index("TS_1 ")]
    wrong += "TS_1 9.9 1 1 1 Tomograms/job006/tilt_series/TS_1.star\n"
    (later / "tomograms.star").write_text(wrong)
    file = RelionAlignment.read(later / "tilt_series" / "TS_1.star")
    assert (file.pixel_size, file.volume_shape) == (2.5, (21, 36, 41))
    (tmp_path / "Tomograms" / "tomograms.star").unlink()
    assert RelionAlignment.read(later / "tilt_series" / "TS_1.star").pixel_size is None


@pytest.mark.parametrize("name", ["aligned_tilt_series.star", "tilt_series.star"])
def test_tables_of_other_jobs_give_sizes_too(tmp_path, name):
    folder = job(tmp_path, "AlignTiltSeries/job005")
    (folder / "tomograms.star").rename(folder / name)
    assert RelionAlignment.read(folder / "tilt_series" / "TS_1.star").pixel_size == 2.5
    assert open_alignment(folder, **SIZES).pixel_size == 2.5


def test_a_moved_project_is_found_by_the_tail_of_absolute_names(tmp_path):
    elsewhere = "/lab/old/Tomograms/job006/tilt_series/TS_1.star"
    folder = job(tmp_path, seed=3, named=elsewhere)
    assert tilts_of(folder / "tomograms.star") == tilts(3)
    assert not RelionAlignment.read(folder / "tomograms.star").warnings
    # Of two jobs with the same series, the other one is not meant.
    job(tmp_path, "Tomograms/job007", seed=4)
    (folder / "tilt_series" / "TS_1.star").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"line 10: /lab/old/.*; move it into the folder of its project"
    ):
        RelionAlignment.read(folder / "tomograms.star")


def test_an_absolute_name_that_is_there_is_taken(tmp_path):
    other = job(tmp_path / "B", seed=2)
    star = other / "tilt_series" / "TS_1.star"
    folder = job(tmp_path / "A", seed=1, named=star)
    assert tilts_of(folder / "tomograms.star") == tilts(2)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("../../../../B/TS_1.star", r"line 10: .* is outside the project's folder"),
        ("/../B/TS_1.star", r"line 10: .* is outside the project's folder"),
        ("/etc/passwd", r"line 10: expected the name of a \.star file, got '/etc/passwd'"),
        ("tilt_series/TS_1.mrc", r"line 10: expected the name of a \.star file"),
        (
            "Tomograms/job008/TS_1.star",
            r"line 10: Tomograms/job008/TS_1\.star does not exist",
        ),
    ],
)
def test_names_that_lead_out_or_nowhere_are_refused_by_line(tmp_path, named, message):
    (tmp_path / "B").mkdir()
    (tmp_path / "B" / "TS_1.star").write_text(series()[0])
    folder = job(tmp_path / "A", named=named)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        RelionAlignment.read(folder / "tomograms.star")


def test_dots_that_stay_inside_are_followed(tmp_path):
    folder = job(tmp_path, seed=5, named="Tomograms/job001/../job006/tilt_series/./TS_1.star")
    assert tilts_of(folder / "tomograms.star") == tilts(5)


def test_the_mark_of_a_project_ends_the_search(tmp_path):
    """A project inside another one's folder does not take the outer one's files."""
    job(tmp_path, "data/ts", seed=1)
    inner = job(tmp_path / "inner", "data/ts", seed=2, named="data/ts/tilt_series/TS_1.star")
    (tmp_path / "inner" / "default_pipeline.star").write_text("data_x\n_a 1\n")
    assert tilts_of(inner / "tomograms.star") == tilts(2)
    (inner / "tilt_series" / "TS_1.star").unlink()
    with pytest.raises(FileNotFoundError, match="does not exist in any folder"):
        RelionAlignment.read(inner / "tomograms.star")


def test_working_folder_comes_last_with_a_warning(tmp_path, monkeypatch):
    folder = job(tmp_path / "A", seed=1)
    copy = tmp_path / "elsewhere" / "list.star"
    copy.parent.mkdir()
    (folder / "tomograms.star").replace(copy)
    with pytest.raises(FileNotFoundError):
        RelionAlignment.read(copy)
    monkeypatch.chdir(tmp_path / "A")
    with pytest.warns(UserWarning, match="one in the working folder"):
        open_alignment(copy, **SIZES)


def test_a_copied_folder_has_its_series_beside_the_table(tmp_path):
    folder = job(tmp_path, "copy", named="Tomograms/job006/tilt_series/TS_1.star")
    found = resolve_star_name(
        "Tomograms/job006/tilt_series/TS_1.star", folder / "tomograms.star", "here"
    )
    assert found.path == folder / "tilt_series" / "TS_1.star"
    assert "here: using " in found.warning


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    for name in ("x" * 5000 + ".star", "a\x07.star", ".star", "\ud800.star"):
        with pytest.raises((ValueError, FileNotFoundError), match=r"^here: "):
            resolve_star_name(name, tmp_path / "tomograms.star", "here")


def test_series_are_appended_to_a_project(tmp_path):
    path = tmp_path / "tomograms.star"
    for name in ("one", "two"):
        made = attrs.evolve(random_alignment(len(name)), stack_name=f"{name}.mrc")
        RelionAlignment.from_alignment(made).write(path, append=True)
    again = open_alignment(path, name="two", **attrs.asdict(made.sizes))
    assert made.distance(again) < 1e-4
    assert again.stack_name == "two.mrc"
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="already has a series two"):
        RelionAlignment.from_alignment(made).write(path, append=True)
    other = attrs.evolve(made, acquisition=Acquisition(voltage=300), stack_name="three.mrc")
    with pytest.raises(ValueError, match="found in one of them only: rlnVoltage"):
        RelionAlignment.from_alignment(other).write(path, append=True)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.rglob("*.star")) == [
        "one.star", "tomograms.star", "two.star"
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"append=True requires a file named tomograms\.star"):
        RelionAlignment.from_alignment(made).write(tmp_path / "a.star", append=True)


def test_tables_of_relion_4_hold_all_series_and_matrices(tmp_path):
    path = tmp_path / "tomograms.star"
    rows = "[0.5,0,0.9,4] [0,1,0,5] [0,0,1,0] [0,0,0,1] 3.0\n"
    tables = "".join(
        f"\ndata_{name}\nloop_\n_rlnTomoProjX\n_rlnTomoProjY\n_rlnTomoProjZ\n_rlnTomoProjW\n"
        f"_rlnMicrographPreExposure\n{rows.replace('4', number)}"
        for name, number in (("TS_1", "6"), ("TS_2", "8"))
    )
    lines = GLOBAL.replace("_rlnTomoTiltSeriesStarFile", "_rlnTomoTiltSeriesName")
    path.write_text(lines + tables)
    made = open_alignment(path, name="TS_2", stack_shape=(1, 36, 41))
    assert np.allclose(made.projection_matrices()[0], [[0.5, 0, 0.9, 8], [0, 1, 0, 5]])
    assert made.volume_shape == (21, 36, 41)
