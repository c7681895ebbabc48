"""Usage errors are one line, and name the option that was meant."""

import pytest
from click.testing import CliRunner

from libtilt.cli import app


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
