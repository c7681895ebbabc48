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

# From the bottom to the top: a module imports from its own row and from rows above this one's.
ROWS = (
    ("_checks", "files", "inputs", "per_tilt"),
    (
        "mrc",
        "mrc_header",
        "mrc_labels",
        "mrc_sections",
        "mrc_writing",
        "image_checks",
        "tiff_files",
        "hdf5_nodes",
        "hdf5_layouts",
        "hdf5_files",
        "image_files",
        "image_data",
        "gif",
        "thumbnails",
    ),
    ("geometry",),
    ("volume",),
    ("alignment", "tilt_files", "stack_geometry"),
    ("tilt_series", "stacks", "backends", "power_iteration"),
    ("_completion", "linear_operator"),
    ("projector", "phantoms", "testing", "preparation"),
    ("real_space", "animations", "data", "reconstruction", "quality", "plot", "napari"),
    ("cli",),
    ("__main__",),
)
ROW = {name: number for number, row in enumerate(ROWS) for name in row}


def modules():
    return [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in ROW]


def room(path):
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def code_of(path):
    """The source without the examples in its docstrings."""
    return "\n".join(line for line in path.read_text().splitlines() if ">>>" not in line)


def rooms_imported(path):
    """Rooms that a module imports when it is itself imported."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "libtilt":
            names = (
                [node.module] if "." in node.module else [f"libtilt.{a.name}" for a in node.names]
            )
            yield from (name.split(".")[1] for name in names)


def test_every_module_has_a_room():
    assert {room(path) for path in PACKAGE.rglob("*.py")} == set(ROW) | {"__init__"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    above = [name for name in rooms_imported(path) if ROW.get(name, 0) > ROW[room(path)]]
    assert above == []


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
