"""Messages of the library name options of the command, not arguments of Python."""

import click
import pytest

from libtilt.cli import app
from libtilt.cli.wording import arguments_to_options, begin_with_option, options_of

NAMES = ("backproject", "convert", "gif", "reconstruct", "show")
OPTIONS = {name: options_of(app.get_command(click.Context(app), name)) for name in NAMES}


@pytest.mark.parametrize(
    ("command", "message", "expected"),
    [
        ("gif", "a exists; pass overwrite=True to replace it", "a exists; use --overwrite to"),
        ("gif", "Pass voxel_size= to set it.", "Use --voxel-size to set it."),
        ("gif", "Pass voxel_size= or pixel_size= to", "Use --voxel-size or --pixel-size to"),
        ("gif", "max_bytes=500 is too small", "--max-bytes 500 is too small"),
        (
            "gif",
            "require render=\"surface\", got render='x'",
            "require --render surface, got",
        ),
        ("convert", "pass a larger tolerance=... (now 1)", "use a larger --tolerance (now 1)"),
        ("convert", "pass format=..., one of a", "use --from or --to, one of a"),
        ("convert", "pass volume_shape=(d, h, w) and", "use --volume-shape d h w and"),
        ("convert", "ignore it (ignore=('KEY',))", "ignore it (--ignore KEY)"),
        ("convert", "pass stack_shape=(n, h, w)", "use --stack-shape n h w or --stack FILE"),
        (
            "reconstruct",
            "pass tilt angles or a file as geometry=...; why",
            "use --tlt FILE, --alignment FILE or --tilt-range; why",
        ),
        ("gif", "pass tilt angles or a file as geometry=...", "use --tlt FILE"),
        ("reconstruct", "pass geometry='a b.xf', aligned=True", "use --alignment 'a b.xf', --alig"),
        (
            "reconstruct",
            "a.mrc has 4 images, but geometry has 6 tilts",
            "a.mrc has 4 images, but --tilt-range gives 6 tilts",
        ),
        (
            "gif",
            "start and stop must leave, got start=9",
            "--start and --stop must leave, got",
        ),
        ("gif", "pass level or sigma, not both", "use --level or --sigma, not both"),
        ("show", "pass level or sigma, not both", "pass level or sigma, not both"),
        ("gif", "differ; use after.resample(before.grid)", "differ; resample one of them first"),
        (
            "reconstruct",
            "use backend='scipy' or backend='auto'",
            "use --backend scipy or --backend auto",
        ),
        (
            "gif",
            "fit; pass a larger max_bytes=..., show fewer frames, or set width=... to about 7",
            "fit; use a larger --max-bytes, show fewer frames, or set --width to about 7",
        ),
        (
            "convert",
            "no series 'b'; in the file: a (name=...)",
            "no series 'b'; in the file: a (--",
        ),
        ("convert", "pass pixel_size=...", "use --pixel-size or --stack FILE"),
        (
            "reconstruct",
            "or exclude it afterwards, counted from 0 (exclude_views(tilt_series, [3]))",
            "or exclude it afterwards, counted from 0 (--exclude 3)",
        ),
        ("reconstruct", "open it without aligned=True", "open it without --aligned"),
        ("reconstruct", 'weight zero (nan="ignore")', "weight zero (--ignore-nan)"),
        ("reconstruct", "them (exclude_views(tilt_series, [3, 5]))", "them (--exclude 3,5)"),
        ("reconstruct", "replace pixels (replace_outliers)", "replace pixels (--remove-xrays)"),
        ("reconstruct", "pass memmap=True", "pass memmap=True"),
        ("backproject", "replace pixels (replace_outliers)", "replace pixels (replace_outliers)"),
        ("show", "evolve(pixel_size=...), a.voxel_size=2", "evolve(--pixel-size), a.voxel_size=2"),
    ],
)
def test_arguments_with_an_option_are_replaced_by_it(command, message, expected):
    assert arguments_to_options(message, OPTIONS[command]).startswith(expected)


def test_a_remedy_that_the_command_lacks_is_left_out():
    remedy = "exclude it afterwards, counted from 0 (exclude_views(tilt_series, [3]))"
    for said, joined in (("it is used", "; "), ("add it", ", or ")):
        assert arguments_to_options(f"{said}{joined}{remedy}", OPTIONS["convert"]) == said


@pytest.mark.parametrize(
    ("command", "message", "expected"),
    [
        ("gif", "max_size must be", "--max-size must be"),
        ("reconstruct", "width must be", "--taper must be"),
        ("reconstruct", "cutoff must be", "the first value of --radial (cutoff) must be"),
        (
            "reconstruct",
            "falloff must be positive, got 0.0",
            "the second value of --radial (falloff) must be positive, got 0",
        ),
        ("show", "position_xyz must lie, got (1, 2, 3)", "--position must lie, got 1 2 3"),
        (
            "gif",
            'contrast must be "stack", "frame" or two values, got (2.0, 1.05)',
            "--limits must be two values, got 2 1.05",
        ),
        ("gif", "max_bytes=500 is too small", "max_bytes=500 is too small"),
        ("gif", "start and stop must leave", "start and stop must leave"),
        ("show", "voxel_size must be", "--voxel-size must be"),
        ("show", "images must be", "images must be"),
        ("show", "The file is", "The file is"),
    ],
)
def test_a_message_begins_with_the_option(command, message, expected):
    assert begin_with_option(message, OPTIONS[command]) == expected
