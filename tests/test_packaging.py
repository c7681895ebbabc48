"""What stands in more than one file agrees, and the rooms of the package import one way."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

import libtilt

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "libtilt"
BENCHMARKS = ROOT / "docs" / "benchmarks"
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
def test_library_messages_name_arguments_and_no_command_line_options(path):
    # The command line adds its own; options of other programs are theirs.
    if room(path) not in ("cli", "__main__"):
        flags = re.findall(r"(?<![-\w])--[a-z][\w-]*", code_of(path))
        assert set(flags) <= {"--force-reinstall", "--first", "--last"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_imports_the_face_of_the_package(path):
    assert not re.search(r"^\s*(from libtilt import|import libtilt)", code_of(path), re.MULTILINE)


def test_the_pinned_lowest_versions_are_those_of_the_metadata():
    wanted = [*PROJECT["dependencies"]]
    extras = PROJECT["optional-dependencies"]["test"][0].removeprefix("libtilt[").removesuffix("]")
    for extra in (*extras.split(","), "test"):
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


def test_the_version_of_all_files_is_that_of_the_metadata():
    version = PROJECT["version"]
    assert libtilt.__version__ == version
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"version: {version}\n" in (ROOT / "conda" / "meta.yaml").read_text()
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == version


def test_the_conda_recipe_asks_for_what_the_metadata_ask_for():
    recipe = (ROOT / "conda" / "meta.yaml").read_text()
    run, optional = re.search(
        r"  run:\n(.*?)\n  #.*?run_constrained:\n(.*?)\n\n", recipe, re.S
    ).groups()
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *extras["cli"], f"python{PROJECT['requires-python']}"]
    assert conda_names(run) == {item.replace(">=", " >=") for item in needed}
    known = {item.replace(">=", " >=") for extra in extras.values() for item in extra}
    assert {name.replace("-base", "") for name in conda_names(optional)} <= known


def conda_names(block):
    return {line.strip().removeprefix("- ") for line in block.splitlines()}


def test_ci_and_the_hosted_workflow_run_all_sessions():
    noxfile = (ROOT / "noxfile.py").read_text()
    # Those tagged "by hand" make files for the repository, and check nothing.
    automatic = r"^@nox\.session(?!.*by hand).*\ndef (\w+)"
    sessions = set(re.findall(automatic, noxfile, re.MULTILINE))
    assert {"lint", "readme_run", "readme_test"} < sessions
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    hosted = re.search(r"^ +session:\n((?: +- \w+\n)+)", workflow, re.MULTILINE)
    assert set(re.findall(r"\w+", hosted[1])) == sessions
    script = (ROOT / ".ci" / "run").read_text()
    run = re.findall(r"^(?:sessions|start) ([\w ]+?)(?: [>|].*)?$", script, re.MULTILINE)
    assert set(" ".join(run).split()) == sessions


def test_benchmark_results_of_each_released_version_are_kept():
    notes = (ROOT / "CHANGELOG.md").read_text()
    released = re.findall(r"^## (\S+) \(\d{4}-\d\d-\d\d\)$", notes, re.MULTILINE)
    kept = {path.stem: json.loads(path.read_text()) for path in BENCHMARKS.glob("*.json")}
    assert kept
    assert set(released) <= set(kept)
    for version, record in kept.items():
        assert record["packages"]["libtilt"] == version
        assert {"size", "count", "driven"} <= set(record["job"])
        assert all("forward" in one["seconds"] for one in record["contestants"].values())


def test_every_public_name_is_there():
    assert all(hasattr(libtilt, name) for name in libtilt.__all__)


@pytest.mark.parametrize("marker", ["run", "test"])
def test_the_readme_has_the_commands_that_ci_runs(marker):
    text = (ROOT / "README.md").read_text()
    assert len(re.findall(rf"^<!-- {marker} -->\n```sh\n.+\n```$", text, re.MULTILINE)) == 1
