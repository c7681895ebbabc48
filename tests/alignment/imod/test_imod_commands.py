"""IMOD's command files, as its programs read them: words, abbreviations, defaults, lists."""

import pytest
from imod_by_hand import COMMAND, NEWSTACK, files

from libtilt.alignment import ImodAlignment
from libtilt.alignment.imod.commands import CommandFile
from libtilt.alignment.imod.newstack import NewstackSetup
from libtilt.alignment.imod.options import NEWSTACK as NEWST
from libtilt.alignment.imod.options import TILT, parse_list, split_values
from libtilt.alignment.imod.tilt import TiltSetup


def command(tmp_path, text, program=TILT):
    path = tmp_path / "any.com"
    path.write_text(text)
    return CommandFile.read(path, program)


def tilt(tmp_path, text):
    return TiltSetup.from_command(command(tmp_path, text))


def newstack(tmp_path, text, views=8):
    return NewstackSetup.from_command(command(tmp_path, text, NEWST), views)


@pytest.mark.parametrize("program", ["tilt", "Tilt", " ~/IMOD/bin/tilt", "/opt/imod/tilt.exe"])
def test_a_program_is_known_by_its_name_with_or_without_a_folder(tmp_path, program):
    found = command(tmp_path, f"$setenv A B\n$if (-e x) x\n${program}\nTHICKNESS 7\n$ls\nWIDTH 3\n")
    assert [(entry.keyword, entry.value) for entry in found.entries] == [("THICKNESS", "7")]


def test_words_on_the_line_of_a_program_are_options_too(tmp_path):
    setup = tilt(tmp_path, "$tilt -StandardInput -OFFSET 10 --shift '1.5 -2'\nTHICKNESS 9\n")
    assert (setup.offset, setup.shift, setup.thickness) == ((10, 0), (1.5, -2), 9)
    found = command(tmp_path, "$tilt -input a.ali b.rec -XAXIS -1.5")
    # tilt takes the second name as its output, whatever option gives the input.
    assert (found.text("InputProjections"), found.find("OutputFile")) == ("a.ali", None)
    assert found.numbers("XAXISTILT", 1) == [-1.5]
    found = command(tmp_path, "$newst -size 30,40 -xf a.xf -linear -ou 1.mrc a.st a.ali", NEWST)
    assert [entry.value for entry in found.all("InputFile")] == ["a.st"]
    assert [entry.value for entry in found.all("OutputFile")] == ["1.mrc", "a.ali"]
    assert found.others(NEWST) == ("LinearInterpolation",)


def test_tilt_takes_the_first_two_lines_as_files_and_nothing_else(tmp_path):
    found = command(tmp_path, "$tilt\nTS.ali\nTS rec.mrc\nTHICKNESS 8\nDONE\nTHICKNESS 9\n")
    assert [entry.value for entry in found.entries] == ["8", "TS.ali", "TS rec.mrc"]
    with pytest.raises(ValueError, match=r"any\.com, line 4, TS\.XF: tilt has no such option"):
        command(tmp_path, "$tilt\nTS.ali\nTS.rec\nTS.xf\n")


@pytest.mark.parametrize(
    ("text", "program", "message"),
    [
        ("$tilt\nTHICK 3\nW 4\nS 5\n", TILT, r"line 3, W: .* ambiguous, it may be WIDTH"),
        ("$tilt\nIN 3\n", TILT, "IN: the option is ambiguous, it may be InputProjections, INCL"),
        ("$tilt -XAXISTILT", TILT, "line 1, XAXISTILT: expected a value, got none"),
        ("$tilt\nTHICKNESS\n", TILT, "line 2, THICKNESS: expected a value, got none"),
        ("$tilt\nPERP 3\n", TILT, "PERP: expected 1 or 0 for a switch, got '3'"),
        ("$tilt a.ali b.rec c.rec", TILT, "line 1: expected at most one input and one output"),
        ("$tilt -inp a.ali\nTHICKNESS 3", TILT, r"line 2: tilt reads no options from the .*\$tilt"),
        ("$newstack\n1\na.st\n", NEWST, "line 2: newstack reads no options"),
        ("$tilt\nPARALLEL\n", TILT, "line 2, PARALLEL: not supported; it mirrors the tomogram"),
        ("$tilt\nCOMPRESS 1 0.98\n", TILT, "COMPRESS: not supported; a geometry holds no com"),
        ("$tilt\nRecFile a.rec\n", TILT, "RECFILE: not supported; this run reprojects"),
        ("$tilt\nSUBSETSTART 3 0\n", TILT, "SUBSETSTART: requires FULLIMAGE"),
        ("$tilt\nINCLUDE 1\nEXCLUDE 2", TILT, r"EXCLUDE: .* EXCLUDELIST or INCLUDE \(line 2\)"),
        ("$tilt\nSLICE 0 9 2", TILT, "SLICE: expected a first and a last slice, counted from 0"),
        ("$tilt\nSHIFT ,2", TILT, "SHIFT: expected all values, since .*, got ',2'"),
        ("$tilt\nSHIFT 1e308", TILT, "line 2, SHIFT: expected a number from -1e.09 to 1e.09"),
        ("$tilt\nTHICKNESS /", TILT, "THICKNESS: expected 1 positive integers, got '/'"),
        ("$tilt\nFULLIMAGE ,3", TILT, "FULLIMAGE: expected 2 positive integers"),
        ("$newst -distort a.idf -xf a.xf a.st b", NEWST, "DISTORT: not supported; the tra"),
        ("$newst -xf a.xf -offset ,10 a.st b", NEWST, "OFFSET: expected all values, since"),
        ("$newst -xf a.xf -offset 1,2,3 a b", NEWST, "one x, y pair for all images or one for"),
        ("$newst -xf a.xf a.st b.st c", NEWST, r"a second stack \(b\.st\) is not supp"),
        ("$newst -bin 2 a.st c.ali", NEWST, "any.com has no TransformFile"),
        ("$newst -xf a.xf -sec 0-3 a c", NEWST, "SEC: subsets or another order of the 8"),
        ("$newst -xf a.xf -exclude 3 a c", NEWST, "EXCLUDE: not supported; the aligned"),
        ("$newst -xf a.xf -shrink 2.5 a c", NEWST, "SHRINK: expected an integer factor"),
        ("$newst -xf a.xf -size 5 a c", NEWST, "SIZE: expected 2 integers, got '5'"),
        ("$newst -xf a.xf -expand 1.5 a c", NEWST, "EXPAND: not supported; put the fact"),
    ],
)  # fmt: skip
def test_options_unknown_to_a_program_are_refused_by_line(tmp_path, text, program, message):
    setup = tilt if program is TILT else newstack
    with pytest.raises(ValueError, match=message):
        setup(tmp_path, text)


def test_options_may_be_shortened_as_far_as_they_stay_apart(tmp_path):
    text = "$tilt\nTHI 31\nwid 20\nEXCL 1\nFULL 41,36\nSUBS -2 3\nOFF 2.5\nSHI 1 2\nXAX 3\nIMAGEB 2"
    setup = tilt(tmp_path, text)
    assert (setup.thickness, setup.width, setup.binning) == (31, 20, 2)
    assert (setup.full_image, setup.subset_start) == ((41, 36), (-2, 3))
    assert (setup.offset, setup.shift, setup.x_axis_tilt) == ((2.5, 0), (1, 2), 3)
    assert setup.excluded == {1}
    made = newstack(tmp_path, "$newstack -siz 30,40 -bi 2 -anti -1 -of 1,2 -appl -xf a.xf a.st b")
    assert (made.size, made.binning, made.antialias) == ((30, 40), 2, -1)
    assert (made.offsets, made.offsets_first) == ((1, 2), True)


def test_options_without_effect_are_kept_and_neutral_values_are_taken(tmp_path):
    text = "$tilt\nRADIAL .4 .05\nPARALLEL 0\nCOMPRESS 1 1.0\nFakeSIRT 8\nDONE\n"
    assert tilt(tmp_path, text).others == ("RADIAL .4 .05", "FakeSIRTiterations 8")
    text = "$newst -rot 0 -expand 1 -skip 1 -imagebinned 4 -xf a.xf -secs 0-7 -usel / a.st b.ali"
    assert newstack(tmp_path, text).others == ("ImagesAreBinned 4",)
    assert newstack(tmp_path, "$newst -fromone -secs 1,2,3-8 -xf a.xf a.st b").binning == 1


def test_last_entry_overrides_and_lists_accumulate(tmp_path):
    text = "$tilt\nTHICKNESS 5\nEXCLUDELIST 1\nTHICKNESS 6\nEXCLUDELIST2 4 - 3,6\n"
    setup = tilt(tmp_path, text)
    assert (setup.thickness, setup.excluded) == (6, {1, 3, 4, 6})


def test_several_runs_must_agree_where_things_lie(tmp_path):
    same = (
        "$tilt\nTHICKNESS 5\nOutputFile a\nMODE 1\n$ls\n$tilt\nTHICKNESS 5\nOutputFile b\nMODE 2\n"
    )
    assert tilt(tmp_path, same).others == ("MODE 2",)
    with pytest.raises(
        ValueError, match=r"runs tilt on line 1 and on line 6 with different values of"
    ):
        tilt(tmp_path, same.replace("5\nOutputFile b", "6\nOutputFile b"))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,3-5", [1, 3, 4, 5]),
        ("5-3", [5, 4, 3]),
        ("2 - 1", [2, 1]),
        ("1 2,,3", [1, 2, 3]),
        ("7,9-8 4", [7, 9, 8, 4]),
        ("/", None),
    ],
)
def test_lists_are_read_as_parselist_reads_them(text, numbers):
    assert parse_list(text, "here") == numbers


@pytest.mark.parametrize(
    "text", ["", "a", "1-", "-1", "1,-2", "1.5", "1;2", "1--2", "9" * 8, "0-999999-0"]
)
def test_lists_of_anything_else_are_refused(text):
    with pytest.raises(ValueError, match="here: expected numbers from 0 like 1,3-5, got"):
        parse_list(text, "here")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (",,", [None, None]),
        (",60", [None, "60"]),
        ("60,,", ["60", None]),
        ("60 /", ["60", None]),
        ("/", [None, None]),
        ("60\t,70", ["60", "70"]),
        ("60,", ["60"]),
    ],
)
def test_a_comma_alone_or_a_slash_leaves_a_value_to_the_program(text, values):
    assert split_values(text, "here", 2) == values


def test_angles_may_stand_in_the_command_file(tmp_path, rng):
    listed = "ANGLES -55 -40.5,-25\nANGLES -10 5 20 35 50\n"
    files(tmp_path, rng, command=COMMAND.replace("tiltfile a.tlt\n", listed))
    (tmp_path / "a.tlt").unlink()
    for path in (tmp_path, tmp_path / "a.xf"):
        read = ImodAlignment.read(path)
        assert read.tilt_angles.tolist() == [-55, -40.5, -25, -10, 5, 20, 35, 50]
        assert read.newstack.size == (45, 30)
    (tmp_path / "tilt.com").write_text(COMMAND.replace("tiltfile a.tlt\n", "ANGLES 1 2 3\n"))
    with pytest.raises(ValueError, match=r"a\.xtilt has 8 views, but .*tilt\.com has 3"):
        ImodAlignment.read(tmp_path)
    (tmp_path / "a.tlt").write_text("1\n2\n")
    (tmp_path / "tilt.com").write_text(COMMAND.replace("XTILT", "ANGLES 1 2\nXTILT"))
    with pytest.raises(ValueError, match=r"line 6, ANGLES: tilt accepts either ANGLES or TILTFILE"):
        ImodAlignment.read(tmp_path)


def test_angles_in_a_command_file_are_of_its_own_transforms(tmp_path, rng):
    files(tmp_path, rng, command=COMMAND.replace("tiltfile a.tlt\n", "ANGLES 1 2 3 4 5 6 7 8\n"))
    (tmp_path / "a.tlt").unlink()
    (tmp_path / "b.xf").write_bytes((tmp_path / "a.xf").read_bytes())
    assert ImodAlignment.read(tmp_path / "a.xf").tilt_angles.tolist() == list(range(1, 9))
    with pytest.raises(FileNotFoundError, match=r"b\.tlt"):
        ImodAlignment.read(tmp_path / "b.xf")


def test_the_command_files_of_one_axis_belong_together(tmp_path, rng):
    files(tmp_path, rng)
    (tmp_path / "tilt.com").rename(tmp_path / "tilta.com")
    (tmp_path / "newst.com").rename(tmp_path / "newsta.com")
    (tmp_path / "newst.com").write_text(NEWSTACK.replace("45,30", "20,20"))
    assert ImodAlignment.read(tmp_path).newstack.size == (45, 30)
    # Without its pair, one counts that makes what tilt takes.
    (tmp_path / "newsta.com").unlink()
    assert ImodAlignment.read(tmp_path).newstack is None
    (tmp_path / "newst.com").write_text(NEWSTACK + "OutputFile a.ali\n")
    assert ImodAlignment.read(tmp_path).newstack.size == (45, 30)


def test_a_newst_com_counts_without_a_tilt_com(tmp_path, rng):
    files(tmp_path, rng, newstack=NEWSTACK + "BinByFactor 3\n")
    (tmp_path / "tilt.com").unlink()
    read = ImodAlignment.read(tmp_path / "a.xf")
    assert (read.newstack.size, read.tilt.binning) == ((45, 30), 3)


@pytest.mark.parametrize("given", [".", "tilt.com", "a.xf"])
def test_a_montage_is_refused_but_for_its_aligned_stack(tmp_path, rng, given):
    files(tmp_path, rng, newstack=None)
    (tmp_path / "blend.com").write_text("$blendmont -StandardInput\nImageInputFile a.st\n")
    with pytest.raises(ValueError, match=r"blend\.com makes the aligned stack from a montage"):
        ImodAlignment.read(tmp_path / given)
    assert ImodAlignment.read(tmp_path / given, aligned=True).transforms is None
    with pytest.raises(ValueError, match=r"does not run tilt.*, but the file runs blendmont"):
        ImodAlignment.read(tmp_path / "blend.com")
