"""``libtilt reconstruct`` as a user runs it: it is the functions, and refuses what they refuse."""

import attrs
import numpy as np
import pytest
from click.testing import CliRunner
from helpers import relative_error
from PIL import Image

from libtilt import GaussianBlobs, TiltGeometry, TiltSeries, Volume
from libtilt.cli import app
from libtilt.cli.field_options import fields_by_option
from libtilt.io.image_files import read_image
from libtilt.preparation import exclude_views, replace_outliers, taper_edges
from libtilt.reconstruction import (
    METHODS,
    SIRT,
    TV,
    RadialFilter,
    SIRTLikeFilter,
    cgls,
    reconstruct,
    sirt,
    tv,
    wbp,
)
from libtilt.reconstruction.result import describe_method

GEOMETRY = TiltGeometry.from_tilt_angles(range(-60, 61, 6), tilt_axis_angle=12)
SHAPE = (10, 18, 20)


def tilt_series():
    blobs = GaussianBlobs.random((16, 18, 20), n=5, seed=0)
    return blobs.tilt_series(GEOMETRY, (18, 20)).astype("float32")


@pytest.fixture
def tilts(tmp_path):
    tilt_series().save(tmp_path / "tilts.mrc")
    return tmp_path / "tilts.mrc"


def run(*arguments, code=0):
    result = CliRunner().invoke(app, ["reconstruct", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, result.output
    if code and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], lambda series: wbp(series, volume_shape=SHAPE)),
        (["--filter", "hann"], lambda series: wbp(series, volume_shape=SHAPE, filter="hann")),
        (
            ["--filter", "radial", "--radial", 0.3, 0.05],
            lambda series: wbp(series, volume_shape=SHAPE, filter=RadialFilter(0.3, 0.05)),
        ),
        (
            ["--filter", "sirt-like", "--iterations", 7],
            lambda series: wbp(series, volume_shape=SHAPE, filter=SIRTLikeFilter(7, 10)),
        ),
        (
            ["--method", "sirt", "--iterations", 3, "--subsets", 2, "--nonnegative"],
            lambda series: (
                sirt(series, volume_shape=SHAPE, iterations=3, subsets=2, bounds=(0, None)).volume
            ),
        ),
        (
            ["--method", "cgls", "--iterations", 3],
            lambda series: cgls(series, volume_shape=SHAPE, iterations=3).volume,
        ),
        (
            ["--method", "tv", "--iterations", 5, "--strength", 0.01],
            lambda series: tv(series, volume_shape=SHAPE, iterations=5, strength=0.01).volume,
        ),
        (
            ["--exclude", "0, 3-4", "--remove-xrays", "--normalize", "--taper", 3],
            lambda series: wbp(
                taper_edges(
                    replace_outliers(exclude_views(series, [0, 3, 4])).normalize(), width=3
                ),
                volume_shape=SHAPE,
            ),
        ),
    ],
)
def test_the_reconstruct_command_agrees_with_the_function(tilts, tmp_path, options, expected):
    output = run(tilts, "--thickness", 10, *options, "-o", tmp_path / "tomogram.mrc")
    assert "tomogram.mrc: 10 x 18 x 20 voxels" in output
    volume = Volume.open(tmp_path / "tomogram.mrc")
    assert relative_error(volume.data, expected(TiltSeries.open(tilts)).data) < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_defaults_are_those_of_the_library(tilts, tmp_path, method):
    run(tilts, "--thickness", 10, "--method", method, "-o", tmp_path / "tomogram.mrc")
    expected = reconstruct(TiltSeries.open(tilts), method, volume_shape=SHAPE)
    assert relative_error(Volume.open(tmp_path / "tomogram.mrc").data, expected.data) < 1e-5
    assert read_image(tmp_path / "tomogram.mrc").made == expected.made
    shown = CliRunner().invoke(app, ["info", str(tmp_path / "tomogram.mrc")]).output
    assert f"made         {type(expected.method).__name__}(" in shown


@pytest.mark.parametrize("option", sorted(fields_by_option(METHODS)))
@pytest.mark.parametrize("method", METHODS)
def test_an_option_of_one_method_is_refused_for_other_methods(tilts, tmp_path, method, option):
    fields = fields_by_option(METHODS)[option]
    flag, kind = f"--{option.replace('_', '-')}", next(iter(fields.values()))[1].kind
    value = {int: ["0"], float: ["-1"], bool: []}.get(kind, ["edge"])
    arguments = [tilts, "--method", method, flag, *value, "-o", tmp_path / "t.mrc"]
    if method not in fields:
        what = (
            f"{flag} belongs to --method "
            if (method, option) != ("wbp", "iterations")
            else "--iterations requires"
        )
        assert what in run(*arguments, code=2)
    elif kind in (int, float):
        with pytest.raises(ValueError, match=f"{fields[method][0].name} must be") as raised:
            METHODS[method](**{fields[method][0].name: kind(value[0])})
        message = str(raised.value).replace(fields[method][0].name, flag, 1).removesuffix(".0")
        assert message in " ".join(run(*arguments, code=1).split())


@pytest.mark.parametrize(
    ("flag", "method", "expected"),
    [
        ("--nonnegative", "sirt", SIRT(bounds=(0, None))),
        ("--no-nonnegative", "sirt", SIRT()),
        ("--nonnegative", "tv", TV()),
        ("--no-nonnegative", "tv", TV(nonnegative=False)),
    ],
)
def test_a_switch_sets_a_field(tilts, tmp_path, flag, method, expected):
    run(tilts, "--method", method, "--iterations", 2, flag, "-o", tmp_path / "t.mrc")
    made = read_image(tmp_path / "t.mrc").made
    assert made.startswith(describe_method(attrs.evolve(expected, iterations=2)))


def test_ignore_nan_gives_nonfinite_pixels_no_weight(tmp_path):
    images = tilt_series().images.copy()
    images[3, 4:6, 7] = np.nan
    TiltSeries(images, GEOMETRY).save(tmp_path / "bad.mrc")
    for method in METHODS:
        options = ["--method", method, "--thickness", 10, "--overwrite", "--ignore-nan"]
        options += [] if method == "wbp" else ["--iterations", 3]
        run(tmp_path / "bad.mrc", *options, "-o", tmp_path / "t.mrc")
        series = TiltSeries.open(tmp_path / "bad.mrc")
        chosen = method if method == "wbp" else METHODS[method](iterations=3)
        expected = reconstruct(series, chosen, volume_shape=SHAPE, nan="ignore")
        assert relative_error(Volume.open(tmp_path / "t.mrc").data, expected.data) < 1e-5


@pytest.mark.parametrize(("margin", "same"), [("0", 0), ("7", 7), ("auto", "auto")])
def test_the_margin_option_agrees_with_the_function(tilts, tmp_path, margin, same):
    options = ["--method", "cgls", "--thickness", 10, "--margin", margin]
    run(tilts, *options, "-o", tmp_path / "t.mrc")
    expected = cgls(TiltSeries.open(tilts), volume_shape=SHAPE, margin=same)
    assert relative_error(Volume.open(tmp_path / "t.mrc").data, expected.data) < 1e-5


def test_the_number_of_iterations_is_printed_and_a_gif_is_written(tilts, tmp_path):
    output = run(
        tilts, "--method", "cgls", "--gif", tmp_path / "t.gif", "-o", tmp_path / "tomogram.mrc"
    )
    assert "10 iterations, residual " in output
    assert "t.gif: slices along z" in output
    with Image.open(tmp_path / "t.gif") as gif:
        assert gif.n_frames > 5


def test_iteration_gif_shows_every_iteration(tilts, tmp_path):
    options = ["--method", "sirt", "--iterations", 4, "--iteration-gif", tmp_path / "f.png"]
    output = run(tilts, *options, "-o", tmp_path / "tomogram.mrc")
    assert "f.png: central xz slice after each iteration" in output
    with Image.open(tmp_path / "f.png") as animation:
        assert animation.n_frames == 4


def test_options_define_the_geometry_of_a_plain_stack(tmp_path):
    angles = GEOMETRY.tilt_angles
    series = tilt_series()
    plain = TiltSeries(series.images, TiltGeometry.from_tilt_angles(angles, tilt_axis_angle=12))
    Volume(series.images).save(tmp_path / "stack.mrc")
    (tmp_path / "angles.txt").write_text("\n".join(f"{angle:.4f}" for angle in angles))
    run(
        *(tmp_path / "stack.mrc", "--tlt", tmp_path / "angles.txt", "--tilt-axis-angle", 12),
        *("--thickness", 10, "-o", tmp_path / "tomogram.mrc"),
    )
    expected = wbp(plain, volume_shape=SHAPE).data
    assert relative_error(Volume.open(tmp_path / "tomogram.mrc").data, expected) < 1e-5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--thickness", 0], "0 is not in the range"),
        (["--margin", 3], "--margin belongs to --method sirt, cgls or tv, not to wbp"),
        (["--method", "sirt", "--margin", "wide"], '--margin must be "auto" or a number'),
        (
            ["--method", "cgls", "--relaxation", 1],
            "--relaxation belongs to --method sirt, not to cgls",
        ),
        (["--method", "sirt", "--relaxation", 2], "--relaxation must be more than 0"),
        (["--method", "sirt", "--iterations", 0], "--iterations must be a positive"),
        (["--method", "sirt", "--subsets", 99], "--subsets must be at most the number"),
        (["--method", "sirt", "--filter", "hann"], "--filter belongs to --method wbp, not to sirt"),
        (
            ["--method", "cgls", "--nonnegative"],
            "--nonnegative belongs to --method sirt or tv, not to cgls",
        ),
        (["--method", "wbp", "--strength", 1], "--strength belongs to --method tv, not to wbp"),
        (["--iterations", 3], "--iterations requires --filter sirt-like, or another --method"),
        (["--radial", 0.3, 0.1], "--radial requires --filter radial"),
        (["--filter", "radial", "--radial", 0, 0.1], "(cutoff) must be one positive number"),
        (["--exclude", "a"], "--exclude must be views like 0,1,38-40, got 'a'"),
        (["--exclude", "3-1"], "--exclude must be views like 0,1,38-40, got '3-1'"),
        (["--gif", "a.txt"], "error: --gif must end with .gif"),
        (["--iteration-gif", "a.gif"], "--iteration-gif belongs to --method sirt, cgls or tv, not"),
        (
            ["--method", "sirt", "--gif", "a.gif", "--iteration-gif", "a.gif"],
            "--output, --gif and --iteration-gif must be different files",
        ),
        (["--exclude", "99"], "must name views from 0 to 20"),
        (["--exclude", ""], "--exclude must be views like"),
        (["--exclude", "0-1000000000"], "must be views|must name views from 0 to 20"),
        (["--exclude", "3-1"], "--exclude must be views like"),
        (["--method", "tv", "--strength", 0], "--strength must be one positive number"),
        (["--method", "sirt", "--strength", 0], "--strength belongs to --method tv, not to sirt"),
        (["--tilt-range", -60, 60, 1e-6], "must give at most"),
        (["--tilt-range", -600, 60, 1], "must lie within 180 degrees"),
        (["--taper", 1000], "--taper must"),
        (
            ["--radial", "nan", 0.1, "--filter", "radial"],
            "first value of --radial (cutoff) must",
        ),
        (["--pixel-size", 0], "--pixel-size must be one positive number, got 0"),
        (["--tilt-axis-angle", "nan"], "--tilt-axis-angle must be finite"),
        (["--tilt-range", -60, 60, "inf"], "--tilt-range must increase by a positive step"),
        (["--name", ""], "--name requires --alignment"),
        (["--gif", ""], "the path is empty; name a file"),
        (["--thickness", 10**12], "1000000000000 is not in the range 1<=x<=65536"),
        (["--volume-shape", 10**5, 10**5, 10**5], "needs more than 1 TiB of memory"),
        (["--exclude", "0-20"], "--exclude must leave"),
        (["--taper", 15], "--taper must"),
        (["--tilt-range", 0, 10, 1], "but --tilt-range gives 11 tilts"),
        (["--backend", "nothing"], "'nothing' is not a known backend"),
        (["--method", "tv", "--strength", "-1"], "--strength must be one positive number"),
    ],
)
def test_wrong_options_are_named_and_no_file_is_written(tilts, tmp_path, options, message):
    before = sorted(tmp_path.iterdir())
    code = CliRunner().invoke(
        app, ["reconstruct", str(tilts), *map(str, options), "-o", str(tmp_path / "t.mrc")]
    )
    assert code.exit_code in (1, 2)
    assert any(part in code.output for part in message.split("|"))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("method", ["wbp", "sirt", "cgls", "tv"])
@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "has NaN or infinite pixels"), (7.0, "is flat")]
)
def test_unusable_images_are_named(tmp_path, method, value, message):
    images = tilt_series().images.copy()
    images[(4, 0, 0) if np.isnan(value) else 4] = value
    TiltSeries(images, GEOMETRY).save(tmp_path / "bad.mrc")
    before = sorted(tmp_path.iterdir())
    output = run(tmp_path / "bad.mrc", "--method", method, "-o", tmp_path / "t.mrc", code=1)
    assert f"4 (tilt angle -36.00) {message}" in " ".join(output.split())
    assert sorted(tmp_path.iterdir()) == before


def test_existing_files_are_kept_without_overwrite(tilts, tmp_path):
    for name in ("t.mrc", "t.gif"):
        (tmp_path / name).write_text("mine")
        output = run(
            *(tilts, "-o", tmp_path / ("t.mrc" if name == "t.mrc" else "new.mrc")),
            *("--gif", tmp_path / "t.gif"),
            code=1,
        )
        assert f"{name} already exists" in output
        assert (tmp_path / name).read_text() == "mine"
        assert not (tmp_path / "new.mrc").exists()
        (tmp_path / name).unlink() if name == "t.mrc" else None
    run(tilts, "-o", tmp_path / "t.mrc", "--gif", tmp_path / "t.gif", "--overwrite")
    assert Volume.open(tmp_path / "t.mrc").shape == (20, 18, 20)
