"""Make `docs/images/napari.png`: a volume in angstroms beside its binned copy in nanometers.

Needs `napari[all]` and a display: `xvfb-run python docs/make_napari_picture.py`.
"""

from pathlib import Path

import napari
import numpy as np
from napari.qt import get_qapp
from PIL import Image

from libtilt import GaussianBlobs

PICTURE = Path(__file__).parent / "images" / "napari.png"


def main():
    volume = GaussianBlobs.ribosome_like().volume((96, 96, 96), voxel_size=4.0)
    viewer = napari.Viewer()
    viewer.window.resize(1100, 620)
    data, options, _ = volume.to_layer_data()
    viewer.add_image(data, **options | {"name": "4 angstroms a voxel", "colormap": "gray"})
    binned = volume.bin(2)
    viewer.add_image(
        binned.data,
        name="0.8 nm a voxel",
        scale=binned.voxel_size[::-1] / 10,
        translate=binned.origin[::-1] / 10 + np.array([0, 0, 40]),
        units=("nm", "nm", "nm"),
        axis_labels=("z", "y", "x"),
        contrast_limits=options["contrast_limits"],
        colormap="bop orange",
    )
    viewer.canvas.overlays.scale_bar.visible = True
    viewer.dims.set_point(0, 0.0)
    get_qapp().processEvents()
    viewer.reset_view()
    get_qapp().processEvents()
    shot = viewer.screenshot(canvas_only=False, flash=False)
    Image.fromarray(shot[..., :3]).quantize(128).save(PICTURE, optimize=True)
    viewer.close()


main()
