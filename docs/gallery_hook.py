"""Hook of the site build that makes the gallery's pictures with the scripts in examples/."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from mkdocs.structure.files import File

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "libtilt"
MADE = DOCS.parent / "build" / "gallery"


def imported(script: Path) -> ModuleType:
    """Import a script under its name, where pickle finds its classes."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


def pictures_of(script: Path) -> list[Path]:
    """Return the pictures of a script, remade if the script or the package is newer."""
    folder = MADE / script.stem
    example = imported(script)
    paths = [folder / name for name in example.PICTURES]
    newest = max(file.stat().st_mtime for file in (script, *PACKAGE.rglob("*.py")))
    if not all(path.exists() and path.stat().st_mtime > newest for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("MPLBACKEND", "agg")
        example.main(folder)
    return paths


def on_files(files, config):
    """Add the pictures to the site under gallery/."""
    for script in sorted((DOCS / "examples").glob("*.py")):
        for path in pictures_of(script):
            uri = f"gallery/{script.stem}/{path.name}"
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files
