"""SerialEM's .mdoc as programs and people write it: axes, sections, exposures."""

from datetime import UTC, datetime

import attrs
import numpy as np
import pytest

from libtilt.alignment import MdocFile, Sizes, open_alignment, save_alignment

SIZES = Sizes(stack_shape=(3, 48, 64), pixel_size=2.09)
HEAD = "PixelSpacing = 2.09\nImageSize = 64 48\nImageFile = ts.mrc\n"


def section(view, angle, *, kind="ZValue", **keys):
    lines = [f"[{kind} = {view}]", f"TiltAngle = {angle}"]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in keys.items())]) + "\n"


def images(**keys):
    return "".join(section(view, 3 * view - 3, **keys) for view in range(3))


def read(tmp_path, content):
    path = tmp_path / "ts.mrc.mdoc"
    path.write_text(content)
    return MdocFile.read(path)


@pytest.mark.parametrize(
    ("line", "axis"),
    [
        ("[T = Tilt axis angle = 85.3, binning = 1  spot = 8]", 85.3),
        ("[T =   TiltAxisAngle = -94.5  Binning = 2  SpotSize = 6]", -94.5),
        ("[T = Tilt axis rotation angle: 85.25; mag 42000]", 85.25),
        ("[T = Tilt axis rotation angle = 85.25]", 85.25),
        ("[T = TiltAxisAngle = -176,73  Binning = 1]", -176.73),
        ("[T = SerialEM:\n  Tilt axis angle = 84,\n binning = 1]", 84.0),
        ("T = Tilt axis angle = 85.3, binning = 1", 85.3),
        ("TiltAxisAngle = 85.5", 85.5),
        ("Tilt axis angle: 85.5", 85.5),
        ("Tilt_Axis_Angle = -4", -4.0),
        ("[T = tilt axis angle = +8.53e1]", 85.3),
        ("[T = Tilt axis angle = -.5,binning=1]", -0.5),
    ],
)
def test_every_spelling_of_a_tilt_axis_is_read(tmp_path, line, axis):
    file = read(tmp_path, f"{HEAD}\n{line}\n\n{images()}")
    assert file.tilt_axis_angle == axis
    assert np.allclose(file.alignment(SIZES).geometry.tilt_axis_angles, axis)
    assert file.alignment(SIZES).warnings == ()


def test_an_axis_in_the_sections_is_read(tmp_path):
    file = read(tmp_path, HEAD + images(TiltAxisAngle=85.5))
    assert file.tilt_axis_angle == 85.5


def test_mdoc_without_an_axis_requires_one_and_never_assumes_zero(tmp_path):
    file = read(tmp_path, HEAD + images())
    assert file.tilt_axis_angle is None
    with pytest.raises(ValueError, match="does not hold the tilt axis angle: pass tilt_axis"):
        file.alignment(SIZES)
    given = file.alignment(attrs.evolve(SIZES, tilt_axis_angle=85.0))
    assert np.allclose(given.geometry.tilt_axis_angles, 85)


def test_a_rotation_angle_is_taken_with_a_warning_where_nothing_else_is_there(tmp_path):
    read(tmp_path, HEAD + images(RotationAngle=85.84))
    with pytest.warns(
        UserWarning, match=r"no tilt axis angle in .*; using its RotationAngle of 85\.84 degrees"
    ):
        alignment = open_alignment(tmp_path / "ts.mrc.mdoc", stack_shape=(3, 48, 64))
    assert np.allclose(alignment.geometry.tilt_axis_angles, 85.84)
    assert alignment.pixel_size == 2.09


@pytest.mark.parametrize(
    ("axis", "rotation", "fits"),
    [
        (85.3, 85.3, True),
        (85.3, 175.3, True),
        (85.3, -4.7, True),
        (85.3, -94.7, False),
        (85.3, 265.3, False),
        (-175.84, 85.84, False),
    ],
)
def test_a_rotation_angle_that_does_not_fit_the_axis_is_warned_of(tmp_path, axis, rotation, fits):
    """SerialEM counts RotationAngle from x, others from y; half a turn changes the hand."""
    content = f"{HEAD}[T = Tilt axis angle = {axis}]\n{images(RotationAngle=rotation)}"
    warnings = read(tmp_path, content).alignment(SIZES).warnings
    assert (warnings == ()) == fits
    assert fits or f"tilt axis angle of {axis:g} degrees, but a RotationAngle" in str(warnings[0])


def test_two_axes_that_contradict_each_other_are_warned_of(tmp_path):
    titles = "[T = Tilt axis angle = 85]\n[T = Tilt axis angle = -95]\n"
    alignment = read(tmp_path, HEAD + titles + images()).alignment(SIZES)
    assert "several tilt axis angles; using 85 degrees, not -95" in str(alignment.warnings[0])


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("[T = Tilt axis angle = 985]", r"line 4, tilt axis angle: expected .* from -360 to 360"),
        ("[T = Tilt axis angle = 8_5]", r"line 4, tilt axis angle: expected a number, got '8_5'"),
        (
            "[T = Tilt axis angle = left]",
            r"expected a number, got 'left'; pass tilt_axis_angle=.* instead",
        ),
    ],
)
def test_impossible_axis_is_refused_unless_one_is_given(tmp_path, title, message):
    file = read(tmp_path, f"{HEAD}{title}\n{images()}")
    with pytest.raises(ValueError, match=message):
        file.alignment(SIZES)
    given = file.alignment(attrs.evolve(SIZES, tilt_axis_angle=85.0))
    assert np.allclose(given.geometry.tilt_axis_angles, 85)


def test_given_axis_overrides_the_file(tmp_path):
    file = read(tmp_path, f"{HEAD}[T = TiltAxisAngle = -175.84]\n{images()}")
    given = file.alignment(attrs.evolve(SIZES, tilt_axis_angle=85.84))
    assert np.allclose(given.geometry.tilt_axis_angles, 85.84)
    assert given.warnings == ()


AXIS = "[T = Tilt axis angle = 85]\n"


def test_sections_may_stand_in_any_order(tmp_path):
    content = HEAD + AXIS + section(2, 3) + section(0, -3) + section(1, 0)
    assert read(tmp_path, content).alignment(SIZES).geometry.tilt_angles.round(9).tolist() == [
        -3,
        0,
        3,
    ]


@pytest.mark.parametrize("kept", [(0, 2), (1, 2), (0, 1)])
def test_a_deleted_section_is_an_image_left_out(tmp_path, kept):
    content = HEAD + AXIS + "".join(section(view, 3 * view - 3) for view in kept)
    file = read(tmp_path, content)
    alignment = file.alignment(SIZES)
    assert alignment.views.tolist() == list(kept)
    assert alignment.geometry.tilt_angles.round(9).tolist() == [3 * view - 3 for view in kept]
    # One behind the last section may also be of another series.
    said = alignment.warnings if kept == (0, 1) else alignment.notes
    assert "has no section for" in str(said[0])
    assert len(alignment.warnings) == (kept == (0, 1))
    again = MdocFile.read(save_alignment(alignment, tmp_path / "again.mdoc")).alignment(SIZES)
    assert again.views.tolist() == list(kept)
    assert alignment.distance(again) < 1e-6


def test_stack_without_the_deleted_images_is_accepted_with_a_warning(tmp_path):
    file = read(tmp_path, HEAD + AXIS + section(0, -3) + section(2, 3))
    alignment = file.alignment(attrs.evolve(SIZES, stack_shape=(2, 48, 64)))
    assert alignment.views.tolist() == [0, 1]
    assert any(
        "uses 2 of 3 images, and the stack has 2" in str(text) for text in alignment.warnings
    )


def test_frame_sets_of_movies_count_in_the_order_of_the_file(tmp_path):
    content = "".join(HEAD + AXIS + section(0, angle, kind="FrameSet") for angle in (0, 3, -3))
    # Header lines repeat where files are put one behind the other.
    file = read(tmp_path, content)
    assert file.tilt_angles.tolist() == [0, 3, -3]


def test_a_frame_set_before_a_section_is_of_the_same_image(tmp_path):
    pairs = "".join(
        section(view, 3 * view - 3, kind="FrameSet", ExposureDose=view) + f"[ZValue = {view}]\n"
        f"TiltAngle = {3 * view - 3}\n"
        for view in range(3)
    )
    file = read(tmp_path, HEAD + AXIS + pairs)
    assert file.tilt_angles.tolist() == [-3, 0, 3]
    assert file.exposures.tolist() == [0, 1, 2]


def test_comments_and_values_over_several_lines_are_read(tmp_path):
    content = "# edited\n" + HEAD + AXIS + images(SubFramePath="D:\\frames\\one,\n  two")
    file = read(tmp_path, content)
    assert file.sections[0]["SubFramePath"] == "D:\\frames\\one,\ntwo"
    assert read(tmp_path, file.write(tmp_path / "b.mdoc").read_text()).sections == file.sections


def test_a_title_that_never_closes_is_named_with_its_line(tmp_path):
    with pytest.raises(ValueError, match=r"line 4: the title is not closed by \]"):
        read(tmp_path, HEAD + "[T = Tilt axis angle = 85\n" + images())


def test_unneeded_values_may_be_no_numbers(tmp_path):
    file = read(tmp_path, HEAD + AXIS + images(ExposureDose="NaN", RotationAngle="nan"))
    assert np.isnan(file.exposures).all()
    assert file.alignment(SIZES).acquisition.pre_exposures is None
    with pytest.raises(ValueError, match=r"line 6, TiltAngle: expected a finite number"):
        read(tmp_path, HEAD + AXIS + section(0, "NaN"))


def test_decimal_commas_are_read_whole(tmp_path):
    file = read(tmp_path, HEAD.replace("2.09", "2,09") + AXIS + section(0, "-2,98"))
    assert file.tilt_angles.tolist() == [-2.98]
    assert file.pixel_size == 2.09


def test_pieces_of_a_montage_are_refused_and_single_pieces_are_not(tmp_path):
    pieces = "".join(section(i, -3, PieceCoordinates=f"{60 * i} 0 0") for i in range(3))
    with pytest.raises(
        ValueError,
        match=r"line 8: the view .* already has a piece on line 5; montages are not support",
    ):
        read(tmp_path, HEAD + AXIS + pieces)
    single = "".join(section(i, 3 * i - 3, PieceCoordinates=f"0 0 {i}") for i in range(3))
    assert read(tmp_path, HEAD + AXIS + single).tilt_angles.tolist() == [-3, 0, 3]


TIMES = ("30-Sep-2025  14:52:42", "30-Sep-2025  14:50:42", "30-Sep-2025  14:51:42")


def timed(**keys):
    return "".join(
        section(view, 3 * view - 3, DateTime=time, **{k: v[view] for k, v in keys.items()})
        for view, time in enumerate(TIMES)
    )


def test_exposures_are_summed_in_the_order_of_acquisition(tmp_path):
    file = read(tmp_path, HEAD + AXIS + timed(ExposureDose=(3.0, 2.0, 2.5)))
    taken = file.alignment(SIZES).acquisition
    assert taken.order.tolist() == [2, 0, 1]
    assert taken.pre_exposures.tolist() == [4.5, 0.0, 2.0]


def test_prior_doses_count_where_they_stand(tmp_path):
    content = HEAD + AXIS + timed(ExposureDose=(3.0, 2.0, 2.5), PriorRecordDose=(11, 1, 6))
    taken = read(tmp_path, content).alignment(SIZES).acquisition
    assert taken.pre_exposures.tolist() == [11, 1, 6]
    alone = MdocFile.from_alignment(read(tmp_path, content).alignment(SIZES))
    assert alone.alignment(SIZES).acquisition.pre_exposures.tolist() == [11, 1, 6]


def test_an_order_that_is_not_known_gives_no_pre_exposures(tmp_path):
    taken = read(tmp_path, HEAD + AXIS + images(ExposureDose=3)).alignment(SIZES).acquisition
    assert taken.order is None
    assert taken.pre_exposures is None


def test_images_of_another_size_than_the_file_says_are_warned_of(tmp_path):
    file = read(tmp_path, HEAD + AXIS + images())
    binned = file.alignment(Sizes(stack_shape=(3, 24, 32)))
    assert "and check the pixel size of 2.09 Å" in str(binned.warnings[0])


def test_the_cases_are_read_or_refused(shared_data):
    cases = shared_data / "cases"
    for name, views in {
        "section_deleted": [0, 2],
        "dose_nan": [0, 1, 2],
        "comment_line": [0, 1, 2],
    }.items():
        alignment = MdocFile.read(cases / f"mdoc_{name}.mdoc").alignment(SIZES)
        assert alignment.views.tolist() == views
        assert np.allclose(alignment.geometry.tilt_angles, [3 * view - 3 for view in views])
    tomo5 = MdocFile.read(cases / "mdoc_tomo5_axis.mdoc")
    assert tomo5.tilt_axis_angle == -175.84
    with pytest.raises(ValueError, match="montages are not supported"):
        MdocFile.read(cases / "mdoc_montage.mdoc")


@pytest.mark.parametrize(
    "content",
    [
        section(0, -3, ExposureDose=3, DateTime=TIMES[0])
        + section(2, 3, ExposureDose=3, DateTime=TIMES[1]),
        "".join(section(n, 3 * n - 3, ExposureDose=3, DateTime=TIMES[0]) for n in range(3)),
        timed(ExposureDose=(3, -1, 3)),
        timed(ExposureDose=(3, "nan", 3)),
    ],
    ids=["a view is missing", "equal times", "a negative dose", "a dose is missing"],
)
def test_pre_exposures_are_not_made_of_incomplete_data(tmp_path, content):
    taken = read(tmp_path, HEAD + AXIS + content).alignment(SIZES).acquisition
    assert taken.pre_exposures is None


def test_prior_doses_of_zero_beside_exposures_say_nothing(tmp_path):
    content = timed(ExposureDose=(3.0, 2.0, 2.5), PriorRecordDose=(0, 0, 0))
    taken = read(tmp_path, HEAD + AXIS + content).alignment(SIZES).acquisition
    assert taken.pre_exposures.tolist() == [4.5, 0.0, 2.0]


def test_pieces_are_known_by_their_aligned_coordinates_too(tmp_path):
    pieces = "".join(section(i, -3, AlignedPieceCoords=f"{60 * i} 0 0") for i in range(2))
    with pytest.raises(ValueError, match="montages are not supported"):
        read(tmp_path, HEAD + AXIS + pieces)


def test_images_of_another_form_than_the_file_says_are_always_warned_of(tmp_path):
    file = read(tmp_path, HEAD + AXIS + images())
    other = file.alignment(Sizes(stack_shape=(3, 48, 70), pixel_size=2.0))
    assert "check that it was written for this stack" in str(other.warnings[0])
    assert file.alignment(Sizes(stack_shape=(3, 24, 32), pixel_size=4.0)).warnings == ()


@pytest.mark.parametrize(("off", "fits"), [(1.5, True), (2.5, False)])
def test_angles_of_two_degrees_apart_are_one_axis(tmp_path, off, fits):
    content = HEAD + AXIS + images(RotationAngle=85 + off)
    assert (read(tmp_path, content).alignment(SIZES).warnings == ()) == fits


def test_axis_in_words_is_refused_and_nan_is_unknown(tmp_path):
    words = read(tmp_path, HEAD + "[T = Tilt axis angle = right]\n" + images())
    with pytest.raises(ValueError, match="expected a number, got 'right'"):
        words.alignment(SIZES)
    none = read(tmp_path, HEAD + "[T = Tilt axis angle = NaN]\n" + images())
    assert none.tilt_axis_angle is None


@pytest.mark.parametrize(
    "time", ["14-Sep-24  10:11:12", "14-Sep-2024  10:11:12", "2024-09-14 10:11:12"]
)
def test_every_spelling_of_a_time_is_the_same(tmp_path, time):
    file = read(tmp_path, HEAD + AXIS + images(DateTime=time))
    expected = datetime(2024, 9, 14, 10, 11, 12, tzinfo=UTC).timestamp()
    assert file.acquisition.times.tolist() == [expected] * 3
