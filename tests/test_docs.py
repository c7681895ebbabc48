"""What the pages show runs, and what they link to is there."""

import ast
import re
import runpy
import sys
from pathlib import Path
from types import ModuleType

import imageio.v3 as iio
import numpy as np
import pytest

from libtilt import Volume

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
REPLACEMENT = re.compile(r"^\| [^|]+ \| `(\w+ = [^`|]+)`", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.fixture(autouse=True)
def closed_figures():
    """Figures of pages and examples are closed; matplotlib warns of more than 20."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.close("all")
    yield
    pyplot.close("all")


def pictures(script):
    """What an example says that it writes, without running it."""
    found = re.search(r"^PICTURES = (\(.*?\))$", script.read_text(encoding="utf-8"), re.MULTILINE)
    return ast.literal_eval(found[1])


def run_blocks(page, monkeypatch):
    """Run the code of a page, and return what names it made."""
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # Where pickle looks for its classes.
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        # Blank lines before a block make the line of an error that of the page.
        lines = "\n" * text[: block.start(1)].count("\n")
        exec(compile(lines + block[1], str(page), "exec"), module.__dict__)
    return module.__dict__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(page, monkeypatch)


@pytest.mark.parametrize("page", ["README.md", "docs/subclassing.md", "docs/methods.md"])
def test_the_code_of_a_page_runs_a_second_time_in_the_same_folder(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(ROOT / page, monkeypatch)
    before = {path.name for path in tmp_path.iterdir()}
    run_blocks(ROOT / page, monkeypatch)
    assert {path.name for path in tmp_path.iterdir()} == before != set()


def test_the_lines_in_place_of_classic_functions_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "classic.md"
    names = run_blocks(page, monkeypatch)
    lines = REPLACEMENT.findall(page.read_text(encoding="utf-8"))
    assert len(lines) > 60
    for line in lines:
        exec(compile(line, line, "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_pictures_of_a_page_exist(page):
    made = {f"gallery/{script.stem}/{name}" for script in EXAMPLES for name in pictures(script)}
    missing = [
        link
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists() and link not in made
    ]
    assert missing == []


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_examples_run_and_make_their_pictures(script, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = pictures(script)
    module = ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), module.__dict__)
    module.main(tmp_path, size=24)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for name in names:
        frames = iio.imread(tmp_path / name, index=None)
        assert frames.std() > 5
        assert len(frames) > 5 or name.endswith(".png")


def test_examples_are_short_and_shown_in_the_gallery():
    gallery = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert len(EXAMPLES) >= 6
    for script in EXAMPLES:
        assert f"`{script.name}`" in gallery
        assert len(script.read_text(encoding="utf-8").splitlines()) < 80


def test_most_pages_have_code_that_runs():
    with_code = [page.stem for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]
    assert {"README", "index", "quickstart", "backends", "subclassing"} <= set(with_code)


def test_all_pictures_can_be_made_again(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="drawing needs the extra docs")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = runpy.run_path(str(ROOT / "docs" / "make_pictures.py"))
    script["make_pictures"](tmp_path, size=24)
    stored = ROOT / "docs" / "images"
    made, kept = (
        {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in (".gif", ".png")}
        for folder in (tmp_path, stored)
    )
    assert made == kept


def test_a_map_is_opened_with_a_margin(tmp_path):
    script = runpy.run_path(str(ROOT / "docs" / "make_reconstructions.py"))
    Volume(np.ones((65, 64, 60), np.float32)).save(tmp_path / "map.mrc")
    volume = script["open_map"](tmp_path / "map.mrc", voxel_size=5)
    assert volume.shape == (72, 72, 64)
    assert volume.voxel_size.tolist() == [5, 5, 5]
    assert volume.data.sum() == 65 * 64 * 60


def test_the_pictures_are_small():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [ROOT / link for link in LINK.findall(readme) if link.startswith("docs/images/")]
    assert sum(path.suffix == ".gif" for path in shown) >= 2
    assert sum(path.stat().st_size for path in shown) < 2_000_000
    images = [path for path in (ROOT / "docs" / "images").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in images) < 4_000_000
    assert all(path.stat().st_size < 350_000 for path in images if "gallery" in path.parts)


def test_the_pictures_of_the_reconstructions_can_be_made_again(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="drawing needs the extra docs")
    script = runpy.run_path(str(ROOT / "docs" / "make_reconstructions.py"))
    numbers = script["make_reconstructions"](tmp_path, size=32)
    assert numbers["tv, strength 0.1"][0] < numbers["wbp, ramp"][0]
    assert capsys.readouterr().out.count("|\n") == 2 + len(numbers)
    for name in (
        "reconstructions",
        "fsc",
        "mask_corrected_fsc",
        "conical_fsc",
        "directional_resolution",
    ):
        assert iio.imread(tmp_path / f"{name}.png").std() > 10
