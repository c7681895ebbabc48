"""Messages name the command that installs an extra where this copy came from."""

import subprocess
import sys
from pathlib import Path

import pytest

from libtilt.errors import installing

PACKAGE = Path(installing.__file__).parents[1]
FOLDER, INDEX = "pip install '.[fast]'", "pip install 'libtilt[fast]'"
EDITABLE = '{"dir_info": {"editable": true}, "url": "file:///home/me/libtilt"}'
WHEEL = '{"archive_info": {"hash": "sha256=00"}, "url": "file:///tmp/libtilt.whl"}'


def copy_package(folder):
    """What the hint needs, since a link would lead back to this source tree."""
    for name in ("__init__.py", "errors/__init__.py", "errors/installing.py"):
        target = folder / "libtilt" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((PACKAGE / name).read_bytes())


def hint_in(folder):
    """The hint of a process that sees libtilt in a folder, and no other."""
    code = "from libtilt.errors.installing import pip_install\nprint(pip_install('fast'))"
    command = [sys.executable, "-S", "-c", f"import sys\nsys.path[:0] = [{str(folder)!r}]\n{code}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=folder, env={"PYTHONPATH": ""}
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("direct_url", "hint"),
    [
        (EDITABLE, FOLDER),
        (EDITABLE.replace('"editable": true', ""), FOLDER),
        (WHEEL, INDEX),
        (None, INDEX),
        ("not JSON", INDEX),
    ],
    ids=["editable", "from a folder", "from a wheel", "by name", "unreadable"],
)
def test_the_hint_fits_how_the_package_was_installed(tmp_path, direct_url, hint):
    copy_package(tmp_path)
    record = tmp_path / "libtilt-0.1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: libtilt\nVersion: 0.1.0\n")
    if direct_url is not None:
        (record / "direct_url.json").write_text(direct_url)
    assert hint_in(tmp_path) == hint


@pytest.mark.parametrize("record", ["pyproject.toml", "libtilt.egg-info", None])
def test_a_source_tree_is_a_folder_whatever_a_build_left_in_it(tmp_path, record):
    copy_package(tmp_path)
    if record == "libtilt.egg-info":
        (tmp_path / record).mkdir()
        (tmp_path / record / "PKG-INFO").write_text("Name: libtilt\nVersion: 0.1.0\n")
    if record is not None:
        (tmp_path / "pyproject.toml").write_text("")
    assert hint_in(tmp_path) == FOLDER


def test_no_message_writes_the_command_itself():
    for path in PACKAGE.rglob("*.py"):
        if path.name != "installing.py":
            assert not [
                line for line in path.read_text().splitlines() if "pip install 'libtilt" in line
            ], path
