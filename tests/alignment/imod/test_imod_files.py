"""Which of IMOD's files belong together, and what is refused."""

import attrs
import pytest
from imod_by_hand import COMMAND, NEWSTACK, SIZES, files

from libtilt.alignment import ImodAlignment
from libtilt.alignment.imod.commands import CommandFile
from libtilt.alignment.imod.files import _root_name
from libtilt.alignment.imod.newstack import NewstackSetup
from libtilt.alignment.imod.options import TILT
from libtilt.alignment.imod.tilt import TiltSetup


def test_a_newst_com_of_another_series_is_not_taken(tmp_path, rng):
    files(tmp_path, rng, newstack=NEWSTACK.replace("a.xf", "b.xf"))
    assert ImodAlignment.read(tmp_path / "a.xf").newstack is not None  # a.xf may have been b.xf
    (tmp_path / "b.xf").write_text((tmp_path / "a.xf").read_text())
    assert ImodAlignment.read(tmp_path / "a.xf").newstack is None


def test_a_second_series_does_not_take_the_folder_of_the_first(tmp_path, rng):
    """Its tilt.com would change what the first one's .xf means."""
    files(tmp_path, rng)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    other = ImodAlignment.from_alignment(alignment)
    with pytest.raises(FileExistsError, match=r"tilt\.com belongs to a\.tlt, and IMOD keeps one"):
        other.write(tmp_path / "b.xf", overwrite=True)
    other.write(tmp_path / "a.xf", overwrite=True)
    alone = attrs.evolve(other, newstack=None)
    with pytest.raises(FileExistsError, match=r"newst\.com would be applied to a\.xf"):
        alone.write(tmp_path / "a.xf", overwrite=True)
    assert alignment.distance(ImodAlignment.read(tmp_path / "a.xf").alignment(SIZES)) < 1e-5


def test_given_sizes_describe_the_tomogram_without_command_files(tmp_path, rng):
    files(tmp_path, rng, newstack=None)
    (tmp_path / "tilt.com").unlink()
    sizes = attrs.evolve(SIZES, volume_shape=(10, 18, 20), voxel_size=4.0)
    alignment = ImodAlignment.read(tmp_path / "a.xf").alignment(sizes)
    assert (alignment.volume_shape, alignment.voxel_size) == ((10, 18, 20), 4.0)
    with pytest.raises(ValueError, match="voxel_size must be 2 times pixel_size"):
        ImodAlignment.read(tmp_path / "a.xf").alignment(attrs.evolve(sizes, voxel_size=3.5))


def test_a_series_without_a_folder_of_its_own_names_its_files(tmp_path, rng):
    files(tmp_path, rng)
    (tmp_path / "b.xf").write_text((tmp_path / "a.xf").read_text())
    (tmp_path / "a.xf").unlink()
    assert ImodAlignment.read(tmp_path).transforms.shape == (8, 2, 3)
    (tmp_path / "c.xf").write_text("")
    with pytest.raises(ValueError, match=r"several candidates: b\.xf, c\.xf; pass the path of one"):
        ImodAlignment.read(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.xf", "1 0 0 1 0\n", r"a\.xf, line 1: expected A11 A12 A21 A22 DX DY, got '1 0 0 1 0'"),
        ("a.xf", "1 0 0 1 0 0\n1 0 0 x 0 0\n", r"a\.xf, line 2: expected a number, got 'x'"),
        ("a.xf", "1 0 0 1 0 0\n", r"a\.xf has 1 views, but .*a\.tlt has 8"),
        ("a.xf", "0 0 0 0 0 0\n" * 8, r"a\.xf: the transform of view 1 has no inverse"),
        ("a.tlt", "", r"a\.tlt is empty"),
        ("a.tlt", "1\nnan\n", r"a\.tlt, line 2: expected a finite number"),
        ("a.xtilt", "\0\0", r"a\.xtilt is not a text file"),
        ("tilt.com", "$newstack\n", r"tilt\.com does not run tilt"),
        (
            "tilt.com",
            COMMAND.replace("31", "x"),
            r"tilt\.com, line 7, THICKNESS: expected a number",
        ),
        ("tilt.com", COMMAND.replace("41,36", "41"), r"line 8, FULLIMAGE: expected 2 integers"),
        ("tilt.com", COMMAND.replace("31", "-31"), "THICKNESS: expected 1 positive integers"),
        ("tilt.com", COMMAND.replace("4-5", "4--5"), "EXCLUDELIST: expected numbers from 0 like"),
        ("tilt.com", COMMAND.replace("2,4-5", "0,4-5"), "EXCLUDELIST: expected views like 1,3-5"),
        ("tilt.com", COMMAND.replace("4-5", "40"), "names view 40 in EXCLUDELIST"),
        ("tilt.com", COMMAND.replace("4-5", "1-8"), "excludes all 8 views"),
        ("tilt.com", COMMAND.replace("tiltfile", "TITLE"), "has no tilt angles: add TILTFILE"),
        (
            "tilt.com",
            COMMAND.replace("SHIFT", "SHIT"),
            r"line 11, SHIT: tilt has no such option",
        ),
        (
            "tilt.com",
            COMMAND.replace("SHIFT", "S"),
            r"line 11, S: the option is ambiguous, it may be SLICE",
        ),
        (
            "newst.com",
            NEWSTACK + "BinByFactor 2\n",
            "IMAGEBINNED 1, but newst.com has BinByFactor 2",
        ),
        ("newst.com", NEWSTACK + "rot 3\n", "line 4, ROT: not supported; put the rotation into"),
    ],
)
def test_invalid_files_are_named_with_the_line(tmp_path, rng, file, content, message):
    files(tmp_path, rng)
    (tmp_path / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        ImodAlignment.read(tmp_path)


def test_missing_files_are_named(tmp_path, rng):
    with pytest.raises(
        FileNotFoundError, match=r"holds no IMOD alignment: expected tilt\.com, or \.xf"
    ):
        ImodAlignment.read(tmp_path)
    files(tmp_path, rng)
    (tmp_path / "a.xf").unlink()
    with pytest.raises(FileNotFoundError, match=r"for an aligned stack .* pass aligned=True"):
        ImodAlignment.read(tmp_path)
    assert ImodAlignment.read(tmp_path, aligned=True).transforms is None
    (tmp_path / "a.tlt").unlink()
    with pytest.raises(FileNotFoundError, match=r"names a\.tlt"):
        ImodAlignment.read(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        ImodAlignment.read(tmp_path / "b")


def test_a_stack_of_another_count_or_a_tomogram_of_another_size_is_refused(tmp_path, rng):
    files(tmp_path, rng)
    file = ImodAlignment.read(tmp_path)
    with pytest.raises(ValueError, match="stack of 8 images and uses 4, but the stack has 9"):
        file.alignment(attrs.evolve(SIZES, stack_shape=(9, 36, 41)))
    with pytest.raises(ValueError, match=r"makes a tomogram .* but volume_shape is"):
        file.alignment(attrs.evolve(SIZES, volume_shape=(30, 30, 45)))
    with pytest.raises(ValueError, match=r"does not hold the pixel size: pass pixel_size="):
        file.alignment(attrs.evolve(SIZES, pixel_size=None))


def test_binning_of_command_files_is_not_overruled(tmp_path, rng):
    """A voxel size is what tells the binning only where no command file does."""
    files(tmp_path, rng, command="$tilt\nTILTFILE a.tlt\nTHICKNESS 30\n")
    with pytest.raises(ValueError, match="voxel_size must be 1 times pixel_size"):
        ImodAlignment.read(tmp_path).alignment(attrs.evolve(SIZES, voxel_size=4.0))
    file = ImodAlignment.read(tmp_path, aligned=True)
    with pytest.raises(ValueError, match="voxel_size must be 1 times pixel_size"):
        file.alignment(attrs.evolve(SIZES, voxel_size=7.0))


@pytest.mark.parametrize("lines", ["THICKNESS 3\nIMAGEBINNED 4", "THICKNESS 8\nSLICE 20 10"])
def test_a_tomogram_of_nothing_is_refused_by_the_file(tmp_path, rng, lines):
    files(tmp_path, rng, command=f"$tilt\nTILTFILE a.tlt\n{lines}\n", newstack=None)
    with pytest.raises(ValueError, match=r"tilt\.com makes an empty tomogram, .*: check THICKNESS"):
        ImodAlignment.read(tmp_path).alignment(SIZES)


def test_an_aligned_stack_has_no_transforms_to_write_like(tmp_path, rng):
    files(tmp_path, rng)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    like = ImodAlignment.read(tmp_path, aligned=True)
    with pytest.raises(ValueError, match="like is for the aligned stack and has no transforms"):
        ImodAlignment.from_alignment(alignment, like=like)


def test_numbers_are_kept_apart_by_commas_or_blanks(tmp_path):
    path = tmp_path / "tilt.com"
    path.write_text(
        "$tilt\nSHIFT=1.5,2\nOFFSET  3 # degrees\nFULLIMAGE 10 , 20\nTHICKNESS = 7\nPERPENDICULAR\n"
    )
    setup = TiltSetup.from_command(CommandFile.read(path, TILT))
    assert (setup.shift, setup.offset, setup.full_image) == ((1.5, 2.0), (3.0, 0.0), (10, 20))
    assert (setup.thickness, setup.others) == (7, ("PERPENDICULAR",))
    assert NewstackSetup().size is None


@pytest.mark.parametrize(
    "stack", ["TS.1.ali", "/data/TS.1_ali.mrc", "TS.1.mrc", "TS.1.st", "TS.1.TLT", "TS.1.other"]
)
def test_the_root_of_a_stack_is_its_name_without_the_endings_of_imod(stack):
    assert _root_name(stack) == "TS.1"
