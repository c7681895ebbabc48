"""Usage errors are one line, and name the option that was meant."""

import warnings

import pytest
from click.testing import CliRunner

from libtilt import GaussianBlobs, Volume
from libtilt.cli import app
from libtilt.errors import LibtiltWarning


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("gif a.mrc --scale-bar", "no such option --scale-bar; did you mean --annotate? (libtilt"),
        ("gif a.mrc --labels a", "no such option --labels; did you mean --label? (libtilt gif"),
        ("gif a.mrc --kind spin", "no such option --kind; did you mean --look? (libtilt gif --h"),
        ("show a.mrc --scale-bar", "no such option --scale-bar (libtilt show --help)"),
        ("reconstruct a.mrc --film a", "no such option --film; did you mean --iteration-gif? ("),
        ("reconstruct a.mrc --mend-outliers", "no such option --mend-outliers; did you mean --rem"),
        ("reconstruct a.mrc --apix 2", "no such option --apix; did you mean --pixel-size? (lib"),
        ("project a.mrc --pixl-size 2", "no such option --pixl-size; did you mean --pixel-size"),
        ("backproject a.mrc --depth 2", "no such option --depth; did you mean --thickness or --v"),
        (
            "project a.mrc --angles 2",
            "no such option --angles; did you mean --tilt-range or --t",
        ),
        ("--scale-bar", "no such option --scale-bar (libtilt --help)"),
        ("gif --fps", "option '--fps' requires an argument (libtilt gif --help)"),
        ("-q -v info a.mrc", "use --quiet or --verbose, not both (libtilt --help)"),
    ],
)
def test_a_usage_error_is_one_line_with_the_option_that_was_meant(arguments, expected):
    result = CliRunner().invoke(app, arguments.split())
    assert result.exit_code == 2
    assert result.output.startswith(f"error: {expected}")
    assert result.output.count("\n") == 1


def test_a_call_without_arguments_prints_the_help():
    result = CliRunner().invoke(app, [])
    assert result.exit_code in (0, 2)  # 0 before click 8.2
    assert result.output.startswith("Usage: ")
    assert "\nCommands:\n" in result.output


def test_names_of_choices_are_taken_in_any_case(tmp_path):
    volume = GaussianBlobs([[0, 0, 0]], sigmas=3).volume((8, 8, 8)).save(tmp_path / "map.mrc")
    for case in ("spin", "Spin"):
        arguments = ["gif", volume, "--look", case, "--count", 3, "-o", tmp_path / f"{case}.gif"]
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
    assert (tmp_path / "spin.gif").read_bytes() == (tmp_path / "Spin.gif").read_bytes()
    result = CliRunner().invoke(
        app, ["reconstruct", str(volume), "--method", "SIRT", "-o", "t.mrc"]
    )
    assert "no tilt angles beside" in result.output


def test_warnings_of_the_library_are_one_line_each(tmp_path, monkeypatch):
    volume = GaussianBlobs([[0, 0, 0]], sigmas=3).volume((8, 8, 8))
    path = volume.save(tmp_path / "map.mrc")

    def open_with_warnings(*_, **__):
        warnings.warn("two\n  lines", UserWarning, stacklevel=2)
        warnings.warn(LibtiltWarning("no size", arguments=["voxel_size"]), stacklevel=2)
        warnings.warn("pass voxel_size=...", LibtiltWarning, stacklevel=2)
        return volume

    monkeypatch.setattr(Volume, "open", open_with_warnings)
    result = CliRunner().invoke(app, ["project", str(path), "-o", str(tmp_path / "tilts.mrc")])
    assert result.output.splitlines()[:3] == [
        "warning: two lines",
        "warning: no size (--voxel-size)",
        "warning: use --voxel-size",
    ]
