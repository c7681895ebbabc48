"""The commands as a user runs them: what they write, print and refuse."""

import builtins
import re
import signal
import subprocess
import sys
import warnings

import mrcfile
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageSequence

from libtilt import GaussianBlobs, Projector, TiltGeometry, TiltSeries, Volume, __version__
from libtilt.__main__ import main
from libtilt.animations import LOOKS
from libtilt.cli import app
from libtilt.cli.field_options import fields_by_option
from libtilt.errors.installing import pip_install

GEOMETRY = TiltGeometry.from_tilt_angles(range(-60, 61, 3))
RANGE = ["--tilt-range", 0, 2, 1]


@pytest.fixture
def volume(tmp_path):
    volume = GaussianBlobs.random((16, 18, 20), n=5, seed=0).volume((16, 18, 20), voxel_size=2.0)
    return volume.astype("float32").save(tmp_path / "map.mrc")


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    if code and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.mark.parametrize(
    "command",
    [(), ("demo",), ("info",), ("project",), ("backproject",), ("reconstruct",), ("gif",)],
)
def test_help_shows_an_example(command):
    assert (
        "libtilt " + (command[0] if command else "demo")
        in run(*command, "--help").split("Example")[1]
    )


def test_version():
    assert __version__ in run("--version")


def test_the_project_command_agrees_with_the_projector(volume, tmp_path):
    output = run("project", volume, "-o", tmp_path / "tilts.mrc")
    assert "41 images of 18 x 20" in output
    tilts = TiltSeries.open(tmp_path / "tilts.mrc")
    expected = Projector(GEOMETRY).forward(Volume.open(volume))
    assert tilts.geometry == GEOMETRY
    assert tilts.pixel_size == 2.0
    assert np.allclose(tilts.images, expected.images, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "angles"),
    [
        (["--tilt-range", -4, 5, 3], [-4, -1, 2, 5]),
        (["--tilt-range", -0.3, 0.3, 0.1], [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        (["--tilt-range", 7, 7, 1], [7]),
    ],
)
def test_a_tilt_range_includes_its_last_angle(volume, tmp_path, options, angles):
    run("project", volume, *options, "-o", tmp_path / "tilts.mrc")
    found = TiltSeries.open(tmp_path / "tilts.mrc").geometry.tilt_angles
    assert np.allclose(found, angles)


def test_angles_from_a_file_and_the_tilt_axis_angle(volume, tmp_path):
    (tmp_path / "a.tlt").write_text("-10\n0\n20\n")
    options = ["--tlt", tmp_path / "a.tlt", "--tilt-axis-angle", 85]
    run("project", volume, *options, "-o", tmp_path / "tilts.st")
    geometry = TiltSeries.open(tmp_path / "tilts.st").geometry
    assert geometry == TiltGeometry.from_tilt_angles([-10, 0, 20], tilt_axis_angle=85)


@pytest.mark.parametrize("driven", ["ray", "voxel"])
def test_the_backproject_command_agrees_with_the_adjoint(volume, tmp_path, driven):
    tilts = Projector(GEOMETRY).forward(Volume.open(volume))
    path = tilts.save(tmp_path / "tilts.mrc")
    options = ["--thickness", 12, "--driven", driven]
    run("backproject", path, *options, "-o", tmp_path / "tomogram.mrc")
    tomogram = Volume.open(tmp_path / "tomogram.mrc")
    expected = Projector(GEOMETRY, volume_shape=(12, 18, 20), driven=driven).adjoint(tilts)
    assert tomogram.voxel_size.tolist() == [2, 2, 2]
    assert np.allclose(tomogram.data, expected.data, rtol=1e-5, atol=1e-4)


def test_info_of_a_volume_and_of_a_stack(volume, tmp_path):
    output = run("info", volume)
    assert "volume, according to its header" in output
    assert "16 x 18 x 20" in output
    assert "2 Å" in output
    run("project", volume, "-o", tmp_path / "tilts.mrc")
    output = run("info", tmp_path / "tilts.mrc")
    assert "tilt series, geometry from" in output
    assert "tilts.json" in output


def test_info_counts_nonfinite_values_and_prints_notes(tmp_path):
    data = np.ones((2, 3, 4), np.float32)
    data[0, 0, :2] = np.nan
    path = Volume(data).save(tmp_path / "a.mrc")
    with mrcfile.open(path, "r+", permissive=True) as file:
        file.header.mapc = 9
    output = run("info", path)
    assert "2 values" in output
    assert "axis order" in output


def milliseconds(path):
    """Total time of a GIF, whose encoder joins equal frames into one longer one."""
    with Image.open(path) as image:
        assert image.size[0] == 40
        return sum(frame.info["duration"] for frame in ImageSequence.Iterator(image))


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        ([], 16 + 14),
        (["--axis", "x"], 20 + 18),
        *((["--look", "spin", "--axis", axis, "--count", 9], 9) for axis in "zyx"),
    ],
)
def test_gif_of_a_volume(volume, tmp_path, options, frames):
    run("gif", volume, *options, "-o", tmp_path / "a.gif", "--width", 40, "--fps", 10)
    assert milliseconds(tmp_path / "a.gif") == 100 * frames


def test_gif_of_a_stack_with_angles_is_its_tilts(volume, tmp_path):
    run("project", volume, "--tilt-range", -60, 60, 20, "-o", tmp_path / "tilts.mrc")
    run("gif", tmp_path / "tilts.mrc", "-o", tmp_path / "a.gif", "--width", 40, "--fps", 10)
    assert milliseconds(tmp_path / "a.gif") == 100 * (7 + 5)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["project", "{map}", "-o", "{dir}/a.txt"], 1, "must end with one of .mrc"),
        (
            ["project", "{map}", "-o", "{map}"],
            1,
            "map.mrc already exists; use --overwrite to replace it\n",
        ),
        (["project", "{map}", "-o", "{dir}/no/a.mrc"], 1, "does not exist"),
        (["project", "{dir}/no.mrc", "-o", "{dir}/a.mrc"], 2, "does not exist"),
        (["project", "{map}", "-o", "{dir}/a.mrc", "--backend", "gpu"], 2, "choose from auto"),
        (["project", "{map}", "-o", "{dir}/a.mrc", "--tilt-range", 9, 1, 1], 2, "must increase"),
        (["project", "{map}", "-o", "{dir}/a.mrc", "--tilt-range", 0, 9, 0], 2, "must increase"),
        (["project", "{map}", "-o", "{dir}/a.mrc", "--voxel-size", -1], 1, "--voxel-size must be"),
        (["project", "{text}", "-o", "{dir}/a.mrc"], 1, "text.mrc is a text file, not an image\n"),
        (["backproject", "{map}", "-o", "{dir}/a.mrc"], 1, "no tilt angles beside"),
        (
            ["backproject", "{map}", "--tilt-range", 0, 2, 1, "-o", "{dir}/a.mrc"],
            1,
            "has 16 images",
        ),
        (["backproject", "{map}", "--thickness", 0, "-o", "{dir}/a.mrc"], 2, "thickness"),
        (["gif", "{map}", "-o", "{dir}/a.webm"], 1, "must end with .gif, .png, .apng, .webp, .mp4"),
        (
            ["gif", "{map}", "-o", "{dir}/a.gif", "--cmap", "gray9"],
            1,
            "cmap must be the name of a matplotlib color map",
        ),
        (["gif", "{map}", "-o", "{dir}/no/a.gif"], 1, "does not exist"),
        (["gif", "{map}", "-o", "{dir}/a.gif", "--limits", 2, 1], 1, "--limits must be two"),
        (
            ["gif", "{map}", "-o", "{dir}/a.gif", "--label", "a", "--label", "b"],
            2,
            "pass one --label per input: expected",
        ),
        (["gif", "{map}", "-o", "{dir}/a.gif", "--before-after"], 2, "takes two volumes"),
        (
            ["gif", "{map}", "-o", "{dir}/a.gif", "--level", 2],
            2,
            "--level belongs to --look spin, not to slices",
        ),
        (
            ["gif", "{map}", "-o", "{dir}/a.gif", "--count", 3],
            2,
            "--count belongs to --look spin, not",
        ),
        (
            ["gif", "{map}", "-o", "{dir}/a.gif", "--look", "tilts", "--axis", "x"],
            2,
            "--axis belongs to",
        ),
        (["demo", "--map", "{map}", "--emdb", 1], 2, "not both"),
    ],
)
def test_wrong_commands_print_one_line_and_leave_no_file(
    volume, tmp_path, arguments, code, message
):
    text = tmp_path / "text.mrc"
    text.write_text("not a map " * 200)
    before = sorted(tmp_path.iterdir())
    places = {"map": volume, "dir": tmp_path, "text": text}
    output = run(*(str(argument).format(**places) for argument in arguments), code=code)
    assert message in output
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    assert output.endswith(f"(libtilt {arguments[0]} --help)\n") == (code == 2)
    assert sorted(tmp_path.iterdir()) == before


def test_tlt_and_tilt_range_together_are_refused(volume, tmp_path):
    (tmp_path / "a.tlt").write_text("0\n")
    options = ["--tlt", tmp_path / "a.tlt", "--tilt-range", 0, 1, 1, "-o", tmp_path / "b.mrc"]
    assert "not both" in run("project", volume, *options, code=2)


def test_an_unusual_header_gives_one_line_of_warning(tmp_path):
    path = Volume(np.ones((4, 4, 4), np.float32)).save(tmp_path / "a.mrc")
    with mrcfile.open(path, "r+") as file:
        file.voxel_size = 0
    output = run("project", path, "-o", tmp_path / "tilts.mrc")
    assert sum(line.startswith("warning: ") for line in output.splitlines()) == 1


def test_a_memory_error_is_one_line(volume, tmp_path, monkeypatch):
    def explode(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Projector, "forward", explode)
    output = run("project", volume, "-o", tmp_path / "tilts.mrc", code=1)
    assert "error: not enough memory" in output


def test_the_demo_refuses_a_flat_map_by_name(tmp_path):
    path = Volume(np.ones((8, 8, 8), np.float32), voxel_size=2.0).save(tmp_path / "flat.mrc")
    result = CliRunner().invoke(app, ["demo", "--map", str(path), "-o", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "flat.mrc is flat: all voxels are 1" in result.output
    assert not (tmp_path / "out").exists()


def test_demo_makes_three_maps_and_three_gifs(tmp_path):
    output = run("demo", "--size", 32, "-o", tmp_path / "demo")
    names = ["tilt_series", "tomogram", "volume"]
    written = sorted(path.name for path in (tmp_path / "demo").iterdir())
    assert [name for name in written if name.endswith(".gif")] == [f"{n}.gif" for n in names]
    assert [name for name in written if name.endswith(".mrc")] == [f"{n}.mrc" for n in names]
    assert " s\n" in output
    assert "exists" in run("demo", "--size", 32, "-o", tmp_path / "demo", code=1)
    run("demo", "--size", 32, "-o", tmp_path / "demo", "--overwrite")


def test_the_tomogram_of_a_demo_has_the_blob_of_the_map(tmp_path):
    blob = GaussianBlobs([[4, -6, 8]], sigmas=3.0).volume((32, 28, 30), voxel_size=2.0)
    path = blob.save(tmp_path / "blob.mrc")
    run("demo", "--map", path, "-o", tmp_path / "demo", "--bin", 1)
    tomogram = Volume.open(tmp_path / "demo" / "tomogram.mrc")
    peak = np.unravel_index(tomogram.data.argmax(), tomogram.shape)
    assert peak == (16 + 4, 14 - 3, 15 + 2)


@pytest.mark.parametrize("name", ["ribosome-70S-65.mrc", "EMD-3001.map"])
def test_demo_of_real_maps(shared_data, tmp_path, name):
    output = run("demo", "--map", shared_data / name, "-o", tmp_path / "demo")
    assert output.count("warning: ") == 1
    assert len(list((tmp_path / "demo").glob("*.gif"))) == 3


def test_a_demo_that_fails_leaves_no_folder(tmp_path, monkeypatch):
    def offline(_, **__):
        raise ConnectionError("cannot download it")

    monkeypatch.setattr("libtilt.cli.demo.fetch_emdb", offline)
    output = run("demo", "--emdb", 7, "-o", tmp_path / "demo", code=1)
    assert "\nerror: cannot download it" in output
    assert list(tmp_path.iterdir()) == []


def test_a_demo_of_a_map_with_nan_writes_nothing(tmp_path):
    path = tmp_path / "map.mrc"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mrcfile.write(path, np.full((16, 16, 16), np.nan, np.float32), voxel_size=1.0)
    assert "NaN" in run("demo", "--map", path, "-o", tmp_path / "demo", code=1)
    assert not (tmp_path / "demo").exists()


def test_demo_from_the_emdb(volume, tmp_path, monkeypatch):
    monkeypatch.setattr("libtilt.cli.demo.fetch_emdb", lambda number, **_: {7: volume}[number])
    run("demo", "--emdb", 7, "-o", tmp_path / "demo")
    assert Volume.open(tmp_path / "demo" / "volume.mrc").shape == (16, 18, 20)


def test_compiling_of_kernels_is_announced():
    code = """
from libtilt.backends.numba.kernels.compiled import compiled
from libtilt.cli.options import announce_kernel_compilation
announce_kernel_compilation()
for f in (lambda x: x + 1, lambda x: x + 2):
    compiled(f)(1)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stderr == "compiling kernels (once per machine) ...\n"


@pytest.fixture
def signals():
    """Restore the handlers of signals, which `main` replaces in this process."""
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def test_python_dash_m_runs_the_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "libtilt", "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in done.stdout


def test_main_runs_the_commands(monkeypatch, signals):
    monkeypatch.setattr(sys, "argv", ["libtilt", "--version"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0


def test_a_missing_click_names_the_extra_to_install(monkeypatch, signals):
    real = builtins.__import__

    def no_click(name, *args, **kwargs):
        if name == "click":
            raise ImportError(name="click")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_click)
    with pytest.raises(SystemExit, match=re.escape(pip_install("cli"))):
        main()


def test_the_tilt_axis_angle_option_overrides_the_file_beside_the_stack(volume, tmp_path):
    run("project", volume, "--tilt-range", -20, 20, 20, "-o", tmp_path / "tilts.mrc")
    arguments = ["backproject", tmp_path / "tilts.mrc", "--tilt-axis-angle", 85]
    run(*arguments, "-o", tmp_path / "json.mrc")
    (tmp_path / "tilts.json").unlink()
    run(*arguments, "-o", tmp_path / "a.mrc")
    given = ["--tilt-range", -20, 20, 20, "-o", tmp_path / "b.mrc"]
    run(*arguments, *given)
    expected = Volume.open(tmp_path / "b.mrc").data
    for name in ("json.mrc", "a.mrc"):
        assert np.allclose(Volume.open(tmp_path / name).data, expected, atol=1e-5)


def test_the_annotate_option_annotates_gifs(tmp_path):
    blobs = GaussianBlobs([[0, 0, 60]], sigmas=12)
    series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-40, 40]), (72, 96), pixel_size=4.0)
    files = {
        "tilts": series.save(tmp_path / "tilts.st"),
        "slices": blobs.volume((8, 40, 90), voxel_size=4.0).save(tmp_path / "map.mrc"),
    }
    for kind, file in files.items():
        plain, drawn = tmp_path / f"{kind}.gif", tmp_path / f"{kind}-annotated.gif"
        for path, flags in ((plain, []), (drawn, ["--annotate"])):
            arguments = ["gif", file, "--look", kind, "-o", path, *flags]
            result = CliRunner().invoke(app, [str(argument) for argument in arguments])
            assert result.exit_code == 0, result.output
        assert plain.read_bytes() != drawn.read_bytes()


def test_a_volume_by_its_header_with_matching_angles_is_a_tilt_series(tmp_path):
    """Much software marks no stacks; as many angles as images are what tells."""
    images = np.random.default_rng(0).random((5, 20, 24)).astype(np.float32)
    mrcfile.write(tmp_path / "tilts.mrc", images, voxel_size=4.0)
    (tmp_path / "tilts.tlt").write_text("-4\n-2\n0\n2\n4\n")
    assert "auto selects numba, " in run("info", tmp_path / "tilts.mrc")
    assert "tilt series, geometry from" in run("info", tmp_path / "tilts.mrc")
    run("gif", tmp_path / "tilts.mrc", "-o", tmp_path / "a.gif")
    run("gif", tmp_path / "tilts.mrc", "--look", "slices", "-o", tmp_path / "b.gif")
    series = TiltSeries.open(tmp_path / "tilts.mrc", tilt_axis_angle=0)
    series.to_gif(tmp_path / "c.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "c.gif").read_bytes()
    refused = CliRunner().invoke(
        app, ["project", str(tmp_path / "tilts.mrc"), "-o", str(tmp_path / "p.mrc")]
    )
    assert refused.exit_code == 2
    assert "is a tilt series; expected a volume" in refused.output
    (tmp_path / "tilts.tlt").write_text("-4\n-2\n0\n")
    assert "volume, according to its header" in run("info", tmp_path / "tilts.mrc")
    (tmp_path / "tilts.tlt").write_text("nothing\n")
    for command in (
        ["info"],
        ["gif", "-o", tmp_path / "d.gif"],
        ["project", "-o", tmp_path / "p.mrc"],
    ):
        result = CliRunner().invoke(
            app, [command[0], str(tmp_path / "tilts.mrc"), *map(str, command[1:])]
        )
        assert "as a volume, since its tilt angles cannot be read" in result.output, command
        assert "tilts.tlt, line 1: expected a number, got 'nothing'" in result.output


def test_several_inputs_are_titled_and_side_by_side(tmp_path):
    blobs = GaussianBlobs([[0, 0, 60]], sigmas=12)
    geometry = TiltGeometry.from_tilt_angles([-40, 0, 40])
    tilts = blobs.tilt_series(geometry, (40, 40), pixel_size=4.0).save(tmp_path / "tilts.st")
    volume = blobs.volume((12, 40, 40), voxel_size=4.0).save(tmp_path / "map.mrc")
    width = ["--width", 86]
    run("gif", volume, tilts, "--look", "spin", "--count", 6, *width, "-o", tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (42 + 4 + 40, 40)
        assert sum(1 for _ in ImageSequence.Iterator(image)) == 6
    names = ["--label", "the map", "--label", "its tilts"]
    run(
        "gif",
        volume,
        tilts,
        "--look",
        "spin",
        "--count",
        6,
        *names,
        *width,
        "-o",
        tmp_path / "b.gif",
    )
    assert (tmp_path / "a.gif").read_bytes() != (tmp_path / "b.gif").read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        ["--look", "spin", "--render", "surface", "--count", 3, "--cmap", "copper"],
        ["--look", "spin", "--render", "maximum", "--count", 3, "--annotate"],
        ["--limits", 0, 1, "--max-size", 12],
        ["--per-frame", "--axis", "x", "--loop", 2],
    ],
)
@pytest.mark.parametrize("suffix", ["gif", "apng", "webp"])
def test_animations_of_all_looks(volume, tmp_path, options, suffix):
    path = tmp_path / f"a.{suffix}"
    run("gif", volume, *options, "-o", path)
    with Image.open(path) as image:
        assert image.n_frames > 1
        if "--max-size" in options:
            assert max(image.size) == 12
        if "--cmap" in options:
            assert np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=2).max() > 50


@pytest.mark.parametrize("option", sorted(fields_by_option(LOOKS)))
@pytest.mark.parametrize("look", ["slices", "spin"])
def test_an_option_of_one_look_is_refused_for_other_looks(volume, tmp_path, look, option):
    field, shown = next(iter(fields_by_option(LOOKS)[option].values()))
    values = {"axis": "x", "level": 0.01, "sigma": 1.0, "start": 3, "stop": -2}
    value = values.get(option, field.default)
    arguments = ["--look", look, f"--{option}", value, "-o", tmp_path / "a.gif"]
    if shown.kind is float and look == "spin":
        arguments += ["--render", "surface"]
    result = CliRunner().invoke(app, list(map(str, ["gif", volume, *arguments])))
    assert result.exit_code == (0 if look in fields_by_option(LOOKS)[option] else 2)
    assert result.exit_code == 0 or f"--{option} belongs to --look " in result.output


def test_the_before_after_option_wipes_between_two_volumes(volume, tmp_path):
    Volume.open(volume).normalize().save(tmp_path / "after.mrc")
    arguments = ["--before-after", "--axis", "y", "--annotate", "-o", tmp_path / "a.gif"]
    run("gif", volume, tmp_path / "after.mrc", *arguments)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (400, 320)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--voxel-size", 0], "--voxel-size must be one positive number, got 0"),
        (["--voxel-size", "nan"], "--voxel-size must be finite"),
        (["--size", 100_000], "100000 is not in the range 16<=x<=1024"),
    ],
)
def test_a_demo_refuses_impossible_numbers_and_leaves_no_folder(tmp_path, arguments, message):
    output = tmp_path / "demo"
    result = CliRunner().invoke(app, ["demo", *map(str, arguments), "-o", str(output)])
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert not output.exists()


def test_info_prints_the_warnings_and_errors_of_opening_a_series(tmp_path):
    mrcfile.write(tmp_path / "ts.mrc", np.zeros((3, 8, 8), np.float32), voxel_size=4.0)
    for content, message in [
        ("-3\n0\n3\n", "assuming 0 degrees (along y)"),
        ("2\n2\n2\n", "all 3 tilt angles are 2 degrees"),
        ("-300\n0\n3\n", "expected a tilt angle from -180 to 180"),
    ]:
        (tmp_path / "ts.tlt").write_text(content)
        assert message in run("info", tmp_path / "ts.mrc")
    mrcfile.write(tmp_path / "one.mrc", np.zeros((3, 8, 8), np.float32), voxel_size=1.0)
    assert "note         voxel size in the header is exactly 1 Å" in run(
        "info", tmp_path / "one.mrc"
    )
