"""What stands in more than one file agrees, and the rooms of the package import one way."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import libtilt

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "libtilt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
# A module imports from its own room and from rooms with smaller numbers.
ROW = {
    name: int(row)
    for row, rooms in re.findall(r"^\| (\d+) \| (.*?) \|", ARCHITECTURE, re.MULTILINE)
    for name in re.findall(r"`(\w+)/?`", rooms)
}
# What `to_gif` imports when it is called.
UPWARD = {("geometry", "animations")}


def modules():
    return [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]


def room(path):
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def code_of(path):
    """The source without the examples in its docstrings."""
    return "\n".join(line for line in path.read_text().splitlines() if ">>>" not in line)


def rooms_imported(path):
    """Rooms that a module imports anywhere: at once, when called, or for types alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("libtilt."):
            yield node.module.split(".")[1]


def test_every_module_has_a_room():
    assert {room(path) for path in modules()} == set(ROW)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    own = room(path)
    others = set(rooms_imported(path)) - {own}
    # Rooms of one row do not import each other.
    assert {other for other in others if ROW[other] >= ROW[own]} <= {
        above for below, above in UPWARD if below == own
    }


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_imports_the_face_of_the_package(path):
    assert not re.search(r"^\s*(from libtilt import|import libtilt)", code_of(path), re.MULTILINE)


def test_the_pinned_lowest_versions_are_those_of_the_metadata():
    wanted = [*PROJECT["dependencies"]]
    for extra in ("cli", "data", "fast", "formats", "fourier", "plot", "video", "test"):
        wanted += [
            item for item in PROJECT["optional-dependencies"][extra] if "libtilt" not in item
        ]
    lowest = {}
    for line in (ROOT / ".ci" / "lowest.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version = line.split("==")
            lowest[name] = version.removesuffix(".0")
    stated = dict(item.split(">=") for item in wanted if not item.startswith("libtilt["))
    assert {name: version.removesuffix(".0") for name, version in stated.items()} == lowest


def test_the_version_stands_once_and_is_cited():
    assert libtilt.__version__ == PROJECT["version"]
    assert f"version: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text()


def test_every_public_name_is_there():
    assert all(hasattr(libtilt, name) for name in libtilt.__all__)


@pytest.mark.parametrize("marker", ["run", "test"])
def test_the_readme_has_the_commands_that_ci_runs(marker):
    text = (ROOT / "README.md").read_text()
    assert len(re.findall(rf"^<!-- {marker} -->\n```sh\n.+\n```$", text, re.MULTILINE)) == 1
