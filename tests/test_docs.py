"""What the pages show runs, and what they link to is there."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import runpy
import sys
from pathlib import Path
from types import ModuleType

import imageio.v3 as iio
import numpy as np
import pytest

import libtilt
from libtilt import Volume

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SAVING = [
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in ("index", "quickstart", "animations", "classic", "subclassing", "methods")
    ),
]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))
RIBOSOME = ROOT.parent / "shared" / "data" / "ribosome-70S-65.mrc"
GROUPS = ("get_started", "how_to", "explanation", "reference", "project")
MODULES = [
    info.name
    for info in pkgutil.iter_modules(libtilt.__path__, "libtilt.")
    if hasattr(importlib.import_module(info.name), "__all__")
]
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


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in SAVING], ids=lambda page: page.stem
)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(page, monkeypatch)


@pytest.mark.parametrize("page", SAVING, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_twice_in_the_same_folder(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(page, monkeypatch)
    before = {path.name for path in tmp_path.iterdir()}
    run_blocks(page, monkeypatch)
    assert {path.name for path in tmp_path.iterdir()} == before != set()


def test_the_lines_of_the_gallery_replace_their_files():
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    lines = re.findall(r"^.*\.(?:to_gif|save)\(.*$", text, re.MULTILINE)
    assert lines
    assert [line for line in lines if "overwrite=True" not in line] == []


def test_the_lines_in_place_of_classic_functions_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "classic.md"
    names = run_blocks(page, monkeypatch)
    lines = REPLACEMENT.findall(page.read_text(encoding="utf-8"))
    assert len(lines) > 60
    for line in lines:
        exec(compile(line, line, "exec"), names)


def cells(tutorial, kind):
    """The texts of a notebook's cells of one kind."""
    content = json.loads(tutorial.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


def run_cells(tutorial, monkeypatch):
    """Run the code of a notebook, and return what names it made."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    module = ModuleType("notebook")
    monkeypatch.setitem(sys.modules, "notebook", module)
    for number, code in enumerate(cells(tutorial, "code")):
        exec(compile(code, f"{tutorial.name}, cell {number}", "exec"), module.__dict__)
    importlib.import_module("matplotlib.pyplot").close("all")
    return module.__dict__


@pytest.mark.parametrize("source", ["phantom", "ribosome"])
def test_the_tutorial_from_a_map_to_a_tomogram_runs(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIBTILT_MAP", raising=False)
    if source == "ribosome":
        if not RIBOSOME.exists():
            pytest.skip("the public data files are not in ../shared/data")
        monkeypatch.setenv("LIBTILT_MAP", str(RIBOSOME))
    names = run_cells(ROOT / "docs" / "tutorials" / "map_to_tomogram.ipynb", monkeypatch)
    assert names["volume"].voxel_size.tolist() == [5, 5, 5]
    for curve in names["curves"].values():
        assert curve.correlation[1:5].mean() > 0.75
    assert libtilt.Volume.open("tomogram.mrc").shape == (96, 96, 96)
    assert (tmp_path / "story.gif").stat().st_size < 2_500_000


def test_the_tutorial_from_an_aligned_series_to_subvolumes_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_cells(ROOT / "docs" / "tutorials" / "subvolumes.ipynb", monkeypatch)
    # IMOD's files keep seven digits.
    assert abs(names["difference"][..., :2]).max() < 0.002 * names["pixel_size"]
    assert len(list(tmp_path.glob("particle_*.mrc"))) == len(names["subvolumes"]) == 6
    truth, fsc = names["truth"], names["fsc"]
    first, mean = (fsc(truth, names[name]).correlation[8:16].mean() for name in ("first", "mean"))
    assert first > 0.3
    assert mean > first + 0.1


def test_tutorials_are_stored_without_outputs():
    assert len(TUTORIALS) == 2
    for tutorial in TUTORIALS:
        for cell in json.loads(tutorial.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_links_of_a_tutorial_exist(tutorial):
    links = LINK.findall("\n".join(cells(tutorial, "markdown")))
    assert links
    assert [link for link in links if not (tutorial.parent / link).exists()] == []


def test_every_page_is_linked_from_one_group():
    docs = ROOT / "docs"
    linked = [
        link
        for group in GROUPS
        for link in LINK.findall((docs / f"{group}.md").read_text(encoding="utf-8"))
    ]
    pages = {path.relative_to(docs).as_posix() for path in [*docs.glob("*.md"), *TUTORIALS]}
    assert sorted(linked) == sorted(pages - {"index.md", *(f"{group}.md" for group in GROUPS)})
    assert set(LINK.findall((docs / "index.md").read_text(encoding="utf-8"))) > {
        f"{group}.md" for group in GROUPS
    }


@pytest.mark.parametrize("name", ["libtilt", *MODULES])
def test_all_public_names_of_a_module_are_in_the_reference(name):
    index = ROOT / "docs" / "api.md"
    page = index.parent / "api" / f"{name.rpartition('.')[2]}.md"
    module = importlib.import_module(name)
    text = page.read_text(encoding="utf-8")
    assert f"[{name}](api/{page.name})" in index.read_text(encoding="utf-8")
    assert re.search(rf"^\.\. automodule:: {name}\n   :members:$", text, re.MULTILINE)
    # Classes and functions come with their module, unless they are on the page of libtilt; others
    # have no docstrings of their own.
    excluded = re.search(rf"automodule:: {name}\n   :members:\n   :exclude-members: (.*)\n", text)
    assert set(excluded[1].split(", ") if excluded else ()) <= set(libtilt.__all__)
    for member in module.__all__:
        value = getattr(module, member)
        documented = inspect.isclass(value) or inspect.isroutine(value)
        assert documented or f".. autodata:: {name}.{member}\n" in text


def test_the_modules_that_docstrings_refer_to_are_in_the_reference():
    index = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    sources = sorted(Path(libtilt.__file__).parent.rglob("*.py"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"(?<!`)`libtilt\.([a-z_]+)`(?!`)", text))
    assert {"animations", "progress"} <= named
    assert [name for name in sorted(named) if f"(api/{name}.md)" not in index] == []


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
        assert len(frames) > 3 or name.endswith(".png")


def test_examples_are_short_and_shown_in_the_gallery():
    gallery = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert len(EXAMPLES) >= 6
    for script in EXAMPLES:
        assert f"`{script.name}`" in gallery
        assert len(script.read_text(encoding="utf-8").splitlines()) <= 80


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
    # A screenshot of a viewer is made in the viewer's own environment.
    assert made == kept - {Path("napari.png")}


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
    assert sum(path.stat().st_size for path in shown) < 2_500_000
    images = [path for path in (ROOT / "docs" / "images").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in images) < 6_000_000
    assert all(path.stat().st_size < 700_000 for path in images if "gallery" in path.parts)


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
