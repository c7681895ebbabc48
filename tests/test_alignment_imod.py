"""IMOD's files: against the formulas written out, on samples and on random alignments."""

import attrs
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from libtilt import Projector, TiltSeries
from libtilt.alignment import ImodAlignment, Sizes
from libtilt.alignment.imod_com import CommandFile
from libtilt.alignment.imod_newstack import NewstackSetup
from libtilt.alignment.imod_options import TILT
from libtilt.alignment.imod_tilt import TiltSetup

SAMPLES = {
    "imod_bb": (Sizes(stack_shape=(61, 512, 512), pixel_size=10.1), (84, 550, 550), 1),
    "imod_portal": (Sizes(stack_shape=(59, 3832, 3708), pixel_size=1.5), (500, 958, 928), 4),
    "imod_etomo": (
        Sizes(stack_shape=(40, 4092, 5760), pixel_size=1.35, volume_shape=(301, 4092, 5760)),
        (301, 4092, 5760),
        1,
    ),
}
COMMAND = """\
# made by hand
$setenv IMOD_OUTPUT_FORMAT MRC
$tilt -StandardInput
InputProjections a.ali
tiltfile a.tlt
XTILTFILE a.xtilt
Thickness 31
FULLIMAGE 41,36
SUBSETSTART  -2 , 3
OFFSET 2.5 1.25
SHIFT 3.5 -4.5
XAXISTILT 1.5
# EXCLUDELIST 3
EXCLUDELIST 2,4-5
EXCLUDELIST2 7
DONE
THICKNESS 998
$if (-e ./savework) ./savework
THICKNESS 999
"""
NEWSTACK = """\
$newstack -StandardInput
TransformFile a.xf
SizeToOutputInXandY 45,30
"""


def turn(beta, alpha):
    """``Ry(beta) Rx(alpha)``, written out."""
    b, a = np.radians([beta, alpha])
    about_y = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    return np.array(about_y) @ about_x


def transcribed(points, xf, beta, alpha, centres, binning, aligned_size, raw_size):
    """Tomogram voxels (x, y, z after trimvol -rx) to raw pixels, one view, by IMOD's formulas."""
    image_centre, volume_centre = centres
    turned = (turn(beta, alpha) @ (points - volume_centre).T).T[:, :2]
    aligned = turned + image_centre
    a, d = np.reshape(xf[:4], (2, 2)), np.array(xf[4:])
    centred = binning * (aligned - (np.array(aligned_size) - 1) / 2) - d
    return (np.linalg.inv(a) @ centred.T).T + (np.array(raw_size) - 1) / 2


def files(folder, rng, n=8, command=COMMAND, newstack=NEWSTACK):
    xf = rng.normal(size=(n, 6)) * [0.02, 0.02, 0.02, 0.02, 5, 5] + [0.9, 0.4, -0.4, 0.9, 0, 0]
    tables = {"xf": xf, "tlt": np.linspace(-55, 50, n)[:, None], "xtilt": rng.normal(size=(n, 1))}
    for suffix, table in tables.items():
        np.savetxt(folder / f"a.{suffix}", table, fmt="%14.8f")
    (folder / "tilt.com").write_text(command)
    if newstack:
        (folder / "newst.com").write_text(newstack)
    return [np.loadtxt(folder / f"a.{suffix}") for suffix in tables]


def projected(alignment, points):
    return np.concatenate([points, np.ones((len(points), 1))], 1) @ (
        alignment.projection_matrices().transpose(0, 2, 1)
    )


SIZES = Sizes(stack_shape=(8, 36, 41), pixel_size=2.0)


def test_points_agree_with_the_formulas_written_out(tmp_path, rng):
    xf, tlt, xtilt = files(tmp_path, rng)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    assert alignment.views.tolist() == [0, 2, 5, 7]
    assert alignment.volume_shape == (31, 30, 45)
    image_centre = [(41 - 1) / 2 + 2 + 1.25, (36 - 1) / 2 - 3]
    depth = 31 // 2 - 0.5 - 4.5
    volume_centre = [45 // 2 - 0.5 + 1.25 + 3.5, (36 - 1) / 2 - 3, 31 - 1 - depth]
    points = rng.uniform(0, 40, (20, 3))
    for seen, view in zip(projected(alignment, points), alignment.views, strict=True):
        expected = transcribed(
            points, xf[view], tlt[view] + 2.5, xtilt[view] - 1.5,
            (image_centre, volume_centre), 1, (45, 30), (41, 36),
        )  # fmt: skip
        assert np.abs(seen - expected).max() < 1e-9


@pytest.mark.parametrize(("binning", "middle"), [(2, 19.5), (3, 20.0), (4, 19.5), (2, 20), (4, 20)])
def test_a_binned_tomogram_is_reckoned_with_the_integers_of_tilt(tmp_path, rng, binning, middle):
    """Of 41 columns plain binning makes 21, 15 or 11 from -1 or -2 on, of another middle."""
    command = COMMAND.replace("Thickness 31", f"THICKNESS 63\nWIDTH 43\nIMAGEBINNED {binning}")
    newstack = NEWSTACK.replace("45,30", "23,15") + f"BinByFactor {binning}\n"
    newstack += "AntialiasFilter -1\n" if middle == 20 else ""
    xf, tlt, xtilt = files(tmp_path, rng, command=command, newstack=newstack)
    alignment = ImodAlignment.read(tmp_path / "tilt.com").alignment(SIZES)
    depth, width = 63 // binning, 43 // binning
    assert alignment.volume_shape == (depth, 15, width)
    assert alignment.voxel_size == 2.0 * binning
    full = [-(-41 // binning), -(-36 // binning)]
    start = [int(-2 / binning), 3 // binning]
    axis = 1.25 / binning
    image_centre = [(full[0] - 1) / 2 - start[0] + axis, (full[1] - 1) / 2 - start[1]]
    z = depth - 1 - (depth // 2 - 0.5 - 4.5 / binning)
    volume_centre = [width // 2 - 0.5 + axis + 3.5 / binning, image_centre[1], z]
    points = rng.uniform(0, 20, (20, 3))
    for seen, view in zip(projected(alignment, points), alignment.views, strict=True):
        expected = transcribed(
            points, xf[view], tlt[view] + 2.5, xtilt[view] - 1.5,
            (image_centre, volume_centre), binning, (23, 15), (2 * middle + 1, 36),
        )  # fmt: skip
        assert np.abs(seen - expected).max() < 1e-9


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_agree_with_the_formulas_and_come_back(sample, shared_data, tmp_path, rng):
    folder = shared_data / "alignments" / sample
    sizes, shape, binning = SAMPLES[sample]
    file = ImodAlignment.read(folder)
    alignment = file.alignment(sizes)
    assert (alignment.volume_shape, alignment.voxel_size) == (shape, sizes.pixel_size * binning)
    tables = [sorted(folder.glob(f"*.{suffix}"))[0] for suffix in ("xf", "tlt", "xtilt")]
    xf, tlt, xtilt = map(np.loadtxt, tables)
    full, start = {
        "imod_bb": ((512, 512), (-19, -19)),
        "imod_portal": ((927, 958), (0, 0)),
        "imod_etomo": ((5760, 4092), (0, 0)),
    }[sample]
    depth, height, width = shape
    image_centre = [(size - 1) / 2 - first for size, first in zip(full, start, strict=True)]
    volume_centre = [width // 2 - 0.5, image_centre[1], depth - 1 - (depth // 2 - 0.5)]
    points = rng.uniform(0, 1, (20, 3)) * [width, height, depth]
    x_axis_tilt = 1.94 if sample == "imod_bb" else 0
    for seen, view in zip(projected(alignment, points), alignment.views, strict=True):
        expected = transcribed(
            points, xf[view], tlt[view], xtilt[view] - x_axis_tilt, (image_centre, volume_centre),
            binning, (width, height), sizes.stack_shape[:0:-1],
        )  # fmt: skip
        assert np.abs(seen - expected).max() < 1e-9
    again = ImodAlignment.from_alignment(alignment, like=file)
    for table in ("transforms", "tilt_angles", "x_tilts"):
        assert np.abs(getattr(again, table) - getattr(file, table)).max() < 1e-9
    ImodAlignment.from_alignment(alignment).write(tmp_path / "new.xf")
    written = ImodAlignment.read(tmp_path / "new.xf").alignment(alignment.sizes)
    assert alignment.distance(written) < 1e-5


@pytest.mark.parametrize("sizes", [(40, 36), (41, 35)])
@pytest.mark.parametrize("thickness", [20, 21])
@pytest.mark.parametrize("binning", [1, 2])
def test_the_adjoint_of_an_aligned_stack_is_what_tilt_computes(
    tmp_path, rng, sizes, thickness, binning
):
    """Each voxel is the sum of the images, bilinearly, where IMOD's formulas say it lies."""
    nx, ny = sizes
    command = "\n".join(
        [
            "$tilt -StandardInput",
            "TILTFILE a.tlt",
            "XTILTFILE a.xtilt",
            f"IMAGEBINNED {binning}",
            f"THICKNESS {thickness * binning}",
            f"FULLIMAGE {(nx + 3) * binning} {ny * binning}",
            f"SUBSETSTART {binning} 0",
            f"OFFSET 1.5 {0.75 * binning}",
            f"SHIFT {2.25 * binning} {-1.5 * binning}",
            "XAXISTILT 2.25",
            "EXCLUDELIST 3",
        ]
    )
    _, tlt, xtilt = files(tmp_path, rng, n=5, command=command, newstack=None)
    images = rng.normal(size=(5, ny, nx))
    alignment = ImodAlignment.read(tmp_path, aligned=True).alignment(
        Sizes(stack_shape=images.shape, pixel_size=4.0)
    )
    assert alignment.volume_shape == (thickness, ny, nx)
    # IMOD's own indices: the file is y, depth, x, and z is minus depth.
    depth, y, x = np.meshgrid(*(np.arange(n) for n in (thickness, ny, nx)), indexing="ij")
    depth_centre = thickness // 2 - 0.5 - 1.5
    middle = [(nx + 3 - 1) / 2 - 1 + 0.75, (ny - 1) / 2]
    q = np.stack([x - (nx // 2 - 0.5 + 0.75 + 2.25), y - middle[1], depth_centre - depth])
    expected = np.zeros((ny, thickness, nx))
    for view in (0, 1, 3, 4):
        rows = turn(tlt[view] + 1.5, xtilt[view] - 2.25)[:2]
        u, v = np.tensordot(rows, q, 1) + np.reshape(middle, (2, 1, 1, 1))
        expected += bilinear(images[view], u, v).transpose(1, 0, 2)
    series = TiltSeries(images[alignment.views], alignment.geometry, pixel_size=4.0)
    projector = Projector(
        alignment.geometry, driven="voxel", volume_shape=alignment.volume_shape, backend="scipy"
    )
    volume = projector.adjoint(series).data
    assert np.abs(volume - expected.transpose(1, 0, 2)[::-1]).max() < 1e-10 * np.abs(expected).max()


def bilinear(image, u, v):
    """The image at ``(u, v)``, zero beyond its edges and linear toward it."""
    padded = np.pad(image, 2)
    u, v = (np.clip(p + 2, 0, n - 1.001) for p, n in zip((u, v), padded.shape[::-1], strict=True))
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    s, t = u - i, v - j
    upper = (1 - s) * padded[j, i] + s * padded[j, i + 1]
    lower = (1 - s) * padded[j + 1, i] + s * padded[j + 1, i + 1]
    return (1 - t) * upper + t * lower


def test_what_is_written_says_the_same_and_keeps_the_constants(tmp_path, rng):
    files(tmp_path, rng)
    file = ImodAlignment.read(tmp_path)
    alignment = file.alignment(SIZES)
    (tmp_path / "out").mkdir()
    path = ImodAlignment.from_alignment(alignment, like=file).write(tmp_path / "out" / "b.xf")
    again = ImodAlignment.read(path)
    assert alignment.distance(again.alignment(SIZES)) < 1e-5
    assert attrs.evolve(again.tilt, included=frozenset()) == file.tilt
    for table in ("transforms", "tilt_angles", "x_tilts"):
        assert np.abs(getattr(again, table) - getattr(file, table)).max() < 1e-6
    with pytest.raises(FileExistsError, match=r"b\.xf exists|b\.tlt exists"):
        again.write(path)


def test_like_keeps_all_other_lines_of_the_command_files(tmp_path, rng):
    extra = "RADIAL 0.4 0.05\nLOG 0.0\nLOCALFILE a.local\nSCALE 0 1000\n"
    command = COMMAND.replace("FULLIMAGE", extra + "FULLIMAGE")
    files(tmp_path, rng, command=command, newstack=NEWSTACK + "FillValue 3\n")
    file = ImodAlignment.read(tmp_path)
    (tmp_path / "out").mkdir()
    made = ImodAlignment.from_alignment(file.alignment(SIZES), like=file)
    made.write(tmp_path / "out" / "b.xf")
    text = (tmp_path / "out" / "tilt.com").read_text()
    assert all(f"\n{line}\n" in text for line in extra.splitlines())
    assert "MODE" not in text
    assert "FillValue 3" in (tmp_path / "out" / "newst.com").read_text()
    assert ImodAlignment.read(tmp_path / "out").alignment(SIZES).left_out == (
        "local alignments (a.local)",
    )


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
    with pytest.raises(FileExistsError, match=r"tilt\.com is of a\.tlt: IMOD keeps one series"):
        other.write(tmp_path / "b.xf", overwrite=True)
    other.write(tmp_path / "a.xf", overwrite=True)
    alone = attrs.evolve(other, newstack=None)
    with pytest.raises(FileExistsError, match=r"newst\.com would change what a\.xf means"):
        alone.write(tmp_path / "a.xf", overwrite=True)
    assert alignment.distance(ImodAlignment.read(tmp_path / "a.xf").alignment(SIZES)) < 1e-5


def test_some_slices_of_a_tomogram_keep_their_shape(tmp_path, rng):
    command = "$tilt\nTILTFILE a.tlt\nXTILTFILE a.xtilt\nTHICKNESS 16\nSLICE 3 20\n"
    files(tmp_path, rng, command=command, newstack=None)
    file = ImodAlignment.read(tmp_path)
    alignment = file.alignment(SIZES)
    assert alignment.volume_shape == (16, 18, 41)
    again = file.alignment(attrs.evolve(SIZES, volume_shape=(16, 18, 41)))
    assert alignment.distance(again) == 0
    made = ImodAlignment.from_alignment(alignment, like=file)
    assert alignment.distance(made.alignment(SIZES)) < 1e-9


def test_without_command_files_the_tomogram_is_as_the_user_says(tmp_path, rng):
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
    with pytest.raises(ValueError, match=r"several: b\.xf, c\.xf; name the one"):
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
        ("tilt.com", COMMAND.replace("4-5", "1-8"), "leaves out all 8 views"),
        ("tilt.com", COMMAND.replace("tiltfile", "TITLE"), "has no TILTFILE"),
        (
            "tilt.com",
            COMMAND.replace("SHIFT", "SHIT"),
            r"line 11, SHIT: tilt has no option of this",
        ),
        (
            "tilt.com",
            COMMAND.replace("SHIFT", "S"),
            r"line 11, S: may mean THICK|S: may mean SLICE",
        ),
        (
            "newst.com",
            NEWSTACK + "BinByFactor 2\n",
            "IMAGEBINNED 1, but newst.com has BinByFactor 2",
        ),
        ("newst.com", NEWSTACK + "rot 3\n", "line 4, ROT: not supported; put the rotation into"),
    ],
)
def test_files_that_are_not_sound_are_named_with_the_line(tmp_path, rng, file, content, message):
    files(tmp_path, rng)
    (tmp_path / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        ImodAlignment.read(tmp_path)


def test_missing_files_are_named(tmp_path, rng):
    with pytest.raises(FileNotFoundError, match=r"holds no tilt\.com and no \.xf"):
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
    with pytest.raises(
        ValueError, match="stack with 8 images, of which it uses 4, the stack has 9"
    ):
        file.alignment(attrs.evolve(SIZES, stack_shape=(9, 36, 41)))
    with pytest.raises(ValueError, match=r"makes a tomogram .* but volume_shape is"):
        file.alignment(attrs.evolve(SIZES, volume_shape=(30, 30, 45)))
    with pytest.raises(ValueError, match=r"does not say the pixel_size: give pixel_size="):
        file.alignment(attrs.evolve(SIZES, pixel_size=None))


def test_a_binning_that_command_files_say_is_not_overruled(tmp_path, rng):
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
    with pytest.raises(ValueError, match=r"tilt\.com makes a tomogram .* do not fit"):
        ImodAlignment.read(tmp_path).alignment(SIZES)


def test_an_aligned_stack_has_no_transforms_to_write_like(tmp_path, rng):
    files(tmp_path, rng)
    alignment = ImodAlignment.read(tmp_path).alignment(SIZES)
    like = ImodAlignment.read(tmp_path, aligned=True)
    with pytest.raises(ValueError, match="like is of an aligned stack and has no transforms"):
        ImodAlignment.from_alignment(alignment, like=like)


@quick
@given(st.data())
def test_damaged_files_are_read_or_refused_by_name(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    files(folder, np.random.default_rng(1))
    name = data.draw(st.sampled_from(["a.xf", "a.tlt", "a.xtilt", "tilt.com", "newst.com"]))
    content = (folder / name).read_bytes()
    place = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, 12))
    content = content[:place] + data.draw(st.binary(max_size=6)) + content[place + length :]
    (folder / name).write_bytes(content)
    message = ""
    try:
        ImodAlignment.read(folder).alignment(SIZES)
    except (ValueError, FileNotFoundError) as error:
        message = str(error)
    assert not message or str(folder) in message


def test_numbers_are_kept_apart_by_commas_or_blanks(tmp_path):
    path = tmp_path / "tilt.com"
    path.write_text(
        "$tilt\nSHIFT=1.5,2\nOFFSET  3 # degrees\nFULLIMAGE 10 , 20\nTHICKNESS = 7\nPERPENDICULAR\n"
    )
    setup = TiltSetup.from_command(CommandFile.read(path, TILT))
    assert (setup.shift, setup.offset, setup.full_image) == ((1.5, 2.0), (3.0, 0.0), (10, 20))
    assert (setup.thickness, setup.others) == (7, ("PERPENDICULAR",))
    assert NewstackSetup().size is None
