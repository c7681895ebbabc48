"""AreTomo's .aln: the formula written out, dark frames, sections from 0 or 1."""

import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import TiltGeometry
from libtilt.alignment import Alignment, AreTomoAlignment, Sizes
from libtilt.alignment.aretomo.lines import COLUMNS

HEADER_LINE = (
    "# SEC     ROT         GMAG       TX          TY      SMEAN     SFIT    SCALE     BASE     TILT"
)


def text(sections, count, darks=(), size=(41, 36), local=False, seed=0):
    rng = np.random.default_rng(seed)
    lines = ["# AreTomo Alignment / Priims bprmMn ", "# RawSize = {} {} {}".format(*size, count)]
    lines += ["# NumPatches = 0"]
    lines += [f"# DarkFrame =  {frame:4d} {section:4d} {-60.0:8.2f}" for frame, section in darks]
    lines += [
        "# AlphaOffset =     0.50",
        "# BetaOffset =    -1.25",
        "# Thickness = 300",
        HEADER_LINE,
    ]
    for place, section in enumerate(sections):
        rot, tx, ty = rng.normal(85, 1), *rng.normal(0, 9, 2)
        lines.append(
            f"{section:5d}  {rot:9.4f}    1.00000  {tx:9.3f}  {ty:9.3f}     1.00     1.00     1.00"
            f"     0.00  {place * 3 - 20:8.2f}"
        )
    return "\n".join(lines + (["# Local Alignment"] if local else [])) + "\n"


def read(tmp_path, content, **options):
    path = tmp_path / "TS_1.aln"
    path.write_text(content)
    return AreTomoAlignment.read(path, **options)


@pytest.mark.parametrize("volume_shape", [(20, 36, 41), (21, 35, 40)])
def test_points_agree_with_the_formula_written_out(tmp_path, rng, volume_shape):
    file = read(tmp_path, text([1, 2, 4, 5], 5, darks=[(2, 3)]))
    alignment = file.alignment(Sizes(pixel_size=1.7, volume_shape=volume_shape))
    assert alignment.views.tolist() == [0, 1, 3, 4]
    assert alignment.stack_shape == (5, 36, 41)
    points = rng.uniform(0, 40, (9, 3))
    q = points - [size // 2 for size in volume_shape[::-1]]
    seen = np.insert(points, 3, 1, axis=1) @ alignment.projection_matrices().transpose(0, 2, 1)
    for row, pixels in zip(file.rows, seen, strict=True):
        r, t = np.radians([row[1], row[9]])
        about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
        about_y = np.array([[np.cos(t), 0, np.sin(t)], [0, 1, 0], [-np.sin(t), 0, np.cos(t)]])
        raw = (about_z @ about_y @ q.T).T[:, :2] + row[3:5]
        assert np.abs(pixels - raw - (41 // 2, 36 // 2)).max() < 1e-9


def test_a_sample_is_read_and_comes_back(shared_data, tmp_path):
    file = AreTomoAlignment.read(shared_data / "alignments" / "aretomo" / "test.aln")
    assert (file.raw_size, len(file.dark_frames), len(file.local)) == ((2032, 2032, 90), 4, 6)
    alignment = file.alignment(Sizes(pixel_size=2.0))
    assert np.allclose(alignment.geometry.tilt_angles, [-61.5, -60, -58.5, -57], atol=1e-12)
    assert np.allclose(alignment.geometry.tilt_axis_angles, -12.6611, atol=1e-12)
    assert alignment.geometry.shifts[0] == pytest.approx([24.786 * 2, -2.677 * 2], abs=1e-9)
    assert alignment.unsupported == (
        "local alignment",
        "82 images with neither a row nor a DarkFrame line",
    )
    made = AreTomoAlignment.from_alignment(alignment, like=file)
    again = AreTomoAlignment.read(made.write(tmp_path / "again.aln"))
    assert np.abs(again.rows - file.rows).max() < 1e-6
    for name in ("raw_size", "dark_frames", "header", "local", "first_section"):
        assert getattr(again, name) == getattr(file, name)


def test_columns_stand_in_the_order_of_the_program(tmp_path):
    content = "# RawSize = 41 36 1\n1 85.5 1.25 2.5 -3.5 4.25 5.25 6.25 7.25 -8.5\n"
    file = read(tmp_path, content)
    assert file.rows.tolist() == [[1, 85.5, 1.25, 2.5, -3.5, 4.25, 5.25, 6.25, 7.25, -8.5]]
    geometry = file.alignment(Sizes(pixel_size=2)).geometry
    assert np.allclose(geometry.tilt_axis_angles, 85.5)
    assert np.allclose(geometry.shifts, [5, -7])
    assert np.allclose(geometry.tilt_angles, -8.5)
    *_, names, row = file.write(tmp_path / "again.aln").read_text().splitlines()
    assert names.split()[1:] == HEADER_LINE.split()[1:] == list(COLUMNS)
    assert [float(word) for word in row.split()] == file.rows[0].tolist()


@pytest.mark.parametrize(
    ("sections", "count", "darks", "views"),
    [
        ([0, 1, 2], 3, [], [0, 1, 2]),
        ([1, 2, 3], 3, [], [0, 1, 2]),
        ([1, 2], 3, [(0, 0)], [1, 2]),
        ([2, 3], 3, [(0, 1)], [1, 2]),
        ([1, 2], 3, [(2, 3)], [0, 1]),
        ([3, 1, 4], 4, [(1, 2)], [2, 0, 3]),
        ([3, 4], 4, [(0, 0), (1, 0)], [2, 3]),
        ([1, 2], 4, [(0, 0), (1, 0)], [1, 2]),
    ],
)
def test_sections_count_from_the_number_fitting_the_stack(tmp_path, sections, count, darks, views):
    file = read(tmp_path, text(sections, count, darks=darks))
    assert file.views.tolist() == views


def test_the_first_section_may_be_given(tmp_path):
    content = text([1, 2], 9, local=True)
    assert read(tmp_path, content).views.tolist() == [0, 1]
    assert read(tmp_path, content, first_section=0).views.tolist() == [1, 2]


def test_a_section_0_alone_says_that_sections_count_from_it(tmp_path):
    assert read(tmp_path, text([0, 2], 4, local=True)).views.tolist() == [0, 2]


def test_left_out_images_become_dark_frames(tmp_path):
    alignment = Alignment(
        TiltGeometry.from_tilt_angles([-9, 0, 9], tilt_axis_angle=80, shifts=(3, 4)),
        views=[0, 1, 3], stack_shape=(5, 36, 41), pixel_size=1.5,
        volume_shape=(20, 36, 41), voxel_size=3.0,
    )  # fmt: skip
    path = AreTomoAlignment.from_alignment(alignment).write(tmp_path / "new.aln")
    file = AreTomoAlignment.read(path)
    assert [dark.section for dark in file.dark_frames] == [3, 5]
    again = file.alignment(alignment.sizes)
    assert alignment.distance(again) < 1e-5
    assert np.abs(again.geometry.tilt_angles - alignment.geometry.tilt_angles).max() < 1e-6
    assert np.abs(again.geometry.shifts - alignment.geometry.shifts).max() < 1e-6


GOOD = text([1, 2, 3], 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"TS_1\.aln is empty"),
        ("# only this\n", r"TS_1\.aln is not an AreTomo \.aln file: it has no '# RawSize ='"),
        ("1 0 0 1 0 0\n", r"TS_1\.aln, line 1: expected '# RawSize =' before the first row"),
        ("\n".join(GOOD.splitlines()[:7]), "it has no rows"),
        ("\n".join(GOOD.splitlines()[:-1]), r"line 9: expected 3 rows \(RawSize has 3 images"),
        (GOOD[:-20], r"line 10: expected SEC ROT GMAG"),
        (GOOD.replace("41 36 3", "41 36"), r"line 2: RawSize must be three positive integers"),
        (GOOD.replace("41 36 3", "41 x 3"), r"line 2, RawSize: expected a number, got 'x'"),
        (GOOD.replace("41 36 3", "41 36 2"), r"line 10: expected 2 rows"),
        (GOOD.replace("    3  ", "    2  "), r"line 10: SEC 2 is already on line 9"),
        (GOOD.replace("    3  ", "    7  "), r"line 10: SEC 7 lies outside the 3 images"),
        (
            GOOD.replace("# Num", "# RawSize = 41 36 3\n# Num"),
            r"line 3: RawSize is given a second time",
        ),
        (text([2, 3], 3, darks=[(0, 2)]), r"line 4: section 2 is dark, but has a row on line 9"),
        (text([2, 3], 3, darks=[(0, 9)]), r"line 4: SEC 9 lies outside the 3 images"),
        (GOOD.replace("    3  ", "  2.5  "), r"line 10, SEC: expected an integer"),
        (GOOD + "# Local Alignment\n1 2 3\n", r"line 12: expected 7 numbers of a local shift"),
        (GOOD.replace("# Num", "# DarkFrame = 1 2\n# Num"), r"line 3: DarkFrame must be three"),
        ("\0" + GOOD, "not a text file"),
    ],
)
def test_invalid_files_are_named_with_the_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (
            "TILT",
            "1567301525373690323140608.00",
            r"line 8, TILT: expected a tilt angle from -180 to 180",
        ),
        ("TILT", "nan", r"line 8, TILT: expected a finite number, got 'nan'"),
        ("TX", "nan", r"line 8, TX: expected a finite number"),
        (
            "ROT",
            "-856.0",
            r"line 8, ROT: expected a tilt axis angle from -360 to 360 degrees, got -856",
        ),
        ("SMEAN", "one", r"line 8, SMEAN: expected a number, got 'one'"),
    ],
)
def test_impossible_numbers_are_refused_by_column_and_line(tmp_path, column, value, message):
    lines = GOOD.splitlines()
    words = lines[7].split()
    words[COLUMNS.index(column)] = value
    lines[7] = " ".join(words)
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "\n".join(lines)).alignment(Sizes(pixel_size=1))


@pytest.mark.parametrize("column", ["GMAG", "SMEAN", "SFIT", "SCALE", "BASE"])
def test_columns_that_place_nothing_may_hold_no_number(tmp_path, column):
    lines = GOOD.splitlines()
    words = lines[7].split()
    words[COLUMNS.index(column)] = "-nan"
    lines[7] = " ".join(words)
    good = read(tmp_path, GOOD).alignment(Sizes(pixel_size=1))
    file = read(tmp_path, "\n".join(lines))
    assert file.alignment(Sizes(pixel_size=1)).geometry == good.geometry
    again = AreTomoAlignment.read(file.write(tmp_path / "again.aln"))
    assert np.isnan(again.rows[0, COLUMNS.index(column)])


def test_given_axis_overrides_an_impossible_one(tmp_path):
    rows = [[1, 999.0, 1, 4, -2, 1, 1, 1, 0, 30.0]]
    file = AreTomoAlignment(rows, raw_size=(64, 60, 1), lines=(5,))
    with pytest.raises(ValueError, match="line 5, ROT: expected a tilt axis angle from -360"):
        file.alignment(Sizes(pixel_size=1))
    given = file.alignment(Sizes(pixel_size=1, tilt_axis_angle=85))
    assert np.allclose(given.geometry.tilt_axis_angles, 85)
    assert np.allclose(given.geometry.shifts, [4, -2])


def test_stack_without_its_dark_images_is_accepted_with_a_warning(tmp_path):
    """AreTomo's own output holds no dark images."""
    file = read(tmp_path, text([1, 3, 4], 4, darks=[(1, 2)]))
    whole, used = (file.alignment(Sizes(stack_shape=(n, 36, 41), pixel_size=1)) for n in (4, 3))
    assert (whole.views.tolist(), used.views.tolist()) == ([0, 2, 3], [0, 1, 2])
    assert whole.geometry == used.geometry
    assert "uses 3 of 4 images, and the stack has 3" in str(used.warnings[0])


def test_shifts_beyond_the_image_are_warned_of(tmp_path):
    lines = GOOD.splitlines()
    words = lines[7].split()
    words[COLUMNS.index("TX")] = "-4000.0"
    lines[7] = " ".join(words)
    warnings = read(tmp_path, "\n".join(lines)).alignment(Sizes(pixel_size=2)).warnings
    assert "shift of image 0 (from 0) is" in str(warnings[0])


def test_sections_may_count_the_images_that_are_not_dark(tmp_path):
    file = read(tmp_path, text([0, 1, 2], 5, darks=[(0, 0), (3, 3)]))
    alignment = file.alignment(Sizes(pixel_size=1))
    assert alignment.views.tolist() == [1, 2, 4]
    assert "assuming that it counts only the 3 images" in str(alignment.warnings[0])
    again = AreTomoAlignment.read(file.write(tmp_path / "again.aln"))
    assert again.views.tolist() == [1, 2, 4]


def test_a_sample_of_local_alignment_counts_the_images_that_are_not_dark(shared_data):
    path = shared_data / "alignments" / "local" / "aretomo" / "global_and_local.aln"
    alignment = AreTomoAlignment.read(path).alignment(Sizes(pixel_size=2.0))
    assert alignment.views.tolist() == list(range(14, 51))
    # Without AlphaOffset the first is the step behind the last dark frame, at -42 degrees.
    assert abs(alignment.geometry.tilt_angles[0] - 12.3 + 40.0) < 0.05


def test_the_cases_are_read_or_refused(shared_data):
    cases = shared_data / "cases"
    file = AreTomoAlignment.read(cases / "aln_smean_nan.aln")
    angles = file.alignment(Sizes(pixel_size=2)).geometry.tilt_angles
    assert np.allclose(angles, [-3, 0, 3])
    with pytest.raises(
        ValueError, match=r"aln_tilt_garbage\.aln, line 5, TILT: .* from -180 to 180"
    ):
        AreTomoAlignment.read(cases / "aln_tilt_garbage.aln")


def test_a_stack_of_another_size_is_refused(tmp_path):
    file = read(tmp_path, GOOD)
    with pytest.raises(ValueError, match="stack of 3 images, but the stack has 4"):
        file.alignment(Sizes(stack_shape=(4, 36, 41), pixel_size=1))
    with pytest.raises(
        ValueError, match=r"of shape \(36, 41\), but the stack has images of shape \(41, 36\)"
    ):
        file.alignment(Sizes(stack_shape=(3, 41, 36), pixel_size=1))
    with pytest.raises(ValueError, match="rows must have 10 columns"):
        AreTomoAlignment([[1, 2]], raw_size=(1, 1, 1))


@quick
@given(st.data())
def test_damaged_files_are_read_or_refused_by_name(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    content = text([1, 2, 4], 4, darks=[(2, 3)], local=True).encode()
    place, length = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 30))
    path = folder / "a.aln"
    path.write_bytes(content[:place] + data.draw(st.binary(max_size=6)) + content[place + length :])
    message = ""
    try:
        AreTomoAlignment.read(path).alignment(Sizes(pixel_size=1.0))
    except ValueError as error:
        message = str(error)
    assert not message or str(path) in message


def test_sections_that_are_dark_and_fewer_than_the_stack_has_are_refused(tmp_path):
    rows = text([0, 1], 5, darks=[(0, 0)], local=True)
    with pytest.raises(ValueError, match="section 0 is dark, but has a row"):
        read(tmp_path, rows)


def test_images_that_are_neither_dark_nor_in_a_row_are_counted(tmp_path):
    file = read(tmp_path, text([1, 4], 5, darks=[(1, 2)], local=True))
    unsupported = file.alignment(Sizes(pixel_size=1)).unsupported
    assert "2 images with neither a row nor a DarkFrame line" in unsupported
