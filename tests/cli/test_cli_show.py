"""`libtilt show`: figures of files, and what it refuses."""

import pytest
from click.testing import CliRunner
from helpers import BLOBS, SINGLE_AXIS

from libtilt.cli import app
from libtilt.errors.installing import pip_install

pytestmark = pytest.mark.usefixtures("no_screen")
VOLUME = BLOBS.volume((20, 24, 30), voxel_size=8.0)
SERIES = BLOBS.tilt_series(SINGLE_AXIS, (24, 30), pixel_size=8.0)


def run(*arguments):
    return CliRunner().invoke(app, ["show", *map(str, arguments)])


@pytest.mark.parametrize("kind", ["auto", "slices", "spectrum"])
def test_show_draws_a_volume(tmp_path, kind):
    path = VOLUME.save(tmp_path / "map.mrc")
    result = run(path, "--kind", kind, "-o", tmp_path / "map.png")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["auto", "sheet", "sinogram", "scheme"])
def test_show_draws_a_tilt_series(tmp_path, kind):
    path = SERIES.save(tmp_path / "tilts.st")
    result = run(path, "--kind", kind, "-o", tmp_path / "tilts.pdf")
    assert result.exit_code == 0, result.output
    assert ("sheet" if kind == "auto" else kind) in result.output


def test_errors_of_show_are_one_line_and_leave_no_file(tmp_path):
    path = VOLUME.save(tmp_path / "map.mrc")
    for arguments, message in [
        (["-o", tmp_path / "map.bmp"], "must end with .png or .pdf or .svg"),
        (["-o", tmp_path / "map.png", "--cmap", "mud"], "cmap must be the name of a mat"),
        (["-o", tmp_path / "no" / "map.png"], "the folder"),
        (["-o", tmp_path / "map.png", "--kind", "sheet"], "no tilt angles beside"),
        (
            ["-o", tmp_path / "m.png", "--kind", "spectrum", "--position", 1, 1, 1],
            "--position belongs to --kind slices, not",
        ),
        (["-o", tmp_path / "m.png", "--tlt", path], "map.mrc is not a text file"),
    ]:
        result = run(path, *arguments)
        assert result.exit_code != 0
        assert message in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["map.mrc"]


def test_show_refuses_slices_of_a_tilt_series(tmp_path):
    path = SERIES.save(tmp_path / "tilts.st")
    result = run(path, "--kind", "spectrum", "-o", tmp_path / "a.png")
    assert result.exit_code == 2
    assert "tilts.st is a tilt series with its angles" in result.output
    result = run(path, "--kind", "scheme", "--cmap", "magma", "-o", tmp_path / "a.png")
    assert (
        "--cmap belongs to --kind slices, spectrum, sheet or sinogram, not to scheme"
        in result.output
    )


def test_show_takes_a_voxel_size(tmp_path):
    path = VOLUME.save(tmp_path / "map.mrc")
    for size in (8, 80):
        run(path, "--voxel-size", size, "-o", tmp_path / f"{size}.png")
    assert (tmp_path / "8.png").read_bytes() != (tmp_path / "80.png").read_bytes()


def test_a_missing_matplotlib_names_the_extra_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    path = VOLUME.save(tmp_path / "map.mrc")
    assert pip_install("plot") in run(path, "-o", tmp_path / "map.png").output


def test_without_an_output_the_figure_opens_in_a_window(tmp_path, monkeypatch):
    import matplotlib
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "TkAgg")
    monkeypatch.setattr(pyplot, "show", lambda *, block: shown.append(len(pyplot.get_fignums())))
    result = run(VOLUME.save(tmp_path / "map.mrc"))
    assert (result.exit_code, result.output, shown) == (0, "", [1])
    assert [file.name for file in tmp_path.iterdir()] == ["map.mrc"]


def test_without_an_output_and_a_window_the_error_names_the_option(tmp_path):
    result = run(VOLUME.save(tmp_path / "map.mrc"))
    assert result.exit_code == 2
    message = "error: cannot open a window here; write a file, such as -o figure.png (libtilt show"
    assert result.output.startswith(message)
