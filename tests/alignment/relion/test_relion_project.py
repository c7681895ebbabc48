"""RELION-5: series before alignment, how they were taken, and projects that are written."""

import attrs
import mrcfile
import numpy as np
import pytest
from click.testing import CliRunner
from random_alignments import everything, random_alignment
from test_relion import GLOBAL, series

import libtilt.io.atomic
from libtilt.alignment import (
    Acquisition,
    RelionAlignment,
    Sizes,
    open_alignment,
    read_alignment_file,
    save_alignment,
)
from libtilt.alignment.relion.star import read_star
from libtilt.cli import app

NOMINAL = """\
data_TS_1
loop_
_rlnMicrographMovieName #1
_rlnTomoTiltMovieFrameCount #2
_rlnTomoNominalStageTiltAngle #3
_rlnTomoNominalTiltAxisAngle #4
_rlnMicrographPreExposure #5
f_0.mrc 6 -3.01 85.0 6.0
f_1.mrc 6 0.02 85.0 0.0
f_2.mrc 6 2.99 84.5 3.0
"""
SIZES = {"stack_shape": (3, 40, 40), "pixel_size": 2.0}
OPTICS = Acquisition(
    voltage=300, spherical_aberration=2.7, amplitude_contrast=0.1, hand=-1, exposures=[3.0] * 5,
    times=[2, 1, 0, 3, 4],
)  # fmt: skip


def test_series_before_alignment_has_nominal_angles_with_a_warning(tmp_path):
    path = tmp_path / "TS_1.star"
    path.write_text(NOMINAL)
    with pytest.warns(UserWarning, match=r"TS_1\.star is not aligned yet; using its nominal"):
        made = open_alignment(path, **SIZES)
    assert np.allclose(made.geometry.tilt_angles, [-3.01, 0.02, 2.99])
    assert np.allclose(made.geometry.tilt_axis_angles, [85, 85, 84.5])
    assert np.abs(made.geometry.shifts).max() < 1e-9
    assert made.acquisition.pre_exposures.tolist() == [6, 0, 3]
    assert made.acquisition.order.tolist() == [2, 0, 1]


def test_a_given_tilt_axis_is_not_said_to_be_that_of_the_file(tmp_path):
    path = tmp_path / "TS_1.star"
    path.write_text(NOMINAL)
    with pytest.warns(UserWarning, match=r"using its nominal tilt angles, and shifts of zero$"):
        open_alignment(path, **SIZES, tilt_axis_angle=12)


def test_the_sample_before_alignment_is_read(shared_data):
    with pytest.warns(UserWarning, match="is not aligned yet"):
        made = open_alignment(shared_data / "cases" / "relion_nominal_only.star", **SIZES)
    assert np.allclose(made.geometry.tilt_angles, [-3, 0, 3])
    assert np.allclose(made.geometry.tilt_axis_angles, 85)
    assert np.abs(made.geometry.shifts).max() < 1e-9


def test_missing_tilt_axis_is_required(tmp_path):
    path = tmp_path / "TS_1.star"
    path.write_text(NOMINAL.replace("_rlnTomoNominalTiltAxisAngle", "_rlnOther"))
    with pytest.raises(ValueError, match=r"does not hold the tilt axis angle: pass tilt_axis"):
        open_alignment(path, **SIZES)
    with pytest.warns(UserWarning, match="is not aligned yet"):
        made = open_alignment(path, **SIZES, tilt_axis_angle=12)
    assert np.allclose(made.geometry.tilt_axis_angles, 12)


@pytest.mark.parametrize(
    "label", ["XTilt", "YTilt", "ZRot", "XShiftAngst", "YShiftAngst"]
)  # fmt: skip
def test_tables_that_are_aligned_by_half_are_refused(tmp_path, label):
    path = tmp_path / "a.star"
    content = series(n=3)[0].replace(f"_rlnTomo{label} ", "_rlnTomoNominalStageTiltAngle ")
    path.write_text(content)
    with pytest.raises(
        ValueError, match=rf"a\.star has no _rlnTomo{label} .*: add the missing columns"
    ):
        open_alignment(path, **SIZES)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-3.01 85.0", "-193 85.0", r"line 8, rlnTomoNominalStage.*a tilt angle from -180 to 180"),
        ("-3.01 85.0", "-3 385.0", r"line 8, rlnTomoNominalTiltAxis.*tilt axis angle from -360"),
        ("-3.01 85.0", "nan 85.0", r"line 8, rlnTomoNominalStageTiltAngle: expected a finite"),
        ("85.0 6.0", "85.0 -6.0", r"line 8, rlnMicrographPreExposure: expected an exposure of at"),
    ],
)
def test_impossible_numbers_are_refused_by_line(tmp_path, old, new, message):
    path = tmp_path / "a.star"
    path.write_text(NOMINAL.replace(old, new))
    with pytest.raises(ValueError, match=message):
        open_alignment(path, **SIZES)


def test_the_table_of_all_series_says_how_they_were_taken(tmp_path):
    (tmp_path / "tilt_series").mkdir()
    (tmp_path / "tilt_series" / "TS_1.star").write_text(series()[0])
    path = tmp_path / "tomograms.star"
    labels = (
        "_rlnVoltage #7\n_rlnSphericalAberration #8\n_rlnAmplitudeContrast #9\n_rlnTomoHand #10\n"
    )
    head = GLOBAL[: GLOBAL.index("TS_1 ")] + labels
    row = "TS_1 2.5 41 36 21 tilt_series/TS_1.star 300.000000 2.700000 0.1 -1.00000\n"
    path.write_text(head + row)
    taken = open_alignment(path, stack_shape=(4, 36, 41)).acquisition
    assert (taken.voltage, taken.spherical_aberration) == (300, 2.7)
    assert (taken.amplitude_contrast, taken.hand) == (0.1, -1)
    assert taken.pre_exposures.tolist() == [3.0] * 4
    assert taken.times is None
    path.write_text(head + row.replace("-1.00000", "0.5"))
    with pytest.raises(ValueError, match=r"tomograms\.star, line 14, rlnTomoHand: hand must be"):
        open_alignment(path, stack_shape=(4, 36, 41))


def test_pixel_size_of_the_movies_gives_a_warning(tmp_path):
    path = tmp_path / "tilt_series.star"
    path.write_text(
        "data_global\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesStarFile\n"
        "_rlnMicrographOriginalPixelSize\nTS_1 TS_1.star 2.0\n"
    )
    (tmp_path / "TS_1.star").write_text(series()[0])
    with pytest.warns(UserWarning, match=r"no .*; using 2 Å, the rlnMicrographOriginalPixelSize"):
        open_alignment(path, stack_shape=(4, 36, 41))


def written(tmp_path, alignment, **options):
    return save_alignment(alignment, tmp_path / "project" / "tomograms.star", **options)


@pytest.mark.parametrize("alignment", [random_alignment(), everything()])
def test_a_project_comes_back(tmp_path, alignment):
    alignment = attrs.evolve(alignment, acquisition=OPTICS, stack_name="raw/TS_07.mrc")
    path = written(tmp_path, alignment)
    again = open_alignment(path, **attrs.asdict(alignment.sizes))
    assert alignment.distance(again) < 1e-4
    assert (again.acquisition.voltage, again.acquisition.hand) == (300, -1)
    assert again.acquisition.pre_exposures.tolist() == [6, 3, 0, 9, 12]
    assert again.acquisition.order.tolist() == [2, 1, 0, 3, 4]
    row = read_star(path)["global"]
    assert row.column("rlnTomoTiltSeriesStarFile") == ["tilt_series/TS_07.star"]
    beside = open_alignment(
        path.parent / "tilt_series" / "TS_07.star", **attrs.asdict(alignment.sizes)
    )
    assert again.distance(beside) == 0


def test_a_project_is_as_starfile_reads_it(tmp_path):
    starfile = pytest.importorskip("starfile")
    alignment = attrs.evolve(random_alignment(), acquisition=OPTICS, stack_name="TS_07.mrc")
    path = written(tmp_path, alignment)
    row = starfile.read(path).iloc[0]
    assert row["rlnTomoName"] == "TS_07"
    names = ("Voltage", "SphericalAberration", "AmplitudeContrast", "TomoHand")
    assert [row[f"rln{name}"] for name in names] == [300, 2.7, 0.1, -1]
    assert row["rlnTomoTiltSeriesPixelSize"] == row["rlnMicrographOriginalPixelSize"] == 1.37
    assert [row[f"rlnTomoSize{axis}"] for axis in "XYZ"] == [40, 36, 42]
    tilts = starfile.read(path.parent / row["rlnTomoTiltSeriesStarFile"])
    geometry = alignment.geometry
    assert np.allclose(tilts["rlnTomoYTilt"], geometry.tilt_angles, atol=1e-8)
    assert np.allclose(tilts["rlnTomoNominalTiltAxisAngle"], geometry.tilt_axis_angles, atol=1e-8)
    assert tilts["rlnMicrographPreExposure"].tolist() == [6, 3, 0, 9, 12]
    assert tilts["rlnMicrographName"][1] == "000002@TS_07.mrc"
    text = path.read_text()
    assert "# version 50001\n\ndata_global\n" in text


def test_unknown_optics_are_left_out_and_named(tmp_path):
    path = written(tmp_path, random_alignment())
    row = read_star(path)["global"]
    assert not {"rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast", "rlnTomoHand"} & {
        *row.labels
    }
    file = RelionAlignment.from_alignment(random_alignment())
    missing = " ".join(file.missing_for_relion)
    for what in ("rlnVoltage: ", "rlnTomoHand: ", "rlnMicrographPreExposure: ", "rlnDefocusU, "):
        assert what in missing
    assert "one file per image" in missing
    known = attrs.evolve(random_alignment(), acquisition=OPTICS)
    few = " ".join(RelionAlignment.from_alignment(known).missing_for_relion)
    assert "rlnVoltage" not in few
    assert "PreExposure" not in few


def test_other_columns_and_labels_of_a_project_are_kept(tmp_path):
    (tmp_path / "tilt_series").mkdir()
    plain = series()[0].replace("@TS_1.mrc", "_m.mrc").replace("_rlnMicrographPreExp", "_rlnDef")
    (tmp_path / "tilt_series" / "TS_1.star").write_text(plain)
    path = tmp_path / "tomograms.star"
    head = GLOBAL[: GLOBAL.index("TS_1 ")] + "_rlnMtfFileName #7\n"
    path.write_text(head + "TS_1 2.5 41 36 21 tilt_series/TS_1.star mtf.star\n")
    file = read_alignment_file(path)
    made = file.alignment(Sizes(stack_shape=(4, 36, 41)))
    again = read_star(written(tmp_path, made, like=file))["global"]
    assert again.column("rlnMtfFileName") == ["mtf.star"]
    tilts = read_star(tmp_path / "project" / "tilt_series" / "TS_1.star")["TS_1"]
    assert tilts.column("rlnMicrographName")[3] == "4_m.mrc"


def test_a_project_of_other_series_is_not_replaced_unasked(tmp_path):
    path = written(tmp_path, attrs.evolve(random_alignment(), stack_name="one.mrc"))
    before = path.read_bytes()
    other = attrs.evolve(random_alignment(1), stack_name="two.mrc")
    with pytest.raises(
        FileExistsError, match=r"already exists and lists the series one; pass overwrite=True"
    ):
        written(tmp_path, other)
    assert path.read_bytes() == before
    assert [file.name for file in (path.parent / "tilt_series").iterdir()] == ["one.star"]
    written(tmp_path, other, overwrite=True)
    assert read_star(path)["global"].column("rlnTomoName") == ["two"]


def test_a_project_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def refuse(source, target):
        if target.name == "tomograms.star":
            raise OSError(28, "no space left")
        return real(source, target)

    real = libtilt.io.atomic._link
    monkeypatch.setattr(libtilt.io.atomic, "_link", refuse)
    with pytest.raises(OSError, match="no space left"):
        written(tmp_path, random_alignment())
    assert not (tmp_path / "project").exists()


def test_micrographs_are_named_from_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project" / "raw").mkdir(parents=True)
    (tmp_path / "project" / "raw" / "TS_07.mrc").write_bytes(b"x")
    alignment = attrs.evolve(random_alignment(), stack_name="project/raw/TS_07.mrc")
    path = save_alignment(alignment, "project/tomograms.star")
    tilts = read_star(path.parent / "tilt_series" / "TS_07.star")["TS_07"]
    assert tilts.column("rlnMicrographName")[0] == "000001@raw/TS_07.mrc"


def test_names_are_from_the_root_of_a_project_that_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("Import/job001", "raw", "elsewhere"):
        (tmp_path / "project" / folder).mkdir(parents=True)
    (tmp_path / "project" / "raw" / "TS_07.mrc").write_bytes(b"x")
    alignment = attrs.evolve(random_alignment(), stack_name="project/raw/TS_07.mrc")
    path = save_alignment(alignment, "project/Import/job001/tomograms.star")
    file = read_star(path)["global"].column("rlnTomoTiltSeriesStarFile")[0]
    assert file == "Import/job001/tilt_series/TS_07.star"
    tilts = read_star(tmp_path / "project" / file)["TS_07"]
    assert tilts.column("rlnMicrographName")[0] == "000001@raw/TS_07.mrc"
    assert read_alignment_file(path).tilts.name == "TS_07"
    # Without a known project, the table's folder is its root, and the stack lies outside.
    path = save_alignment(alignment, "project/elsewhere/tomograms.star")
    tilts = read_star(path.parent / "tilt_series" / "TS_07.star")["TS_07"]
    absolute = tmp_path / "project" / "raw" / "TS_07.mrc"
    assert tilts.column("rlnMicrographName")[0] == f"000001@{absolute}"


@pytest.mark.parametrize("where", ["raw.mrc", "project/raw.mrc"])
def test_a_project_is_converted_back_without_naming_the_stack(tmp_path, where):
    (tmp_path / "project").mkdir()
    stack = tmp_path / where
    mrcfile.write(stack, np.zeros((7, 37, 40), np.float32), voxel_size=1.37)
    alignment = random_alignment()
    source = save_alignment(alignment, tmp_path / "a.star")
    target = tmp_path / "project" / "tomograms.star"
    sizes = ["--volume-shape", 42, 36, 40]

    def run(*arguments):
        result = CliRunner().invoke(app, [str(one) for one in ("convert", *arguments)])
        assert result.exit_code == 0, result.output
        return result.output

    output = run(source, target, "--stack", stack, *sizes)
    series = target.parent / "tilt_series" / "raw.star"
    name = read_star(series)["raw"].column("rlnMicrographName")[0].partition("@")[2]
    assert name == (str(stack) if where == "raw.mrc" else "raw.mrc")
    assert f"images of one stack are written instead, N@{name}\n" in output
    run(target, tmp_path / "back.aln")
    again = open_alignment(target)
    assert again.stack_shape == (7, 37, 40)
    made = attrs.evolve(alignment, volume_shape=(42, 36, 40), voxel_size=1.37)
    assert made.distance(again) < 1e-3


def test_the_size_of_a_series_is_that_of_the_images_it_names(tmp_path):
    names = [f"image_{n}.mrc" for n in range(3)]
    rows = "\n".join(f"{name} {3 * n} 85 {n}" for n, name in enumerate(names))
    (tmp_path / "a.star").write_text(
        "data_a\nloop_\n_rlnMicrographName\n_rlnTomoNominalStageTiltAngle\n"
        f"_rlnTomoNominalTiltAxisAngle\n_rlnMicrographPreExposure\n{rows}\n"
    )
    with pytest.raises(ValueError, match="does not hold the size of the stack"):
        open_alignment(tmp_path / "a.star", pixel_size=2.0)
    mrcfile.write(tmp_path / names[0], np.zeros((30, 20), np.float32))
    with pytest.warns(UserWarning, match="not aligned yet"):
        assert open_alignment(tmp_path / "a.star", pixel_size=2.0).stack_shape == (3, 30, 20)


def test_matrices_are_written_for_magnifications_above_the_digits_of_files(tmp_path):
    alignment = random_alignment()
    for size, written in ((6e-7, False), (1e-5, True)):
        geometry = alignment.geometry.evolve(magnifications=np.eye(2) * (1 + size))
        file = RelionAlignment.from_alignment(attrs.evolve(alignment, geometry=geometry))
        assert file.has_matrices == written


def test_command_line_gives_the_optics_and_lists_missing_values(tmp_path):
    alignment = random_alignment()
    with pytest.warns(UserWarning, match="excluded images are unknown \\(2\\); interpolating"):
        source = save_alignment(alignment, tmp_path / "a.aln")
    arguments = ["convert", source, tmp_path / "tomograms.star", "--stack-shape", 7, 37, 40]
    arguments += ["--pixel-size", 1.37, "--volume-shape", 42, 36, 40, "--hand", -1]
    arguments += ["--voltage", 300, "--amplitude-contrast", 0.07]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    assert "RELION still requires rlnSphericalAberration" in result.output
    assert "(--spherical-aberration)" in result.output
    assert "wants rlnVoltage" not in result.output
    again = open_alignment(tmp_path / "tomograms.star", stack_shape=(7, 37, 40))
    assert (again.acquisition.hand, again.acquisition.amplitude_contrast) == (-1, 0.07)


def test_tables_of_many_labels_are_read(tmp_path):
    path = tmp_path / "a.star"
    labels = "\n".join(f"_label{n} #{n}" for n in range(20_000))
    path.write_text(f"data_a\nloop_\n{labels}\n" + " ".join(["1"] * 20_000) + "\n")
    block = read_star(path)["a"]
    assert all(block.integers(f"label{n}") == [1] for n in range(0, 20_000, 7))


def test_a_thousand_mutations_are_read_or_refused_by_name(tmp_path):
    rng = np.random.default_rng(5)
    sources = [NOMINAL, series(n=3)[0], GLOBAL + "\n" + NOMINAL, GLOBAL + series(n=3)[0]]
    pieces = [
        b"",
        b"nan",
        b"1e999",
        b"_",
        b"data_global\n",
        b"loop_\n",
        b'"',
        b"\0",
        b"\xff",
        b"-1@",
    ]
    pieces += [b"9" * 400, b"../", b"/etc/passwd.star", b"[1,2,3,4]", b"#", b" ", b"\n"]
    sizes = Sizes(stack_shape=(3, 40, 40), pixel_size=2.5, volume_shape=(9, 9, 9))
    for number in range(1000):
        path = tmp_path / f"{number % 7}.star"
        content = sources[number % len(sources)].encode()
        for _ in range(rng.integers(1, 4)):
            place, length = rng.integers(0, len(content) + 1), rng.integers(0, 30)
            piece = pieces[rng.integers(len(pieces))]
            content = content[:place] + piece + content[place + length :]
        path.write_bytes(content)
        message = str(path)
        try:
            RelionAlignment.read(path).alignment(sizes)
        except (ValueError, FileNotFoundError) as error:
            message = str(error)
        assert str(path) in message
