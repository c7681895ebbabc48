"""RELION-5's STAR files: the formula written out, tables that belong together, damage."""

import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from libtilt.alignment import RelionAlignment, Sizes
from libtilt.alignment.relion.columns import positive
from libtilt.alignment.relion.star import block_from_columns, read_star, star_text
from libtilt.alignment.text import parse_number

LABELS = ("rlnMicrographName", "rlnTomoXTilt", "rlnTomoYTilt", "rlnTomoZRot")
LABELS += ("rlnTomoXShiftAngst", "rlnTomoYShiftAngst", "rlnMicrographPreExposure")


def series(n=4, seed=0, views=None):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 5)) * [3, 40, 2, 30, 30] + [0, 0, 85, 0, 0]
    lines = ["# version 50001", "", "data_TS_1", "", "loop_ "]
    lines += [f"_{label} #{place} " for place, label in enumerate(LABELS, start=1)]
    for row, numbers in enumerate(values):
        view = row + 1 if views is None else views[row] + 1
        lines.append(" ".join([f"{view}@TS_1.mrc", *(f"{x:.6f}" for x in numbers), "3.0"]))
    return "\n".join(lines) + "\n", np.round(values, 6)


GLOBAL = """\
data_global

loop_
_rlnTomoName #1
_rlnTomoTiltSeriesPixelSize #2
_rlnTomoSizeX #3
_rlnTomoSizeY #4
_rlnTomoSizeZ #5
_rlnTomoTiltSeriesStarFile #6
TS_1 2.5 41 36 21 tilt_series/TS_1.star
TS_2 2.5 41 36 21 tilt_series/TS_2.star
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "tilt_series").mkdir()
    for number in (1, 2):
        (tmp_path / "tilt_series" / f"TS_{number}.star").write_text(series(seed=number)[0])
    (tmp_path / "tomograms.star").write_text(GLOBAL)
    return tmp_path


def translation(x, y, z):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def rotation(axis, degrees):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler(axis, degrees, degrees=True).as_matrix()
    return matrix


def projected(alignment, points):
    return np.insert(points, 3, 1, axis=1) @ alignment.projection_matrices().transpose(0, 2, 1)


@pytest.mark.parametrize("volume", [(21, 36, 41), (20, 35, 40)])
@pytest.mark.parametrize("image", [(36, 41), (37, 40)])
def test_points_agree_with_the_formula_written_out(tmp_path, rng, volume, image):
    content, values = series(views=[0, 2, 3, 5])
    (tmp_path / "TS_1.star").write_text(content)
    file = RelionAlignment.read(tmp_path / "TS_1.star")
    alignment = file.alignment(Sizes(stack_shape=(6, *image), pixel_size=1.7, volume_shape=volume))
    assert alignment.views.tolist() == [0, 2, 3, 5]
    (depth, height, width), (ny, nx) = volume, image
    points = rng.uniform(0, 40, (9, 3))
    for (x_tilt, y_tilt, z_rot, x, y), seen in zip(
        values, projected(alignment, points), strict=True
    ):
        matrix = (
            translation(x / 1.7, y / 1.7, 0)
            @ translation(nx // 2, ny // 2, 0)
            @ rotation("z", z_rot)
            @ rotation("y", y_tilt)
            @ rotation("x", x_tilt)
            @ translation(-(width // 2), -(height // 2), -(depth // 2))
        )
        expected = np.insert(points, 3, 1, axis=1) @ matrix.T
        assert np.abs(seen - expected[:, :2]).max() < 1e-9


def test_projection_matrices_count_where_they_stand(tmp_path, rng):
    content, _ = series(n=1)
    label_lines = "".join(f"_rlnTomoProj{axis} #{8 + i}\n" for i, axis in enumerate("XYZW"))
    head, row = content.rstrip().rsplit("\n", 1)
    row += " [0.9,0.1,0.2,5] [-0.1,1.1,0.1,6] [0,0,1,0] [0,0,0,1]\n"
    (tmp_path / "a.star").write_text(f"{head}\n{label_lines}{row}")
    sizes = Sizes(stack_shape=(1, 36, 41), pixel_size=2.0, volume_shape=(20, 36, 41))
    alignment = RelionAlignment.read(tmp_path / "a.star").alignment(sizes)
    expected = [[0.9, 0.1, 0.2, 5], [-0.1, 1.1, 0.1, 6]]
    assert np.abs(alignment.projection_matrices()[0] - expected).max() < 1e-12
    (tmp_path / "a.star").write_text(f"{head}\n{label_lines}{row.replace('[0,0,1,0]', '[0,0,1]')}")
    with pytest.raises(ValueError, match=r"line 17, rlnTomoProjZ: expected four numbers like"):
        RelionAlignment.read(tmp_path / "a.star")


def test_the_table_of_all_series_gives_sizes_and_files(project):
    for path, name in (("tomograms.star", "TS_2"), ("tilt_series/TS_2.star", None)):
        file = RelionAlignment.read(project / path, name=name)
        assert (file.pixel_size, file.volume_shape) == (2.5, (21, 36, 41))
        assert file.tilts.values("rlnTomoYTilt", parse_number) == series(seed=2)[1][:, 1].tolist()
    with pytest.raises(
        ValueError, match=r"has several series: pass name=\.\.\., one of TS_1, TS_2"
    ):
        RelionAlignment.read(project / "tomograms.star")
    with pytest.raises(
        ValueError, match=r"has no series 'TS_3'; series in the file: TS_1, TS_2 \(name=\.\.\.\)"
    ):
        RelionAlignment.read(project / "tomograms.star", name="TS_3")
    (project / "tilt_series" / "TS_2.star").unlink()
    with pytest.raises(FileNotFoundError, match=r"line 11: tilt_series/TS_2\.star does not exist"):
        RelionAlignment.read(project / "tomograms.star", name="TS_2")


def test_a_binned_tomogram_has_the_same_center(project):
    file = RelionAlignment.read(project / "tilt_series" / "TS_1.star")
    whole = file.alignment(Sizes(stack_shape=(4, 36, 41)))
    binned = file.alignment(
        Sizes(stack_shape=(4, 36, 41), volume_shape=(10, 18, 20), voxel_size=5.0)
    )
    assert binned.geometry == whole.geometry
    assert (whole.volume_shape, binned.volume_shape) == ((21, 36, 41), (10, 18, 20))


def test_written_tilts_come_back_with_other_columns(project, tmp_path):
    file = RelionAlignment.read(project / "tilt_series" / "TS_1.star")
    sizes = Sizes(stack_shape=(4, 36, 41))
    made = RelionAlignment.from_alignment(file.alignment(sizes), like=file)
    again = RelionAlignment.read(made.write(tmp_path / "new.star"))
    assert (again.pixel_size, again.volume_shape) == (2.5, (21, 36, 41))
    assert again.tilts.column("rlnMicrographPreExposure") == ["3.0"] * 4
    assert again.tilts.column("rlnMicrographName")[3] == "4@TS_1.mrc"
    for label in LABELS[1:6]:
        assert np.allclose(
            again.tilts.values(label, parse_number),
            file.tilts.values(label, parse_number),
            atol=1e-8,
        )


GOOD = series()[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"a\.star is empty"),
        ("# nothing\n", "no data_ block"),
        ("hello\n", r"a\.star, line 1: expected data_\.\.\., got 'hello': not a STAR file"),
        (GOOD[:-20], r"line 16: expected 7 values in data_TS_1, got 5"),
        (GOOD.replace("loop_", ""), r"line 6: expected one value after|expected a label"),
        (GOOD.replace("YTilt #3", "XTilt #3"), r"line 8: label _rlnTomoXTilt appears twice"),
        (GOOD.replace("_rlnTomo", "_other"), "has no table with _rlnTomoYTilt"),
        (
            GOOD.replace("_rlnTomoYTilt", "_other"),
            "has no _rlnTomoYTilt .*: add the missing columns",
        ),
        (GOOD.replace("_rlnTomoZRot", "_other"), r"has no _rlnTomoZRot in data_TS_1"),
        (GOOD.replace("2@TS", "1@TS"), r"line 13: image 1@ is named twice"),
        (GOOD.replace("2@TS", "0@TS"), r"line 14: image 0@ is invalid"),
        (GOOD.replace("2@TS", "TS"), r"line 14: rlnMicrographName has no image number N@"),
        (GOOD + "\n" + GOOD, r"line \d+: block data_TS_1 appears twice"),
        (GOOD.replace("loop_", "loop_\nloop_"), "line 6: expected one loop_ or single values"),
        ("\n".join(GOOD.splitlines()[:12]), "has no rows"),
        ("\0" + GOOD, "not a text file"),
    ],
)
def test_invalid_files_are_named_with_the_line(tmp_path, content, message):
    path = tmp_path / "a.star"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        RelionAlignment.read(path).alignment(
            Sizes(stack_shape=(4, 36, 41), pixel_size=1.0, volume_shape=(9, 9, 9))
        )


def test_sizes_must_be_whole_numbers(project):
    path = project / "tomograms.star"
    path.write_text(GLOBAL.replace("TS_1 2.5 41", "TS_1 2.5 41.7"))
    message = r"tomograms\.star, line 10, rlnTomoSizeX: expected an integer, got '41\.7'"
    with pytest.raises(ValueError, match=message):
        RelionAlignment.read(project / "tilt_series" / "TS_1.star")


def test_series_of_another_stack_are_refused(project):
    file = RelionAlignment.read(project / "tilt_series" / "TS_1.star")
    with pytest.raises(ValueError, match="is for a stack of 4 images, but the stack has 3"):
        file.alignment(Sizes(stack_shape=(3, 36, 41)))
    with pytest.raises(ValueError, match=r"has a pixel size of 2\.5 Å, but the stack has 3 Å"):
        file.alignment(Sizes(stack_shape=(4, 36, 41), pixel_size=3))
    with pytest.raises(ValueError, match="does not hold the size of the stack"):
        file.alignment()


@quick
@given(st.data())
def test_damaged_files_are_read_or_refused_by_name(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "a.star"
    content = GOOD.encode()
    place, length = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 30))
    path.write_bytes(content[:place] + data.draw(st.binary(max_size=6)) + content[place + length :])
    message = ""
    try:
        sizes = Sizes(stack_shape=(4, 36, 41), pixel_size=1.0, volume_shape=(9, 9, 9))
        RelionAlignment.read(path).alignment(sizes)
    except ValueError as error:
        message = str(error)
    assert not message or str(path) in message


def test_quotes_comments_and_single_values_are_read(tmp_path):
    path = tmp_path / "a.star"
    path.write_text("data_one\n_a 'two words' # said\n_b \"x\"\n\ndata_two\nloop_\n_c\n1\n2 #no\n")
    blocks = read_star(path)
    assert (blocks["one"].column("a"), blocks["one"].column("b")) == (["two words"], ["x"])
    assert blocks["two"].values("c", parse_number) == [1.0, 2.0]
    path.write_text(star_text([block_from_columns("t", {"a": ["two words", "_x", ""]})]))
    assert read_star(path)["t"].column("a") == ["two words", "_x", ""]


def test_tables_are_read_as_starfile_reads_them(tmp_path):
    starfile = pytest.importorskip("starfile")
    path = tmp_path / "a.star"
    path.write_text(GOOD)
    assert starfile.read(path)["rlnTomoYTilt"].tolist() == (
        read_star(path)["TS_1"].values("rlnTomoYTilt", parse_number)
    )


def test_a_pixel_size_is_positive_and_a_name_is_given_by_its_name(project):
    path = project / "tomograms.star"
    with pytest.raises(TypeError, match="positional"):
        RelionAlignment.read(path, "TS_1")
    for value in ("-0.5", "0", "1e-320"):
        with pytest.raises(ValueError, match="line 3: expected a positive number"):
            positive(value, "a.star, line 3")
