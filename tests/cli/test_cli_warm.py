"""``libtilt warm``: kernels compiled ahead."""

from pathlib import Path

from click.testing import CliRunner

from libtilt.backends.numba import warming
from libtilt.cli import app


def warm():
    return CliRunner().invoke(app, ["warm"])


def test_warm_prints_the_folder_with_the_kernels():
    result = warm()
    assert result.exit_code == 0, result.output
    folder = Path(result.output.removeprefix("kernels are saved in ").rpartition(" (")[0])
    assert list(folder.glob("*.compiled"))
    assert list(folder.glob("*.nbc"))


def test_warm_without_a_folder_names_the_variable_to_set(monkeypatch):
    monkeypatch.setattr(warming, "_marker_path", lambda: None)
    result = warm()
    assert result.exit_code == 1
    assert "NUMBA_CACHE_DIR" in result.output


def test_warm_with_an_impossible_folder_fails_in_one_line(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(warming, "_marker_path", lambda: tmp_path / "file" / "mark")
    result = warm()
    assert result.exit_code == 1
    assert result.output.startswith("error: ")
    assert result.output.count("\n") == 1
