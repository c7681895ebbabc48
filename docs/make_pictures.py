"""Make all pictures of README and pages: python docs/make_pictures.py --map FILE --voxel-size 5.

Without a map, they show a phantom. Pictures of the gallery are those of the scripts in
docs/examples; README and home page show two of them. Drawing needs matplotlib, of the extra docs.
"""

import importlib
import os
import runpy
import sys
from pathlib import Path

from libtilt import GaussianBlobs

DOCS = Path(__file__).parent
EXAMPLES = sorted(script.stem for script in (DOCS / "examples").glob("*.py"))
RECONSTRUCTIONS = runpy.run_path(str(DOCS / "make_reconstructions.py"))
# Shown on README and home page too; the gallery links to them there.
MOVED = ("project_and_reconstruct/story.gif", "map_gif/surface.gif")


def make_gallery(folder, volume):
    """Write the pictures of each example into a folder of its name."""
    sys.path.insert(0, str(DOCS / "examples"))  # where pickle finds the classes of a script
    for name in EXAMPLES:
        (folder / name).mkdir(parents=True, exist_ok=True)
        importlib.import_module(name).main(folder / name, volume=volume)


def make_pictures(folder, volume=None, size=96):
    """Write all pictures into a folder."""
    os.environ.setdefault("MPLBACKEND", "agg")
    if volume is None:
        volume = GaussianBlobs.ribosome_like().volume((size,) * 3, voxel_size=320 / size)
    folder.mkdir(parents=True, exist_ok=True)
    RECONSTRUCTIONS["make_reconstructions"](folder, volume)
    make_gallery(folder / "gallery", volume)
    for name in MOVED:
        picture = folder / "gallery" / name
        picture.replace(folder / picture.name)


if __name__ == "__main__":
    given = RECONSTRUCTIONS["options"](__doc__).parse_args()
    opened = given.map and RECONSTRUCTIONS["open_map"](given.map, given.voxel_size)
    make_pictures(given.folder, opened)
